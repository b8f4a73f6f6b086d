from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import pytest

from seawall.core.error import Unsupported
from seawall.core.traits import UNKNOWN_TRAITS, Traits
from seawall.dialects.json_instruction import JSON_INSTRUCTION
from seawall.dialects.messages.request_writer import write_request
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses

HELLO: Final = Message("user", (Text("hello"),))
WELL: Final = Message("assistant", (Text("well "),))
LATER: Final = Message("system", (Text("be kind"),))
ASKED: Final = Conversation((HELLO,), max_tokens=9)
OBJECT: Final = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
TOOL: Final = Tool("f", schema=OBJECT)
OTHER: Final = Tool("g", "does g", OBJECT)
MODERN: Final = Traits(forces_tools=False, prefills=False, mid_system=True)
BODY: Final[dict[str, Any]] = {  # JSON values
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hello"}]}],
}


def _write(asked: Conversation, traits: Traits = UNKNOWN_TRAITS) -> tuple[dict[str, Any], list[str]]:  # JSON values
    losses = Losses()
    return write_request(asked, "m", traits, losses), losses.codes


def test_a_short_request_has_nothing_but_what_was_said() -> None:
    assert _write(ASKED) == (BODY, [])


@pytest.mark.parametrize(
    ("said", "written"),
    [
        pytest.param(
            {"system": (Text("s", "long"), Text(""))},
            {"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            id="system",
        ),
        pytest.param({"stop": ("END",)}, {"stop_sequences": ["END"]}, id="stop"),
        pytest.param({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}, id="sampling"),
        pytest.param({"user": "user-1"}, {"metadata": {"user_id": "user-1"}}, id="user"),
        pytest.param({"is_stream": True, "wants_usage": True}, {"stream": True}, id="stream"),
        pytest.param({"format": Format("text")}, {}, id="text is what it is"),
        pytest.param(
            {"format": Format("json_schema", schema=OBJECT, strict=True)},
            {"output_config": {"format": {"type": "json_schema", "schema": OBJECT}}},
            id="format",
        ),
        pytest.param(
            {"tools": (TOOL, OTHER)},
            {
                "tools": [
                    {"name": "f", "input_schema": OBJECT},
                    {"name": "g", "input_schema": OBJECT, "description": "does g"},
                ]
            },
            id="tools",
        ),
        pytest.param(
            {"tools": (Tool("f"),)}, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]}, id="no arguments"
        ),
        pytest.param(
            {"tools": (replace(TOOL, strict=True, cached="short"),)},
            {"tools": [{"name": "f", "input_schema": OBJECT, "strict": True, "cache_control": {"type": "ephemeral"}}]},
            id="a strict tool",
        ),
        pytest.param({"tool_choice": ToolChoice("auto"), "parallel_tools": False}, {}, id="a choice of nothing"),
    ],
)
def test_each_wish_has_its_field(said: dict[str, Any], written: dict[str, Any]) -> None:
    assert _write(replace(ASKED, **said)) == (BODY | written, [])


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        pytest.param(None, None, None, id="nothing said"),
        pytest.param(None, True, None, id="parallel calls are the rule"),
        pytest.param(None, False, {"type": "auto", "disable_parallel_tool_use": True}, id="one call at a time"),
        pytest.param(ToolChoice(), True, {"type": "auto", "disable_parallel_tool_use": False}, id="auto"),
        pytest.param(ToolChoice("none"), False, {"type": "none"}, id="none"),
        pytest.param(ToolChoice("required"), None, {"type": "any"}, id="any"),
        pytest.param(ToolChoice("named", "f"), None, {"type": "tool", "name": "f"}, id="one"),
    ],
)
def test_a_choice_of_tools(choice: ToolChoice | None, parallel: bool | None, written: dict[str, Any] | None) -> None:
    body, codes = _write(replace(ASKED, tools=(TOOL,), tool_choice=choice, parallel_tools=parallel))

    assert (body.get("tool_choice"), codes) == (written, [])


@pytest.mark.parametrize(
    ("said", "path", "written", "codes"),
    [
        pytest.param({"temperature": 1.7}, "temperature", 1.0, ["changed.temperature"], id="a high temperature"),
        pytest.param(
            {"format": Format("json_object")},
            "system",
            [{"type": "text", "text": JSON_INSTRUCTION}],
            ["changed.format"],
            id="any JSON object",
        ),
        pytest.param(
            {"format": Format("json_schema", description="d", schema={"type": "string", "minLength": 1}, strict=True)},
            "output_config",
            {"format": {"type": "json_schema", "schema": {"type": "string"}}},
            ["dropped.format.description", "changed.format.schema"],
            id="a schema with bounds",
        ),
        pytest.param(
            {"tools": (TOOL, OTHER), "tool_choice": ToolChoice("required", allowed=("f",))},
            "tools",
            [{"name": "f", "input_schema": OBJECT}],
            ["changed.tool_choice.allowed"],
            id="allowed tools",
        ),
        pytest.param(
            {"tools": (Tool("f", schema={"type": "object", "additionalProperties": {}}, strict=True),)},
            "tools",
            [{"name": "f", "input_schema": {"type": "object", "additionalProperties": {}}}],
            ["changed.tools.strict"],
            id="a tool that cannot be strict",
        ),
        pytest.param(
            {"messages": (HELLO, Message("assistant", (Thinking("responses", {}),)), HELLO)},
            "messages",
            BODY["messages"] * 2,
            ["dropped.thinking", "dropped.empty_message"],
            id="a turn of nothing but foreign thoughts",
        ),
        pytest.param(
            {"messages": (HELLO, WELL)},
            "messages",
            [*BODY["messages"], {"role": "assistant", "content": [{"type": "text", "text": "well"}]}],
            ["changed.prefill"],
            id="white space at the end of a turn to be continued",
        ),
    ],
)
def test_what_changes_is_noted(said: dict[str, Any], path: str, written: object, codes: list[str]) -> None:
    body, noted = _write(replace(ASKED, **said))

    assert (body[path], noted) == (written, codes)


def test_a_user_who_could_be_known_is_named_by_a_hash() -> None:
    body, codes = _write(replace(ASKED, user="a@example.com"))

    assert body["metadata"] == {"user_id": sha256(b"a@example.com").hexdigest()}
    assert codes == ["changed.user"]


def test_more_strict_tools_than_the_endpoint_holds_are_not_all_strict() -> None:
    tools = tuple(Tool(f"f{number}", schema=OBJECT | {"required": ["a"]}, strict=True) for number in range(21))

    body, codes = _write(replace(ASKED, tools=tools))

    assert ["strict" in tool for tool in body["tools"]] == [True] * 20 + [False]
    assert codes == ["changed.tools.strict"]


def test_later_instructions_stay_where_the_model_takes_them() -> None:
    body, codes = _write(replace(ASKED, messages=(LATER, HELLO, LATER, HELLO)), MODERN)

    assert [turn["role"] for turn in body["messages"]] == ["user", "system", "user"]
    assert body["system"] == [{"type": "text", "text": "be kind"}]
    assert codes == []


def test_later_instructions_go_to_the_first_ones_elsewhere() -> None:
    body, codes = _write(replace(ASKED, system=(Text("be brief"),), messages=(HELLO, LATER, HELLO)))

    assert [turn["role"] for turn in body["messages"]] == ["user", "user"]
    assert [block["text"] for block in body["system"]] == ["be brief", "be kind"]
    assert codes == ["changed.system"]


def test_a_message_for_each_result_becomes_one_turn() -> None:
    calls = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))
    results = [Message("user", (ToolResult(call_id, (Text("1"),)),)) for call_id in ("b", "a")]

    body, codes = _write(replace(ASKED, messages=(HELLO, calls, *results, HELLO)))

    assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == ["b", "a"]
    assert (len(body["messages"]), codes) == (4, [])


@pytest.mark.parametrize(
    ("wanted", "traits", "max_tokens", "codes"),
    [
        pytest.param(None, UNKNOWN_TRAITS, 4096, [], id="nothing said"),
        pytest.param(None, Traits(output_tokens=2000), 2000, [], id="a small model"),
        pytest.param(None, Traits(output_tokens=128_000), 4096, [], id="a large model"),
        pytest.param(5000, Traits(output_tokens=2000), 2000, ["changed.max_tokens"], id="more than it can"),
        pytest.param(1000, Traits(output_tokens=2000), 1000, [], id="less than it can"),
    ],
)
def test_an_answer_has_a_bound(wanted: int | None, traits: Traits, max_tokens: int, codes: list[str]) -> None:
    body, noted = _write(replace(ASKED, max_tokens=wanted), traits)

    assert (body["max_tokens"], noted) == (max_tokens, codes)


def test_thoughts_are_given_room_beside_the_answer() -> None:
    traits = Traits(budgeted_thinking=True)

    body, _ = _write(replace(ASKED, max_tokens=None, reasoning=Reasoning("low")), traits)

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    assert body["max_tokens"] == 4096 + 1024


def test_effort_and_format_stand_side_by_side() -> None:
    asked = replace(ASKED, reasoning=Reasoning("low"), format=Format("json_schema", schema=OBJECT, strict=True))

    body, codes = _write(asked, Traits(efforts=("low",)))

    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": OBJECT}}
    assert (body["thinking"], codes) == ({"type": "adaptive"}, [])


def test_thinking_is_not_switched_on_beside_a_demanded_call() -> None:
    asked = replace(ASKED, reasoning=Reasoning("low"), tools=(TOOL,), tool_choice=ToolChoice("required"))

    body, _ = _write(asked, Traits(efforts=("low",)))

    assert "thinking" not in body


@pytest.mark.parametrize(
    ("said", "traits", "path"),
    [
        pytest.param({"max_tokens": 0}, UNKNOWN_TRAITS, "max_tokens", id="no tokens"),
        pytest.param({"messages": ()}, UNKNOWN_TRAITS, "messages", id="no turns"),
        pytest.param({"messages": (LATER,)}, UNKNOWN_TRAITS, "messages", id="instructions alone"),
        pytest.param({"messages": (HELLO, WELL)}, MODERN, "messages", id="a turn to be continued"),
        pytest.param(
            {"messages": (HELLO, Message("assistant", (ToolCall("a", "f", ""),)), HELLO)},
            UNKNOWN_TRAITS,
            "messages",
            id="a missing result",
        ),
        pytest.param(
            {"messages": (HELLO, Message("system", (Image(url="u"),)))},
            MODERN,
            "messages.1.content",
            id="a picture as instruction",
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("required")}, MODERN, "tool_choice", id="a demanded call"
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("named", "f")}, MODERN, "tool_choice", id="a named call"
        ),
        pytest.param(
            {"tools": (TOOL,), "tool_choice": ToolChoice("named", "g")}, UNKNOWN_TRAITS, "tool_choice.name", id="no g"
        ),
        pytest.param({"tool_choice": ToolChoice("required")}, UNKNOWN_TRAITS, "tool_choice", id="a call of nothing"),
        pytest.param({"tools": (Tool("f" * 65),)}, UNKNOWN_TRAITS, "tools.0.name", id="a long name"),
        pytest.param({"tools": (Tool("f.g"),)}, UNKNOWN_TRAITS, "tools.0.name", id="a dot in a name"),
        pytest.param({"tools": (TOOL, TOOL)}, UNKNOWN_TRAITS, "tools.1.name", id="a name twice"),
        pytest.param(
            {"tools": (Tool("f", schema={"type": "string"}),)}, UNKNOWN_TRAITS, "tools.0.schema", id="no object"
        ),
        pytest.param({"tools": (Tool("f", schema={"anyOf": []}),)}, UNKNOWN_TRAITS, "tools.0.schema", id="a union"),
        pytest.param({"stop": ("END",)}, Traits(takes_stop=False), "stop", id="no stop"),
        pytest.param({"stop": ("\n",)}, UNKNOWN_TRAITS, "stop", id="a blank stop"),
        pytest.param(
            {"format": Format("json_schema", schema={"type": "object"})}, UNKNOWN_TRAITS, "format.schema", id="any"
        ),
        pytest.param(
            {
                "format": Format("json_schema", schema=OBJECT),
                "messages": (Message("user", (Document(text="d", cited=True),)),),
            },
            UNKNOWN_TRAITS,
            "format",
            id="citations and a schema",
        ),
    ],
)
def test_what_cannot_be_carried_is_refused(said: dict[str, Any], traits: Traits, path: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        _write(replace(ASKED, **said), traits)

    assert (refusal.value.code, refusal.value.param) == ("translation.refused", path)


def test_citations_within_a_result_do_not_go_with_a_schema_either() -> None:
    calls = Message("assistant", (ToolCall("a", "f", "{}"),))
    results = Message("user", (ToolResult("a", (Document(text="d", cited=True),)),))
    asked = replace(ASKED, messages=(HELLO, calls, results), format=Format("json_schema", schema=OBJECT))

    with pytest.raises(Unsupported, match="citations"):
        _write(asked)


def test_what_only_the_other_endpoint_says_of_a_format_is_noted_and_never_refused() -> None:
    losses = Losses(is_strict=True)

    write_request(replace(ASKED, format=Format("json_schema", "n", schema=OBJECT)), "m", UNKNOWN_TRAITS, losses)

    assert losses.codes == ["dropped.format.name", "changed.format.strict"]
