import orjson
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import Usage
from seawall.dialects.chat.usage_writer import usage_of
from seawall.dialects.dialect import CHAT
from seawall.dialects.openai import OPENAI

COUNTS = st.integers(0, 10**6)


def test_cached_tokens_are_in_the_prompt_and_thinking_is_in_the_completion() -> None:
    assert usage_of(Usage(10, 4, 6, 3, 4, 5)) == {
        "prompt_tokens": 23,
        "completion_tokens": 9,
        "total_tokens": 32,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 9},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }


@given(usage=st.builds(Usage, COUNTS, COUNTS, COUNTS, st.just(0), COUNTS, COUNTS))
def test_the_dialect_reads_what_is_written(usage: Usage) -> None:
    body = orjson.dumps({"choices": [], "usage": usage_of(usage)})

    facts = OPENAI.read_reply(CHAT, body)

    assert (facts.usage, facts.usage_state) == (usage, "reported")
