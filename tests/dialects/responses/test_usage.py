import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import Usage
from seawall.dialects.responses.usage import UsageObject, usage_object, usage_of

COUNTS = st.one_of(st.none(), st.integers(0, 50), st.integers(-20, 50))
BUCKETS = st.builds(Usage, *[st.integers(0, 10_000)] * 6)


@given(BUCKETS)
def test_what_is_written_is_read_back(usage: Usage) -> None:
    written = msgspec.convert(usage_object(usage), UsageObject)

    assert usage_of(written) == (usage, "reported")


@given(
    st.fixed_dictionaries(dict.fromkeys(("prompt", "output", "read", "written", "short", "long", "thinking"), COUNTS))
)
def test_no_bucket_is_below_what_was_read(counts: dict[str, int | None]) -> None:
    details = {
        "cached_tokens": counts["read"],
        "cache_write_tokens": counts["written"],
        "cache_write_tokens_details": {"ttl_30m_tokens": counts["short"], "ttl_12h_tokens": counts["long"]},
    }
    found = {
        "input_tokens": counts["prompt"],
        "output_tokens": counts["output"],
        "input_tokens_details": details,
        "output_tokens_details": {"reasoning_tokens": counts["thinking"]},
    }
    known = {name: count or 0 for name, count in counts.items()}
    usage, state = usage_of(msgspec.convert(found, UsageObject))

    assert usage.is_sound()
    assert usage.prompt >= known["prompt"]
    assert usage.cache_read >= known["read"]
    assert usage.cache_write_short >= known["short"]
    assert usage.cache_write_long >= known["long"]
    assert usage.cache_write_short + usage.cache_write_long >= known["written"]
    assert usage.billed_output >= max(known["output"], known["thinking"])
    if state == "reported":
        assert usage.is_sound(prompt_total=known["prompt"], output_total=known["output"])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param({"input_tokens": 10, "output_tokens": 4}, (Usage(10, output=4), "reported"), id="plain"),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 0,
                "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3},
            },
            (Usage(5, 2, 3), "reported"),
            id="writes without lifetimes have the shorter one",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "input_tokens_details": {"cache_write_tokens": 5, "cache_write_tokens_details": {"ttl_30m_tokens": 2}},
            },
            (Usage(5, cache_write_short=2, cache_write_long=3), "unsound"),
            id="what no lifetime claims has the longer one",
        ),
        pytest.param({"input_tokens": 1}, (Usage(1), "partial"), id="no output yet"),
    ],
)
def test_counts_are_sorted(found: dict[str, object], expected: tuple[Usage, str]) -> None:
    assert usage_of(msgspec.convert(found, UsageObject)) == expected


def test_a_negative_count_of_searches_is_none() -> None:
    assert usage_of(UsageObject(1, 1), -1) == (Usage(1, output=1), "unsound")
