import json
from dataclasses import replace
from typing import Any, Final

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop, ToolCall
from seawall.sandbox.anthropic.reply import Telling, body, events, signature

CALL: Final = ToolCall("clock", {"zone": "UTC"}, ('{"', "zone", '":"', "UTC", '"}'), head_tokens=2)
ANSWER: Final = Answer(Stop.TOOL_CALL, ("Hm", "."), ("One", " two", " three"), (CALL,))
USAGE: Final = Usage(input=5, cache_read=6, cache_write_short=7, cache_write_long=8, output=10, thinking=2)
TELLING: Final = Telling("claude-haiku-5-5", "req_1", USAGE, False, "global", True, 2)


def _frames(answer: Answer, telling: Telling) -> list[dict[str, Any]]:
    found = []
    for event in events(answer, telling):
        name, data, *rest = event.data.decode().split("\n")
        assert rest == ["", ""]
        found.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {found[-1]['type']}"
    return found


def test_a_stream_has_the_events_of_the_dialect_in_their_order() -> None:
    kinds = [(frame["type"], frame.get("index")) for frame in _frames(ANSWER, TELLING)]

    assert kinds == [
        ("message_start", None),
        ("content_block_start", 0),
        ("ping", None),
        ("content_block_delta", 0),
        ("content_block_delta", 0),
        ("content_block_stop", 0),
        ("content_block_start", 1),
        ("content_block_delta", 1),
        ("content_block_delta", 1),
        ("content_block_stop", 1),
        ("content_block_start", 2),
        *[("content_block_delta", 2)] * 4,
        ("content_block_stop", 2),
        ("message_delta", None),
        ("message_stop", None),
    ]


def test_the_stream_says_what_the_body_says() -> None:
    frames, whole = _frames(ANSWER, TELLING), json.loads(body(ANSWER, TELLING))
    deltas = [frame["delta"] for frame in frames if frame["type"] == "content_block_delta"]

    assert "".join(delta.get("thinking", "") for delta in deltas) == whole["content"][0]["thinking"] == "Hm."
    assert "".join(delta.get("text", "") for delta in deltas) == whole["content"][1]["text"] == "One two three"
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == whole["content"][2]["input"]
    assert [delta["signature"] for delta in deltas if "signature" in delta] == [whole["content"][0]["signature"]]
    assert frames[0]["message"]["id"] == whole["id"]
    assert frames[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "tool_use"


def test_the_usage_of_a_stream_is_complete_only_when_both_ends_are_put_together() -> None:
    frames, whole = _frames(ANSWER, TELLING), json.loads(body(ANSWER, TELLING))["usage"]
    start, end = frames[0]["message"]["usage"], frames[-2]["usage"]

    assert start | end == whole
    assert whole["cache_creation"] == {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 8}
    assert (whole["cache_creation_input_tokens"], whole["cache_read_input_tokens"], whole["input_tokens"]) == (15, 6, 5)
    assert (whole["output_tokens"], whole["output_tokens_details"]) == (12, {"thinking_tokens": 2})
    assert "cache_creation" not in end
    assert start["output_tokens"] == 1


def test_every_token_is_generated_for_one_event() -> None:
    assert sum(event.tokens for event in events(ANSWER, TELLING)) == ANSWER.output_tokens + len(ANSWER.thinking)


def test_hidden_thinking_has_a_signature_and_nothing_else() -> None:
    hidden = replace(TELLING, shows_thinking=False)

    deltas = [frame["delta"] for frame in _frames(ANSWER, hidden) if frame.get("index") == 0 and "delta" in frame]

    assert deltas == [{"type": "signature_delta", "signature": signature(ANSWER.thinking)}]
    assert json.loads(body(ANSWER, hidden))["content"][0]["thinking"] == ""
    assert sum(event.tokens for event in events(ANSWER, hidden)) == 12


def test_missing_usage_is_nowhere() -> None:
    blind = replace(TELLING, usage=None)
    frames = _frames(ANSWER, blind)

    assert "usage" not in json.loads(body(ANSWER, blind))
    assert "usage" not in frames[0]["message"]
    assert "usage" not in frames[-2]


def test_a_refusal_says_why() -> None:
    told = json.loads(body(Answer(Stop.REFUSED), replace(TELLING, usage=Usage(input=5))))

    assert (told["content"], told["stop_reason"]) == ([], "refusal")
    assert told["stop_details"]["category"] == "general_harms"


def test_a_cut_call_has_no_arguments_in_a_body_and_broken_ones_in_a_stream() -> None:
    cut = Answer(Stop.MAX_TOKENS, calls=(replace(CALL, pieces=CALL.pieces[:2], is_cut=True),))
    deltas = [
        frame["delta"]["partial_json"] for frame in _frames(cut, TELLING) if frame["type"] == "content_block_delta"
    ]

    assert json.loads(body(cut, TELLING))["content"][0]["input"] == {}
    assert deltas == ["", '{"zone']


def test_only_what_ends_the_message_is_terminal() -> None:
    assert [event.data[:20] for event in events(ANSWER, TELLING) if event.is_terminal] == [
        b"event: message_delta",
        b"event: message_stop\n",
    ]
