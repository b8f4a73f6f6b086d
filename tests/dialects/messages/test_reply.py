import json
from typing import Any, Final

import pytest
from anthropic.types import Message as SdkMessage

from seawall.core.error import UpstreamBroken
from seawall.core.usage import Usage
from seawall.dialects.messages.reply import read_reply, write_reply
from seawall.dialects.neutral.answer import Answer, Stop
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall
from seawall.dialects.neutral.loss import Losses

MESSAGE: Final[dict[str, Any]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "hello", "citations": None}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 1}},
}
ANSWER: Final = Answer("msg_1", "claude-opus-5", (Text("hello"),), "complete", usage=Usage(3, output=4, thinking=1))


def _read(**fields: Any) -> Answer:  # any JSON values
    return read_reply(json.dumps(MESSAGE | fields).encode(), Losses())


def _written(answer: Answer) -> dict[str, Any]:  # JSON values
    body = write_reply(answer)
    SdkMessage.model_validate_json(body, strict=True)  # what the official client types
    found: dict[str, Any] = json.loads(body)
    return found


def test_an_answer_is_read() -> None:
    assert _read() == ANSWER


def test_an_answer_without_counts_has_none() -> None:
    assert _read(usage=None).usage == Usage()


def test_content_keeps_its_order_and_calls_their_text() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "c2ln"}
    content = b'[%s,{"type":"text","text":""},{"type":"server_tool_use","id":"s","name":"web_search","input":{}},' % (
        json.dumps(thought).encode()
    )
    call = b'{"type":"tool_use","id":"a","name":"f","input":{"x": 12345678901234567890123, "y":1.0}}]'
    body = json.dumps(MESSAGE | {"content": 0}).encode().replace(b'"content": 0', b'"content": ' + content + call)

    assert read_reply(body, Losses()).parts == (
        Thinking("messages", thought),
        ToolCall("a", "f", '{"x": 12345678901234567890123, "y":1.0}'),
    )


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        pytest.param("end_turn", "complete", id="done"),
        pytest.param("tool_use", "tools", id="calls"),
        pytest.param("max_tokens", "length", id="the bound"),
        pytest.param("model_context_window_exceeded", "length", id="a full context"),
        pytest.param("pause_turn", "paused", id="paused"),
        pytest.param("something_new", "length", id="what nobody knows is not taken for whole"),
    ],
)
def test_a_reason_to_stop_is_read(reason: str, stop: Stop) -> None:
    assert _read(stop_reason=reason).stop == stop


def test_a_refusal_is_read_with_its_explanation() -> None:
    details = {"type": "refusal", "category": None, "explanation": "harm"}

    answer = _read(content=[], stop_reason="refusal", stop_details=details)

    assert (answer.parts, answer.stop, answer.explanation) == ((), "refused", "harm")


def test_a_stop_sequence_is_read_with_its_text() -> None:
    answer = _read(stop_reason="stop_sequence", stop_sequence="END")

    assert (answer.stop, answer.stop_text) == ("stop_sequence", "END")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html>", id="no JSON"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"type":"error","error":{}}', id="an error"),
        pytest.param(json.dumps(MESSAGE | {"type": "completion"}).encode(), id="another type"),
        pytest.param(json.dumps(MESSAGE | {"stop_reason": None}).encode(), id="no reason to stop"),
        pytest.param(json.dumps(MESSAGE | {"content": [{"type": "text", "text": None}]}).encode(), id="no text"),
        pytest.param(json.dumps(MESSAGE | {"content": [{"type": "tool_use", "input": [1]}]}).encode(), id="a list"),
        pytest.param(
            json.dumps(MESSAGE | {"content": 0}).encode().replace(b": 0", b': [{"type":"tool_use","input":"\xff"}]'),
            id="no UTF-8",
        ),
    ],
)
def test_what_is_no_message_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_reply(body, Losses())


def test_an_answer_is_written_whole() -> None:
    assert _written(ANSWER) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"thinking_tokens": 1},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        },
    }


def test_an_answer_without_an_id_gets_one() -> None:
    assert _written(Answer("", "gpt-6", (), "complete"))["id"].startswith("msg_")


def test_a_refusal_is_text_with_its_own_reason() -> None:
    found = _written(Answer("a", "gpt-6", (Refusal("I won't."),), "refused", explanation="harm"))

    assert found["content"] == [{"type": "text", "text": "I won't."}]
    assert found["stop_reason"] == "refusal"
    assert found["stop_details"] == {"type": "refusal", "category": None, "explanation": "harm"}


def test_empty_texts_and_the_thoughts_of_others_are_left_out() -> None:
    assert _written(Answer("a", "m", (Text(""), Thinking("responses", {})), "complete"))["content"] == []


@pytest.mark.parametrize(
    ("parts", "stop", "reason"),
    [
        pytest.param((ToolCall("a", "f", ""),), "complete", "tool_use", id="a call that was not announced"),
        pytest.param((Text("x"),), "tools", "end_turn", id="an announced call that did not come"),
    ],
)
def test_the_reason_goes_with_the_content(parts: tuple[Text | ToolCall, ...], stop: Stop, reason: str) -> None:
    assert _written(Answer("a", "m", parts, stop))["stop_reason"] == reason


def test_a_call_that_the_bound_cut_is_left_out() -> None:
    found = _written(Answer("a", "m", (Text("x"), ToolCall("a", "f", '{"x":')), "length"))

    assert [block["type"] for block in found["content"]] == ["text"]
    assert found["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("arguments", ['{"x":', "[1]", "nul"])
def test_a_call_that_nobody_could_read_breaks_the_answer(arguments: str) -> None:
    with pytest.raises(UpstreamBroken):
        write_reply(Answer("a", "m", (ToolCall("a", "f", arguments),), "tools"))


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"content": [{"type": "text", "text": "a", "citations": []}]}, [], id="no citations"),
        pytest.param(
            {"content": [{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}] * 2},
            ["dropped.answer.citations"],
            id="citations",
        ),
        pytest.param(
            {"content": [{"type": "server_tool_use", "id": "s"}, {"type": "web_search_tool_result", "content": []}]},
            ["dropped.answer.server_tools"],
            id="what servers' tools did",
        ),
        pytest.param({"content": [{"type": "hologram"}]}, ["dropped.answer.unknown_part"], id="what nobody knows"),
        pytest.param({"content": [{"type": "redacted_thinking", "data": "A"}]}, [], id="thoughts"),
        pytest.param({"stop_reason": "bored"}, ["changed.answer.stop_reason"], id="a reason that nobody knows"),
    ],
)
def test_what_no_other_dialect_has_is_noted(change: dict[str, Any], codes: list[str]) -> None:
    losses = Losses()

    read_reply(json.dumps(MESSAGE | change).encode(), losses)

    assert losses.codes == codes
