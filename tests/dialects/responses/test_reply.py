import json
from typing import Any

import pytest

from seawall.core.error import UpstreamBroken, UpstreamRefused
from seawall.core.usage import Usage
from seawall.dialects.neutral.answer import REFUSED, Answer, Stop
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.reply import read_reply, write_reply

CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}


def _body(*output: Any, status: str = "completed", **more: Any) -> bytes:
    response = {"id": "resp_1", "object": "response", "model": "m", "status": status, "output": list(output)}
    return json.dumps(response | more).encode()


def _said(*content: Any) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(content)}


@pytest.mark.parametrize(
    ("body", "parts", "stop"),
    [
        pytest.param(_body(_said({"type": "output_text", "text": "a"})), (Text("a"),), "complete", id="text"),
        pytest.param(_body(CALL), (ToolCall("a", "f", "{}"),), "tools", id="a call"),
        pytest.param(_body(CALL | {"arguments": ""}), (ToolCall("a", "f", "{}"),), "tools", id="no arguments"),
        pytest.param(_body(_said({"type": "refusal", "refusal": "No."})), (Refusal("No."),), "refused", id="refusal"),
        pytest.param(_body({"type": "web_search_call"}), (), "complete", id="a built-in tool"),
        pytest.param(_body(_said("odd")), (), "complete", id="an odd part"),
        pytest.param(
            _body({"type": "reasoning", "id": "r"}),
            (Thinking("responses", {"type": "reasoning", "id": "r"}),),
            "complete",
            id="thoughts",
        ),
        pytest.param(
            _body(CALL | {"arguments": '{"a'}, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            (),
            "length",
            id="a call that was cut",
        ),
        pytest.param(
            _body(status="incomplete", incomplete_details={"reason": "content_filter"}), (), "refused", id="filtered"
        ),
        pytest.param(_body(status="incomplete"), (), "length", id="incomplete for no reason"),
    ],
)
def test_an_answer_is_read(body: bytes, parts: tuple[Any, ...], stop: Stop) -> None:
    answer = read_reply(body, Losses())

    assert (answer.parts, answer.stop) == (parts, stop)


def test_facts_are_read_with_it() -> None:
    answer = read_reply(_body(created_at=1_795_000_000, usage={"input_tokens": 5, "output_tokens": 2}), Losses())

    assert answer == Answer("resp_1", "m", (), "complete", usage=Usage(5, output=2), at_s=1_795_000_000.0)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body(status="queued"), id="not begun"),
        pytest.param(_body(status="cancelled"), id="cancelled"),
        pytest.param(_body(output="odd"), id="no output"),
        pytest.param(_body("odd"), id="no item"),
        pytest.param(_body(CALL | {"name": ""}), id="a call without a name"),
        pytest.param(_body(CALL | {"arguments": "[]"}), id="arguments that are no object"),
        pytest.param(b"[]", id="no object"),
    ],
)
def test_what_is_no_whole_answer_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        read_reply(body, Losses())


def test_an_answer_that_failed_is_an_error() -> None:
    with pytest.raises(UpstreamRefused, match="Slow down"):
        read_reply(_body(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow down"}), Losses())


def test_words_in_one_go_are_one_message_and_calls_stand_for_themselves() -> None:
    parts = (Text("a"), Text("b"), ToolCall("x", "f", "{}"), Text("c"), Thinking("messages", {}))
    told = json.loads(write_reply(Answer("chatcmpl-1", "m", parts, "tools")))

    assert told["id"] == "resp_1"
    assert [item["type"] for item in told["output"]] == ["message", "function_call", "message"]
    assert [part["text"] for part in told["output"][0]["content"]] == ["a", "b"]
    assert len({item["id"] for item in told["output"]}) == 3


@pytest.mark.parametrize("explanation", ["Unsafe.", ""])
def test_of_a_refused_answer_only_the_refusal_is_told(explanation: str) -> None:
    told = json.loads(write_reply(Answer("msg_1", "m", (Text("Well"),), "refused", explanation=explanation)))

    assert told["status"] == "completed"
    assert told["output"][0]["content"] == [{"type": "refusal", "refusal": explanation or REFUSED}]


@pytest.mark.parametrize("stop", ["length", "paused"])
def test_an_answer_that_was_cut_is_incomplete(stop: Stop) -> None:
    told = json.loads(write_reply(Answer("", "m", (Text("On"),), stop)))

    assert (told["status"], told["output"][0]["status"]) == ("incomplete", "incomplete")
    assert told["incomplete_details"] == {"reason": "max_output_tokens"}
    assert told["id"].startswith("resp_")


@pytest.mark.parametrize(
    ("item", "codes"),
    [
        pytest.param(_said({"type": "output_text", "text": "a", "annotations": []}), [], id="nothing"),
        pytest.param({"type": "reasoning", "id": "r"}, [], id="thoughts"),
        pytest.param(
            _said({"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]}),
            ["dropped.answer.citations"],
            id="citations",
        ),
        pytest.param({"type": "web_search_call"}, ["dropped.answer.server_tools"], id="a built-in tool"),
        pytest.param({"type": {}}, ["dropped.answer.server_tools"], id="a type that is none"),
    ],
)
def test_what_no_other_dialect_has_is_noted(item: dict[str, Any], codes: list[str]) -> None:
    losses = Losses()

    read_reply(_body(item), losses)

    assert losses.codes == codes
