from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.chat.message_reader import read_messages
from seawall.dialects.neutral.conversation import Message, Refusal, Text, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses


def _called(*ids: str, arguments: str = "{}") -> dict[str, Any]:
    calls = [{"id": name, "type": "function", "function": {"name": "f", "arguments": arguments}} for name in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def _result(call_id: str, content: Any = "done") -> dict[str, Any]:  # any JSON value
    return {"role": "tool", "tool_call_id": call_id, "content": content}


USER = {"role": "user", "content": "Hi"}
HI = Message("user", (Text("Hi"),))


@pytest.mark.parametrize(
    ("messages", "system", "turns"),
    [
        pytest.param(
            [{"role": "system", "content": "A"}, {"role": "developer", "content": "B"}, USER],
            (Text("A"), Text("B")),
            (HI,),
            id="leading instructions keep their order",
        ),
        pytest.param(
            [USER, {"role": "system", "content": "Later."}],
            (),
            (HI, Message("system", (Text("Later."),))),
            id="later instructions keep their place",
        ),
        pytest.param([USER, USER], (), (HI, HI), id="a user twice"),
        pytest.param(
            [USER, {"role": "assistant", "content": "Yes", "refusal": "No."}],
            (),
            (HI, Message("assistant", (Text("Yes"), Refusal("No.")))),
            id="a refusal",
        ),
        pytest.param(
            [_called("a", "b"), _result("b"), _result("a"), USER],
            (),
            (
                Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}"))),
                Message("user", (ToolResult("b", (Text("done"),)), ToolResult("a", (Text("done"),)), Text("Hi"))),
            ),
            id="results lead the user's turn",
        ),
        pytest.param(
            [_called("a"), _result("a", ""), {"role": "assistant", "content": "Done."}],
            (),
            (
                Message("assistant", (ToolCall("a", "f", "{}"),)),
                Message("user", (ToolResult("a", ()),)),
                Message("assistant", (Text("Done."),)),
            ),
            id="results are a turn of their own",
        ),
        pytest.param(
            [_called("a", arguments=" "), _result("a")],
            (),
            (Message("assistant", (ToolCall("a", "f", "{}"),)), Message("user", (ToolResult("a", (Text("done"),)),))),
            id="a call without arguments",
        ),
        pytest.param(
            [_called("a", arguments='{"b": 1.0}'), _result("a")],
            (),
            (
                Message("assistant", (ToolCall("a", "f", '{"b": 1.0}'),)),
                Message("user", (ToolResult("a", (Text("done"),)),)),
            ),
            id="arguments keep their bytes",
        ),
        pytest.param(
            [
                {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
                {"role": "function", "name": "f", "content": "1"},
                {"role": "assistant", "function_call": {"name": "f"}},
                {"role": "function", "name": "f", "content": "2"},
            ],
            (),
            (
                Message("assistant", (ToolCall("call_function_0", "f", "{}"),)),
                Message("user", (ToolResult("call_function_0", (Text("1"),)),)),
                Message("assistant", (ToolCall("call_function_1", "f", "{}"),)),
                Message("user", (ToolResult("call_function_1", (Text("2"),)),)),
            ),
            id="old function calls get ids",
        ),
    ],
)
def test_messages_become_turns(
    messages: list[dict[str, Any]], system: tuple[Text, ...], turns: tuple[Message, ...]
) -> None:
    losses = Losses()

    assert read_messages(messages, losses) == (system, turns)
    assert losses.codes == []


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        pytest.param({"role": "user", "content": "Hi", "name": "Ann"}, ["dropped.messages.name"], id="a name"),
        pytest.param({"role": "assistant", "content": ""}, ["dropped.empty_message"], id="nothing said"),
        pytest.param(
            {"role": "assistant", "content": "Hi", "reasoning_content": "Hm."},
            ["dropped.messages.reasoning_content"],
            id="thoughts",
        ),
        pytest.param(
            {"role": "assistant", "content": "Hi", "annotations": [{"type": "url_citation"}]},
            ["dropped.messages.annotations"],
            id="citations",
        ),
        pytest.param(
            {"role": "user", "content": "Hi", "an invention": 1}, ["dropped.messages.unknown_field"], id="an invention"
        ),
        pytest.param(
            {"role": "assistant", "content": "Hi", "annotations": [], "audio": None, "new": False}, [], id="nothing"
        ),
    ],
)
def test_what_is_left_out_is_noted(message: dict[str, Any], codes: list[str]) -> None:
    losses = Losses()

    read_messages([USER, message], losses)

    assert losses.codes == codes


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        pytest.param(None, "messages", id="none at all"),
        pytest.param([], "messages", id="an empty list"),
        pytest.param(["Hi"], "messages.0", id="a string"),
        pytest.param([{"content": "Hi"}], "messages.0.role", id="no role"),
        pytest.param([{"role": "user", "content": [{"type": "x"}]}], "messages.0.content.0.type", id="an odd part"),
        pytest.param([_result("a")], "messages.0.tool_call_id", id="a result without a call"),
        pytest.param([_called("a"), _result("a"), _result("a")], "messages.2.tool_call_id", id="a result twice"),
        pytest.param([_called("a"), USER], "messages.1", id="a call without its result"),
        pytest.param([USER, _called("a")], "messages.1", id="a call at the end"),
        pytest.param([_called("")], "messages.0.tool_calls.0.id", id="a call without an id"),
        pytest.param(
            [{"role": "assistant", "tool_calls": [{"id": "a", "type": "x"}]}],
            "messages.0.tool_calls.0.type",
            id="a call of an unknown type",
        ),
        pytest.param(
            [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": {}}]}],
            "messages.0.tool_calls.0.function.name",
            id="a call without a name",
        ),
        pytest.param(
            [{"role": "function", "name": "f", "content": "1"}], "messages.0.name", id="an old result without a call"
        ),
    ],
)
def test_malformed_messages_are_named_by_their_path(messages: Any, param: str) -> None:  # any JSON value
    with pytest.raises(BadRequest) as caught:
        read_messages(messages, Losses())

    assert (caught.value.param, caught.value.code) == (param, "request.invalid")


@pytest.mark.parametrize(
    ("message", "param"),
    [
        pytest.param(_called("a", arguments="{"), "messages.0.tool_calls.0.function.arguments", id="no JSON"),
        pytest.param(_called("a", arguments="[]"), "messages.0.tool_calls.0.function.arguments", id="no object"),
        pytest.param(
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]},
            "messages.0.tool_calls.0.type",
            id="a custom tool",
        ),
        pytest.param({"role": "assistant", "audio": {"id": "x"}}, "messages.0.audio", id="what was spoken"),
    ],
)
def test_what_no_other_dialect_has_is_refused(message: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_messages([message], Losses())

    assert (caught.value.param, caught.value.code) == (param, "translation.refused")
