import json
from dataclasses import replace
from typing import Any, Final

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop, ToolCall
from seawall.sandbox.openai.responses_reply import Telling, body, events, usage_json

CALL: Final = ToolCall("clock", {"zone": "UTC"}, ('{"', "zone", '":"', "UTC", '"}'), head_tokens=2)
TEXT: Final = Answer(Stop.END, ("Hm", "."), ("One", " two", " three"))
USAGE: Final = Usage(input=5, cache_read=6, cache_write_short=7, cache_write_long=8, output=10, thinking=2)
TELLING: Final = Telling({"model": "gpt-6-sol"}, "req_1", 1_795_219_200, USAGE, "default", "low", 2)


def _events(answer: Answer, telling: Telling = TELLING) -> list[dict[str, Any]]:
    found = []
    for event in events(answer, telling):
        name, _, data = event.data.partition(b"\ndata: ")
        found.append(json.loads(data))
        assert name == b"event: " + found[-1]["type"].encode()
        assert data.endswith(b"\n\n")
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def test_a_stream_has_the_life_of_every_item_in_its_order() -> None:
    assert [event["type"].removeprefix("response.") for event in _events(TEXT)] == [
        "created", "in_progress",
        "output_item.added", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "output_text.done",
        "content_part.done", "output_item.done",
        "completed",
    ]  # fmt: skip


def test_a_call_comes_in_pieces() -> None:
    told = _events(Answer(Stop.TOOL_CALL, calls=(CALL,)))

    assert [event["delta"] for event in told if event["type"].endswith("arguments.delta")] == ['{"zone', '":"UTC', '"}']
    assert told[-1]["response"]["output"] == [told[-2]["item"]]
    assert told[-2]["item"]["arguments"] == '{"zone":"UTC"}'


def test_every_generated_token_is_charged_to_an_event() -> None:
    for answer in (TEXT, Answer(Stop.TOOL_CALL, ("Hm",), calls=(CALL,)), Answer(Stop.MAX_TOKENS, ("Hm", "hm"))):
        tokens = sum(event.tokens for event in events(answer, TELLING))

        assert tokens == answer.output_tokens + len(answer.thinking)


def test_only_the_last_event_ends_the_stream() -> None:
    assert [event.is_terminal for event in events(TEXT, TELLING)] == [False] * 11 + [True]


def test_a_body_is_what_the_last_event_has() -> None:
    assert json.loads(body(TEXT, TELLING)) == _events(TEXT)[-1]["response"]
    assert json.loads(body(TEXT, replace(TELLING, usage=None)))["usage"] is None


def test_cached_tokens_are_inside_the_input_and_reasoning_inside_the_output() -> None:
    assert usage_json(USAGE) == {
        "input_tokens": 26,
        "input_tokens_details": {
            "cached_tokens": 6,
            "cache_write_tokens": 15,
            "cache_write_tokens_details": {"ttl_30m_tokens": 7, "ttl_12h_tokens": 8},
        },
        "output_tokens": 12,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 38,
    }


def test_an_answer_cut_by_its_limit_is_incomplete() -> None:
    told = _events(replace(TEXT, stop=Stop.MAX_TOKENS))

    assert told[-1]["type"] == "response.incomplete"
    assert told[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert told[-2]["item"]["status"] == "incomplete"
