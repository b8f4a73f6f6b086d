from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.neutral.conversation import Message, Refusal, Text, Thinking, ToolCall, ToolResult
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.item_reader import read_items


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _call(name: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": name, "name": "f", "arguments": ""}


def _output(name: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": name, "output": name}


def _result(name: str) -> ToolResult:
    return ToolResult(name, (Text(name),))


def _turns(*items: dict[str, Any]) -> list[tuple[str, tuple[Any, ...]]]:
    _, messages = read_items(list(items), Losses())
    return [(message.role, message.parts) for message in messages]


def test_leading_instructions_stand_before_the_turns_and_later_ones_between_them() -> None:
    system, messages = read_items(
        [{"role": "developer", "content": "A"}, _user("hi"), {"role": "system", "content": "B"}], Losses()
    )

    assert system == (Text("A"),)
    assert messages == (Message("user", (Text("hi"),)), Message("system", (Text("B"),)))


def test_what_a_model_did_in_one_go_is_one_turn() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]}

    assert _turns(_user("hi"), thought, said, _call("a"), _call("b"), _output("a"), _output("b"), _user("so?")) == [
        ("user", (Text("hi"),)),
        (
            "assistant",
            (Thinking("responses", thought), Text("I look."), ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")),
        ),
        ("user", (_result("a"), _result("b"), Text("so?"))),
    ]


def test_an_output_comes_right_behind_its_call_whatever_the_client_put_between() -> None:
    said = {"role": "assistant", "content": "Wait."}

    assert _turns(_user("hi"), _call("a"), _user("well?"), said, _output("a")) == [
        ("user", (Text("hi"),)),
        ("assistant", (ToolCall("a", "f", "{}"),)),
        ("user", (_result("a"), Text("well?"))),
        ("assistant", (Text("Wait."),)),
    ]


def test_an_output_behind_an_instruction_gets_a_turn_of_its_own() -> None:
    assert _turns(_user("hi"), _call("a"), {"role": "system", "content": "S"}, _output("a"))[1:] == [
        ("assistant", (ToolCall("a", "f", "{}"),)),
        ("user", (_result("a"),)),
        ("system", (Text("S"),)),
    ]


def test_two_messages_of_the_user_stay_two() -> None:
    assert _turns(_user("a"), _user("b")) == [("user", (Text("a"),)), ("user", (Text("b"),))]


def test_what_has_no_place_elsewhere_is_noted() -> None:
    losses = Losses()
    cited = {"type": "output_text", "text": "x", "annotations": [{"type": "url_citation"}]}
    items = [
        _user("hi"),
        {"role": "assistant", "content": [cited, {"type": "refusal", "refusal": "No."}], "phase": "commentary"},
        _user(""),
    ]
    _, messages = read_items(items, losses)

    assert messages[1].parts == (Text("x"), Refusal("No."))
    assert losses.codes == ["dropped.input.phase", "dropped.input.annotations", "dropped.input.empty"]


@pytest.mark.parametrize(
    ("items", "param"),
    [
        pytest.param([{"type": "item_reference", "id": "x"}], "input.0.type", id="a reference"),
        pytest.param([{"type": "web_search_call"}], "input.0.type", id="a built-in tool"),
        pytest.param([_call("a") | {"namespace": "n"}], "input.0.namespace", id="a namespace"),
        pytest.param([_call("a") | {"caller": {"type": "program"}}], "input.0.caller", id="a program"),
        pytest.param([_call("a") | {"arguments": "[1]"}], "input.0.arguments", id="arguments that are no object"),
        pytest.param([_call("a") | {"arguments": "{"}], "input.0.arguments", id="arguments that are no JSON"),
    ],
)
def test_what_cannot_be_carried_is_refused(items: list[Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_items(items, Losses())

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("items", "param"),
    [
        pytest.param("", "input", id="an empty text"),
        pytest.param([], "input", id="no items"),
        pytest.param(["hi"], "input.0", id="no object"),
        pytest.param([{}], "input.0.type", id="no type"),
        pytest.param([{"role": "bot", "content": "x"}], "input.0.role", id="role"),
        pytest.param([_user("hi") | {"content": 5}], "input.0.content", id="content"),
        pytest.param([_output("a")], "input.0.call_id", id="an output without a call"),
        pytest.param([_call("a"), _output("a"), _output("a")], "input.2.call_id", id="two outputs"),
        pytest.param([_call("a"), _call("a")], "input.1.call_id", id="one id for two calls"),
        pytest.param([_user("hi"), _call("a")], "input", id="a call without an output"),
    ],
)
def test_what_is_no_item_is_named(items: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_items(items, Losses())

    assert caught.value.param == param
