import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from seawall.core.error import UpstreamBroken, UpstreamError, UpstreamRefused
from seawall.core.usage import Usage
from seawall.dialects.chat.reply import read_reply, write_reply
from seawall.dialects.neutral.answer import Answer
from seawall.dialects.neutral.conversation import Refusal, Text, Thinking, ToolCall
from seawall.dialects.neutral.loss import Losses

USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 6},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def _body(message: Any, finish: Any = "stop", **more: Any) -> bytes:  # any JSON values, here and below
    choice = {"index": 0, "message": message, "finish_reason": finish, **more.pop("choice", {})}
    answer = {"id": "chatcmpl-1", "created": 1795219200, "model": "gpt", "choices": [choice], "usage": USAGE}
    return json.dumps(answer | more).encode()


def _read(message: Any, finish: Any = "stop", **more: Any) -> Answer:
    return read_reply(_body(message, finish, **more), Losses())


def test_an_answer_is_read_with_all_that_it_says_of_itself() -> None:
    assert _read({"role": "assistant", "content": "Hi"}) == Answer(
        "chatcmpl-1", "gpt", (Text("Hi"),), "complete", usage=Usage(10, 4, 6, 0, 4, 5), at_s=1795219200.0
    )


@pytest.mark.parametrize(
    ("message", "finish", "answer"),
    [
        pytest.param({"content": None, "tool_calls": [CALL]}, "tool_calls",
                     Answer("", "", (ToolCall("call_1", "f", '{"a":1}'),), "tools"), id="a call"),
        pytest.param({"content": "Well", "tool_calls": [CALL]}, "stop",
                     Answer("", "", (Text("Well"), ToolCall("call_1", "f", '{"a":1}')), "tools"),
                     id="a call in spite of a stop"),
        pytest.param({"content": "", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": ""}}]}, "stop",
                     Answer("", "", (ToolCall("x", "f", "{}"),), "tools"), id="a call without arguments"),
        pytest.param({"tool_calls": [{"id": "x", "function": {"name": "f", "arguments": {"a": 1}}}]}, "stop",
                     Answer("", "", (ToolCall("x", "f", '{"a":1}'),), "tools"), id="arguments that are no text"),
        pytest.param({"content": "ab", "tool_calls": [CALL, {"id": "x", "function": {"name": "f", "arguments": "{"}}]},
                     "length", Answer("", "", (Text("ab"), ToolCall("call_1", "f", '{"a":1}')), "length"),
                     id="cut off in a call"),
        pytest.param({"content": "ab", "tool_calls": [CALL]}, "length",
                     Answer("", "", (Text("ab"), ToolCall("call_1", "f", '{"a":1}')), "length"),
                     id="cut off after a call"),
        pytest.param({"content": None, "refusal": "No."}, "stop",
                     Answer("", "", (Refusal("No."),), "refused", explanation="No."), id="a refusal"),
        pytest.param({"content": "ab"}, "content_filter", Answer("", "", (Text("ab"),), "refused"), id="filtered"),
        pytest.param({"content": "ab", "reasoning_content": "secret"}, "stop",
                     Answer("", "", (Text("ab"),), "complete"), id="thoughts are left out"),
        pytest.param({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}, {"type": "x"}, 1]},
                     "stop", Answer("", "", (Text("ab"),), "complete"), id="a content of parts"),
        pytest.param({"content": None}, "stop", Answer("", "", (), "complete"), id="nothing said"),
    ],
)  # fmt: skip  # a table
def test_answers_are_read_liberally(message: dict[str, Any], finish: str, answer: Answer) -> None:
    assert _read(message, finish, id=None, model=None, created="now", usage=None) == answer


def test_an_odd_usage_does_not_cost_the_answer() -> None:
    answer = _read({"content": "Hi"}, usage={"prompt_tokens": "7"})

    assert (answer.parts, answer.usage) == ((Text("Hi"),), Usage())


def test_a_stop_text_is_told_where_the_server_tells_it() -> None:
    answer = _read({"content": "Hi"}, choice={"stop_reason": "END"})

    assert (answer.stop, answer.stop_text) == ("stop_sequence", "END")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"tool_calls": [{"id": None, "function": {"name": "f", "arguments": "{}"}}]}, id="no id"),
        pytest.param({"function_call": {"name": "f", "arguments": "{}"}}, id="an old call"),
    ],
)
def test_a_call_without_an_id_gets_one(message: dict[str, Any]) -> None:
    (call,) = _read(message, "function_call").parts

    assert isinstance(call, ToolCall)
    assert call.id.startswith("call_")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"[]", "not a JSON object", id="a list"),
        pytest.param(b"{}", "not one of /chat/completions", id="no choices"),
        pytest.param(b'{"choices":[]}', "has no choice", id="an empty list of choices"),
        pytest.param(b'{"choices":[7]}', "has no choice", id="a choice that is no object"),
        pytest.param(_body(None), "has no message", id="no message"),
        pytest.param(_body({"content": "Hi"}, None), "has no finish_reason", id="not ended"),
        pytest.param(b'{"choices":[{"message":{},"finish_reason":["stop"]}]}', "nobody knows", id="a list of reasons"),
        pytest.param(_body({"tool_calls": [CALL | {"function": {"name": "f", "arguments": "{"}}]}, "stop"),
                     "not the JSON of an object", id="arguments that are no JSON"),
        pytest.param(_body({"tool_calls": [CALL | {"function": {"name": "f", "arguments": "[]"}}]}, "stop"),
                     "not the JSON of an object", id="arguments that are no object"),
        pytest.param(_body({"tool_calls": [CALL | {"function": {"arguments": "{}"}}]}, "stop"),
                     "without a name", id="a call without a name"),
        pytest.param(_body({"tool_calls": [{"type": "custom"}]}, "tool_calls"),
                     "not one of a function", id="a call of something else"),
    ],
)  # fmt: skip  # a table
def test_what_is_no_whole_answer_is_broken(body: bytes, message: str) -> None:
    with pytest.raises(UpstreamBroken, match=message):
        read_reply(body, Losses())


def test_an_error_under_a_good_status_is_an_error() -> None:
    with pytest.raises(UpstreamError) as caught:
        read_reply(b'{"error":{"message":"busy","type":"server_error","code":null}}', Losses())

    assert isinstance(caught.value, UpstreamRefused)
    assert caught.value.status == 500


def _written(*parts: Text | ToolCall | Thinking | Refusal, stop: Any = "complete", **more: Any) -> dict[str, Any]:
    found = json.loads(write_reply(Answer("msg_1", "claude", parts, stop, **more)))
    choice = found["choices"][0]
    assert choice.pop("index") == 0
    assert choice.pop("logprobs") is None
    assert choice["message"].pop("role") == "assistant"
    return dict(choice)


def test_an_answer_is_written_with_all_that_it_says_of_itself() -> None:
    answer = Answer("msg_1", "claude", (Text("Hi"),), "complete", usage=Usage(10, 4, 6, 0, 4, 5), at_s=1795219200.5)

    assert json.loads(write_reply(answer)) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795219200,
        "model": "claude",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        pytest.param(
            _written(Text("a"), Text("b"), stop="length"),
            {"message": {"content": "ab", "refusal": None}, "finish_reason": "length"},
            id="texts are joined",
        ),
        pytest.param(
            _written(), {"message": {"content": "", "refusal": None}, "finish_reason": "stop"}, id="nothing said"
        ),
        pytest.param(
            _written(Thinking("messages", {"thinking": "secret"}), ToolCall("call_1", "f", '{"a":1}'), stop="tools"),
            {"message": {"content": None, "refusal": None, "tool_calls": [CALL]}, "finish_reason": "tool_calls"},
            id="a call, and never a thought",
        ),
        pytest.param(
            _written(Text("half"), stop="refused", explanation="Unsafe."),
            {"message": {"content": None, "refusal": "Unsafe."}, "finish_reason": "content_filter"},
            id="a refusal with its explanation",
        ),
        pytest.param(
            _written(stop="refused"),
            {
                "message": {"content": None, "refusal": "The model declined to answer."},
                "finish_reason": "content_filter",
            },
            id="a refusal without one",
        ),
        pytest.param(
            _written(Refusal("No."), stop="refused", explanation="Unsafe."),
            {"message": {"content": None, "refusal": "No."}, "finish_reason": "content_filter"},
            id="the model's own words",
        ),
        pytest.param(
            _written(Text("a"), stop="stop_sequence", stop_text="END"),
            {"message": {"content": "a", "refusal": None}, "finish_reason": "stop", "stop_reason": "END"},
            id="a stop text",
        ),
    ],
)
def test_answers_are_written(written: dict[str, Any], choice: dict[str, Any]) -> None:
    assert written == choice


def test_the_official_client_reads_what_is_written() -> None:
    answer = Answer("msg_1", "claude", (Text("Hi"), ToolCall("call_1", "f", "{}")), "tools", usage=Usage(1, output=2))

    found = ChatCompletion.model_validate_json(write_reply(answer), strict=True)

    assert found.usage is not None
    assert (found.choices[0].message.content, found.usage.total_tokens) == ("Hi", 3)


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        pytest.param({"content": "a", "annotations": [], "audio": None}, [], id="nothing"),
        pytest.param({"content": "a", "reasoning_content": "hm"}, [], id="thoughts"),
        pytest.param(
            {"content": "a", "annotations": [{"type": "url_citation"}]}, ["dropped.answer.citations"], id="citations"
        ),
        pytest.param({"content": None, "audio": {"id": "a"}}, ["dropped.answer.audio"], id="audio"),
    ],
)
def test_what_no_other_dialect_has_is_noted(message: Any, codes: list[str]) -> None:
    losses = Losses()

    read_reply(_body(message), losses)

    assert losses.codes == codes
