from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.messages.request_reader import read_request
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

HELLO: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
ASKED = Conversation((Message("user", (Text("hello"),)),), max_tokens=9)
SCHEMA = {"type": "object", "properties": {}}
CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "1"}


def _read(**fields: Any) -> Conversation:  # any JSON values
    return read_request(HELLO | fields, Losses(is_strict=True))


def test_a_short_request_is_read() -> None:
    assert _read() == ASKED


def test_a_request_without_a_ceiling_leaves_it_to_the_route() -> None:
    assert _read(max_tokens=None).max_tokens is None


def test_turns_keep_their_order() -> None:
    asked = _read(
        system="be brief",
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "let me see"}, CALL]},
            {"role": "user", "content": [RESULT, {"type": "text", "text": "well?"}]},
            {"role": "system", "content": "be kind"},
        ],
    )

    assert asked.system == (Text("be brief"),)
    assert asked.messages == (
        Message("user", (Text("q"),)),
        Message("assistant", (Text("let me see"), ToolCall("a", "f", "{}"))),
        Message("user", (ToolResult("a", (Text("1"),)), Text("well?"))),
        Message("system", (Text("be kind"),)),
    )


def test_instructions_before_the_first_turn_are_the_systems() -> None:
    turns = [{"role": "system", "content": "be kind"}, *HELLO["messages"]]

    assert _read(system="be brief", messages=turns).system == (Text("be brief"), Text("be kind"))


def test_a_last_turn_of_the_assistants_may_be_empty() -> None:
    assert _read(messages=[*HELLO["messages"], {"role": "assistant", "content": ""}]) == ASKED


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        pytest.param({"stop_sequences": ["END"]}, "stop", ("END",), id="stop sequences"),
        pytest.param({"stop_sequences": None}, "stop", (), id="null is nothing said"),
        pytest.param({"temperature": 1}, "temperature", 1.0, id="temperature of the older version"),
        pytest.param({"top_p": 0.5}, "top_p", 0.5, id="top_p of the older version"),
        pytest.param({"metadata": {"user_id": "u1"}}, "user", "u1", id="user"),
        pytest.param({"metadata": {"user_id": None}}, "user", "", id="no user"),
        pytest.param({"stream": True}, "is_stream", True, id="stream"),
        pytest.param({"stream": True}, "wants_usage", True, id="a stream's client is told its usage"),
        pytest.param({"thinking": {"type": "adaptive"}}, "reasoning", Reasoning(), id="adaptive thinking"),
        pytest.param({"thinking": {"type": "disabled"}}, "reasoning", Reasoning(is_off=True), id="no thinking"),
        pytest.param({"thinking": {"type": "between_tools"}}, "reasoning", Reasoning(is_off=True), id="hardly any"),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            "reasoning",
            Reasoning(budget_tokens=2000),
            id="a budget",
        ),
        pytest.param({"output_config": {"effort": "max"}}, "reasoning", Reasoning("max"), id="effort"),
        pytest.param({"output_config": {}}, "reasoning", None, id="an empty output_config"),
        pytest.param(
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
            "format",
            Format("json_schema", schema=SCHEMA, strict=True),
            id="format",
        ),
        pytest.param(
            {"tools": [{"name": "f", "input_schema": SCHEMA}]}, "tools", (Tool("f", schema=SCHEMA),), id="a tool"
        ),
        pytest.param(
            {
                "tools": [
                    {
                        "type": "custom",
                        "name": "f",
                        "description": "d",
                        "input_schema": SCHEMA,
                        "strict": True,
                        "cache_control": {"type": "ephemeral", "ttl": "1h"},
                        "allowed_callers": ["direct"],
                        "defer_loading": False,
                    }
                ]
            },
            "tools",
            (Tool("f", "d", SCHEMA, strict=True, cached="long"),),
            id="a tool with everything",
        ),
        pytest.param({"tool_choice": {"type": "auto"}}, "tool_choice", ToolChoice(), id="auto"),
        pytest.param({"tool_choice": {"type": "any"}}, "tool_choice", ToolChoice("required"), id="any"),
        pytest.param({"tool_choice": {"type": "none"}}, "tool_choice", ToolChoice("none"), id="none"),
        pytest.param({"tool_choice": {"type": "tool", "name": "f"}}, "tool_choice", ToolChoice("named", "f"), id="one"),
        pytest.param(
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "parallel_tools", False, id="no two"
        ),
    ],
)
def test_each_field_has_its_place(fields: dict[str, Any], name: str, value: object) -> None:
    assert getattr(_read(**fields), name) == value


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        pytest.param({"top_k": 5}, ["dropped.top_k"], id="top_k"),
        pytest.param({"service_tier": "standard_only"}, ["dropped.service_tier"], id="service_tier"),
        pytest.param({"service_tier": "auto", "speed": "standard"}, [], id="what every provider gives"),
        pytest.param({"speed": "fast"}, ["dropped.speed"], id="speed"),
        pytest.param({"diagnostics": {"previous_message_id": "m"}}, ["dropped.diagnostics"], id="diagnostics"),
        pytest.param({"betas": ["x"]}, ["dropped.betas"], id="betas"),
        pytest.param({"context_management": {"edits": []}}, ["dropped.context_management"], id="context_management"),
        pytest.param({"fallbacks": [{"model": "m"}]}, ["dropped.fallbacks"], id="fallbacks"),
        pytest.param({"cache_control": {"type": "ephemeral"}}, ["dropped.cache_control"], id="automatic caching"),
        pytest.param({"x: y\r\nz": 1}, ["dropped.unknown_field"], id="an invented name stays out of headers"),
        pytest.param({"thinking": {"type": "adaptive", "display": "summarized"}}, ["dropped.thinking.display"], id="d"),
        pytest.param({"metadata": {"user_id": "u", "a": 1}}, ["dropped.metadata"], id="more metadata"),
        pytest.param({"output_config": {"a": 1}}, ["dropped.output_config.a"], id="more output_config"),
        pytest.param({"output_config": {"A b": 1}}, ["dropped.unknown_field"], id="odd output_config"),
        pytest.param(
            {"tools": [{"name": "f", "input_schema": SCHEMA, "input_examples": [{}], "defer_loading": True}]},
            ["dropped.tools.defer_loading", "dropped.tools.input_examples"],
            id="what only Anthropic's tools have",
        ),
    ],
)
def test_what_others_lack_is_dropped_with_a_note(fields: dict[str, Any], codes: list[str]) -> None:
    losses = Losses()

    read_request(HELLO | fields, losses)

    assert losses.codes == codes


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param({"inference_geo": "us"}, "inference_geo", id="where it is computed"),
        pytest.param({"container": "c"}, "container", id="container"),
        pytest.param({"mcp_servers": [{"type": "url"}]}, "mcp_servers", id="mcp_servers"),
        pytest.param({"thread": {"id": "t"}}, "thread", id="thread"),
        pytest.param({"max_tokens": 0}, "max_tokens", id="warming a cache"),
        pytest.param({"tools": [{"type": "web_search_20260318", "name": "w"}]}, "tools.0.type", id="a server's tool"),
        pytest.param(
            {"tools": [{"name": "f", "input_schema": SCHEMA, "allowed_callers": ["code_execution_20260521"]}]},
            "tools.0.allowed_callers",
            id="a tool that only code calls",
        ),
    ],
)
def test_what_must_not_be_lost_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        read_request(HELLO | fields, Losses())

    assert (refusal.value.code, refusal.value.param) == ("translation.refused", path)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        pytest.param({"messages": None}, "messages", id="no messages"),
        pytest.param({"messages": []}, "messages", id="empty messages"),
        pytest.param({"messages": ["hi"]}, "messages.0", id="a turn as text"),
        pytest.param({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role", id="a role of others"),
        pytest.param({"messages": [{"role": "user", "content": ""}]}, "messages.0.content", id="an empty turn"),
        pytest.param({"messages": [{"role": "user", "content": 3}]}, "messages.0.content", id="a number as content"),
        pytest.param({"messages": [{"role": "user", "content": [RESULT]}]}, "messages", id="a result of no call"),
        pytest.param(
            {"messages": [*HELLO["messages"], {"role": "assistant", "content": [CALL]}]}, "messages", id="no result"
        ),
        pytest.param({"max_tokens": "9"}, "max_tokens", id="max_tokens as a text"),
        pytest.param({"max_tokens": True}, "max_tokens", id="max_tokens as yes"),
        pytest.param({"max_tokens": -1}, "max_tokens", id="max_tokens below 0"),
        pytest.param({"system": 3}, "system", id="system as number"),
        pytest.param({"system": [{"type": "image"}]}, "system.0.type", id="a picture in the system"),
        pytest.param({"tools": {}, "metadata": 3}, "tools", id="tools as object"),
        pytest.param({"tools": [{"name": "f"}]}, "tools.0.input_schema", id="a tool without a schema"),
        pytest.param({"tools": [{"name": "", "input_schema": {}}]}, "tools.0.name", id="a tool without a name"),
        pytest.param({"tool_choice": {"type": "tool"}}, "tool_choice.name", id="a choice of no name"),
        pytest.param({"tool_choice": {"type": "required"}}, "tool_choice.type", id="a choice of others"),
        pytest.param(
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": 1}},
            "tool_choice.disable_parallel_tool_use",
            id="a flag as number",
        ),
        pytest.param({"stop_sequences": [3]}, "stop_sequences.0", id="a number to stop at"),
        pytest.param({"temperature": "0"}, "temperature", id="temperature as text"),
        pytest.param({"stream": "yes"}, "stream", id="stream as text"),
        pytest.param({"metadata": []}, "metadata", id="metadata as list"),
        pytest.param({"metadata": {"user_id": 3}}, "metadata.user_id", id="user as number"),
        pytest.param({"thinking": {"type": "enabled"}}, "thinking.budget_tokens", id="no budget"),
        pytest.param({"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens", id="too little"),
        pytest.param({"output_config": {"effort": "minimal"}}, "output_config.effort", id="effort of others"),
        pytest.param({"output_config": {"format": {"type": "text"}}}, "output_config.format.type", id="format"),
        pytest.param(
            {"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema", id="no schema"
        ),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read_request(HELLO | fields, Losses())

    assert (refusal.value.code, refusal.value.param) == ("request.invalid", path)
    assert str(refusal.value).startswith(f"{path}: ")
