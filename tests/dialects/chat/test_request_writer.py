from typing import Any

import pytest

from seawall.core.error import Unsupported
from seawall.core.traits import Traits
from seawall.dialects.chat.request_writer import write_request
from seawall.dialects.json_instruction import JSON_INSTRUCTION
from seawall.dialects.neutral.conversation import (
    Conversation,
    Format,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses
from seawall.sandbox.problem import Json

TURNS = (Message("user", (Text("Hi"),)),)
CLOSED = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {}}}
TOOL = Tool("f", "Do it.", OPEN)
WRITTEN_TOOL = {"type": "function", "function": {"name": "f", "description": "Do it.", "parameters": OPEN}}
TO_MAX = ("none", "low", "medium", "high", "xhigh", "max")


def _write(traits: Traits, /, **asked: Any) -> tuple[Json, list[str]]:  # any values of a conversation, here and below
    losses = Losses()
    body = write_request(Conversation(TURNS, **asked), "gpt", traits, losses)
    assert (body.pop("model"), body.pop("messages")) == ("gpt", [{"role": "user", "content": "Hi"}])
    return body, losses.codes


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        pytest.param({}, {}, id="nothing else"),
        pytest.param({"max_tokens": 5}, {"max_completion_tokens": 5}, id="the ceiling"),
        pytest.param({"stop": ("a", "b")}, {"stop": ["a", "b"]}, id="stop texts"),
        pytest.param({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}, id="sampling"),
        pytest.param({"user": "u" * 128}, {"safety_identifier": "u" * 128}, id="a user"),
        pytest.param({"is_stream": True}, {"stream": True, "stream_options": {"include_usage": True}}, id="a stream"),
        pytest.param({"tools": (TOOL,)}, {"tools": [WRITTEN_TOOL]}, id="a tool"),
        pytest.param(
            {"tools": (Tool("f"),)},
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
                ]
            },
            id="a tool without arguments",
        ),
        pytest.param(
            {"tools": (Tool("f", schema=CLOSED, strict=True),)},
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": CLOSED, "strict": True}}]},
            id="a strict tool",
        ),
        pytest.param(
            {"tools": (Tool("f", schema=OPEN, strict=False),)},
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": OPEN, "strict": False}}]},
            id="a tool that is not strict",
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("required"), "parallel_tools": False},
            {"tools": [WRITTEN_TOOL], "tool_choice": "required", "parallel_tool_calls": False},
            id="a tool has to be called",
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("named", "f")},
            {"tools": [WRITTEN_TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            id="this tool has to be called",
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("auto", allowed=("f",))},
            {
                "tools": [WRITTEN_TOOL],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                },
            },
            id="some tools may be called",
        ),
        pytest.param(
            {"tool_choice": ToolChoice("auto"), "parallel_tools": True}, {}, id="a choice between no tools says nothing"
        ),
        pytest.param({"format": Format("text")}, {"response_format": {"type": "text"}}, id="text"),
        pytest.param(
            {"format": Format("json_schema", schema=CLOSED, strict=True)},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "output", "schema": CLOSED, "strict": True},
                }
            },
            id="a schema without a name",
        ),
        pytest.param(
            {"format": Format("json_schema", "n", "d", OPEN)},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "description": "d", "schema": OPEN},
                }
            },
            id="a schema",
        ),
    ],
)
def test_what_is_asked_is_written(asked: dict[str, Any], body: Json) -> None:
    assert _write(Traits(), **asked) == (body, [])


@pytest.mark.parametrize(
    ("traits", "reasoning", "effort", "codes"),
    [
        pytest.param(Traits(), Reasoning("high"), None, ["dropped.reasoning"], id="a model that does not think"),
        pytest.param(Traits(), Reasoning(is_off=True), None, [], id="it need not be told not to"),
        pytest.param(Traits(efforts=TO_MAX), None, None, [], id="nothing said"),
        pytest.param(Traits(efforts=TO_MAX), Reasoning(), None, [], id="thinking as the model likes"),
        pytest.param(Traits(efforts=TO_MAX), Reasoning("xhigh"), "xhigh", [], id="a level that it has"),
        pytest.param(Traits(efforts=TO_MAX), Reasoning(is_off=True), "none", [], id="off"),
        pytest.param(
            Traits(efforts=TO_MAX),
            Reasoning("max", is_off=True),
            "none",
            ["dropped.reasoning.effort"],
            id="off, and an effort",
        ),
        pytest.param(Traits(efforts=TO_MAX), Reasoning("none"), "none", [], id="no effort"),
        pytest.param(
            Traits(efforts=TO_MAX), Reasoning("minimal"), "low", ["changed.reasoning"], id="never off by itself"
        ),
        pytest.param(
            Traits(efforts=("low", "medium")), Reasoning("max"), "medium", ["changed.reasoning"], id="its strongest"
        ),
        pytest.param(
            Traits(efforts=("low", "medium")), Reasoning(is_off=True), "low", ["changed.reasoning"], id="its weakest"
        ),
        pytest.param(Traits(efforts=("none",)), Reasoning("low"), "none", ["changed.reasoning"], id="its only one"),
        pytest.param(
            Traits(efforts=TO_MAX), Reasoning(budget_tokens=1024), "low", ["changed.reasoning"], id="a small budget"
        ),
        pytest.param(
            Traits(efforts=TO_MAX), Reasoning(budget_tokens=4096), "medium", ["changed.reasoning"], id="a budget"
        ),
        pytest.param(
            Traits(efforts=TO_MAX), Reasoning(budget_tokens=16384), "high", ["changed.reasoning"], id="a large budget"
        ),
        pytest.param(
            Traits(efforts=TO_MAX),
            Reasoning("max", budget_tokens=1024),
            "max",
            ["changed.reasoning"],
            id="a level beside a budget",
        ),
    ],
)
def test_thinking_becomes_a_level_that_the_model_has(
    traits: Traits, reasoning: Reasoning | None, effort: str | None, codes: list[str]
) -> None:
    body, found = _write(traits, reasoning=reasoning)

    assert (body.get("reasoning_effort"), found) == (effort, codes)


@pytest.mark.parametrize(
    ("reasoning", "codes"),
    [
        pytest.param(None, [], id="nothing said"),
        pytest.param(Reasoning("none", is_off=True), [], id="off"),
        pytest.param(Reasoning("low", is_off=True), ["dropped.reasoning.effort"], id="off, and an effort"),
        pytest.param(Reasoning("high"), ["changed.reasoning"], id="thinking was wanted"),
    ],
)
def test_tools_switch_thinking_off_where_they_need_it(reasoning: Reasoning | None, codes: list[str]) -> None:
    traits = Traits(efforts=TO_MAX, chat_tools="effort_none")

    body, found = _write(traits, tools=(TOOL,), reasoning=reasoning)

    assert (body["reasoning_effort"], found) == ("none", codes)
    assert "reasoning_effort" not in _write(traits)[0]


@pytest.mark.parametrize(
    ("traits", "asked", "codes"),
    [
        pytest.param(Traits(output_tokens=10), {"max_tokens": 11}, ["changed.max_tokens"], id="more than it can give"),
        pytest.param(
            Traits(), {"tools": (Tool("f", schema=OPEN, strict=True),)}, ["dropped.tools.strict"], id="an open tool"
        ),
        pytest.param(
            Traits(), {"tools": (Tool("f", cached="short"),)}, ["dropped.cache_control"], id="a mark on a tool"
        ),
        pytest.param(
            Traits(),
            {"format": Format("json_schema", schema=OPEN, strict=True)},
            ["dropped.format.strict"],
            id="an open schema",
        ),
    ],
)
def test_what_is_left_out_or_changed_is_noted(traits: Traits, asked: dict[str, Any], codes: list[str]) -> None:
    body, found = _write(traits, **asked)

    assert found == codes
    assert "strict" not in str(body)
    assert body.get("max_completion_tokens", 10) == 10


@pytest.mark.parametrize(
    ("traits", "asked", "param"),
    [
        pytest.param(Traits(chat_tools="responses"), {"tools": (TOOL,)}, "tools", id="tools on Responses only"),
        pytest.param(Traits(), {"tools": (Tool("a.b"),)}, "tools.0.name", id="a name with a dot"),
        pytest.param(
            Traits(forces_tools=False),
            {"tools": (TOOL,), "tool_choice": ToolChoice("required")},
            "tool_choice",
            id="a model that cannot be made to call",
        ),
        pytest.param(Traits(), {"tool_choice": ToolChoice("required")}, "tool_choice", id="a call of nothing"),
        pytest.param(Traits(), {"max_tokens": 0}, "max_tokens", id="no tokens"),
        pytest.param(Traits(), {"stop": tuple("abcde")}, "stop", id="five stop texts"),
        pytest.param(Traits(takes_stop=False), {"stop": ("a",)}, "stop", id="a model that takes none"),
        pytest.param(
            Traits(), {"format": Format("json_schema", "a b")}, "response_format.json_schema.name", id="a bad name"
        ),
    ],
)
def test_what_cannot_be_carried_is_refused(traits: Traits, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _write(traits, **asked)

    assert (caught.value.param, caught.value.code) == (param, "translation.refused")


def test_a_long_user_goes_by_its_hash() -> None:
    body, _ = _write(Traits(), user="u" * 129)

    assert body["safety_identifier"] == "4d9221bd88fe7fa3f1cdc7d81c70b9484f37615f92178eafa3f6c525e6fa786f"


def test_strict_translation_refuses_a_loss() -> None:
    asked = Conversation(TURNS, reasoning=Reasoning("high"))

    with pytest.raises(Unsupported, match="reasoning: would be left out"):
        write_request(asked, "gpt", Traits(), Losses(is_strict=True))


JSON_OBJECT = {"type": "json_object"}


def _write_json(messages: tuple[Message, ...] = TURNS, system: tuple[Text, ...] = ()) -> tuple[Json, list[str]]:
    losses = Losses()
    asked = Conversation(messages, system, format=Format("json_object"))
    return write_request(asked, "gpt", Traits(), losses), losses.codes


def test_json_is_asked_for_where_nobody_says_the_word() -> None:
    body, codes = _write_json(system=(Text("Be brief."),))

    assert (body["response_format"], codes) == (JSON_OBJECT, ["changed.format"])
    assert JSON_INSTRUCTION in str(body["messages"][0])


@pytest.mark.parametrize(
    ("messages", "system"),
    [
        pytest.param(TURNS, (Text("Answer in JSON."),), id="an instruction"),
        pytest.param((Message("user", (Text("as json, please"),)),), (), id="a turn"),
    ],
)
def test_json_is_not_asked_for_twice(messages: tuple[Message, ...], system: tuple[Text, ...]) -> None:
    body, codes = _write_json(messages, system)

    assert (body["response_format"], codes) == (JSON_OBJECT, [])
    assert JSON_INSTRUCTION not in str(body["messages"])


def test_the_word_in_a_tools_result_asks_for_nothing() -> None:
    call, result = ToolCall("c", "f", "{}"), ToolResult("c", (Text("json"),))

    _, codes = _write_json((*TURNS, Message("assistant", (call,)), Message("user", (result,))))

    assert codes == ["changed.format"]
