from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.neutral.conversation import (
    Conversation,
    Format,
    Message,
    Reasoning,
    Text,
    Tool,
    ToolChoice,
)
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.request_reader import read_request

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def _read(**fields: Any) -> tuple[Conversation, list[str]]:
    losses = Losses()
    return read_request({"model": "m", "input": "hi"} | fields, losses), losses.codes


def test_a_text_is_one_turn_of_the_user() -> None:
    asked, codes = _read(instructions="Be brief.")

    assert asked == Conversation((Message("user", (Text("hi"),)),), (Text("Be brief."),))
    assert codes == []


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        pytest.param({"max_output_tokens": 9}, "max_tokens", 9, id="ceiling"),
        pytest.param({"temperature": 1}, "temperature", 1.0, id="temperature"),
        pytest.param({"top_p": 0.5}, "top_p", 0.5, id="top_p"),
        pytest.param({"parallel_tool_calls": False}, "parallel_tools", False, id="parallel"),
        pytest.param({"safety_identifier": "u", "user": "v"}, "user", "u", id="user"),
        pytest.param({"user": "v"}, "user", "v", id="the older user"),
        pytest.param({"stream": True}, "wants_usage", True, id="a stream always tells its usage"),
        pytest.param({"reasoning": {"effort": "none"}}, "reasoning", Reasoning("none", is_off=True), id="no effort"),
        pytest.param({"reasoning": {"effort": "high"}}, "reasoning", Reasoning("high"), id="effort"),
        pytest.param({"reasoning": {"summary": "auto"}}, "reasoning", None, id="no effort said"),
        pytest.param({"text": {"format": {"type": "json_object"}}}, "format", Format("json_object"), id="json"),
        pytest.param({"text": {}}, "format", None, id="no format"),
        pytest.param(
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": {"x": 1}, "strict": True}}},
            "format",
            Format("json_schema", "a", "", {"x": 1}, strict=True),
            id="schema",
        ),
        pytest.param({"tools": [TOOL]}, "tools", (Tool("f", schema={"type": "object"}),), id="tools"),
        pytest.param(
            {"tools": [{"type": "function", "name": "f", "description": "d", "strict": False}]},
            "tools",
            (Tool("f", "d", {"type": "object", "properties": {}}, strict=False),),
            id="a tool without parameters",
        ),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "f"}},
            "tool_choice",
            ToolChoice("named", "f"),
            id="a named tool",
        ),
        pytest.param(
            {
                "tools": [TOOL],
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "required",
                    "tools": [{"type": "function", "name": "f"}],
                },
            },
            "tool_choice",
            ToolChoice("required", allowed=("f",)),
            id="allowed tools",
        ),
    ],
)
def test_a_field_is_read(fields: dict[str, Any], name: str, value: Any) -> None:
    asked, codes = _read(**fields)

    assert getattr(asked, name) == value
    assert codes == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"previous_response_id": "resp_1"}, "previous_response_id", id="state"),
        pytest.param({"conversation": {"id": "c"}}, "conversation", id="conversation"),
        pytest.param({"prompt": {"id": "p"}}, "prompt", id="template"),
        pytest.param({"background": True}, "background", id="background"),
        pytest.param({"store": True}, "store", id="store"),
        pytest.param({"moderation": {"model": "m"}}, "moderation", id="moderation"),
        pytest.param({"top_logprobs": 2}, "top_logprobs", id="probabilities"),
        pytest.param({"include": ["message.output_text.logprobs"]}, "include.0", id="more of them"),
        pytest.param({"prompt_cache_options": {"prewarm": True}}, "prompt_cache_options.prewarm", id="warming"),
        pytest.param({"tools": [{"type": "web_search"}]}, "tools.0.type", id="built-in tools"),
        pytest.param(
            {"tools": [TOOL | {"allowed_callers": ["programmatic"]}]}, "tools.0.allowed_callers", id="programs"
        ),
        pytest.param({"tool_choice": {"type": "mcp"}}, "tool_choice.type", id="a built-in choice"),
    ],
)
def test_what_no_other_dialect_has_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _read(**fields)

    assert (caught.value.param, caught.value.code) == (param, "translation.refused")


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        pytest.param({"metadata": {"a": "b"}}, ["dropped.metadata"], id="metadata"),
        pytest.param({"service_tier": "flex"}, ["dropped.service_tier"], id="tier"),
        pytest.param({"truncation": "auto"}, ["dropped.truncation"], id="truncation"),
        pytest.param({"include": ["web_search_call.results"]}, ["dropped.include"], id="include"),
        pytest.param({"text": {"verbosity": "low"}}, ["dropped.text.verbosity"], id="verbosity"),
        pytest.param({"reasoning": {"summary": "detailed"}}, ["dropped.reasoning.summary"], id="summary"),
        pytest.param({"reasoning": {"Odd": 1}}, ["dropped.reasoning.unknown_field"], id="odd names"),
        pytest.param({"tools": [TOOL | {"defer_loading": True}]}, ["dropped.tools.defer_loading"], id="loading"),
        pytest.param({"novel": 1}, ["dropped.novel"], id="what is new"),
        pytest.param({"Odd\r\n": 1}, ["dropped.unknown_field"], id="what cannot stand in a header"),
        pytest.param({"store": False, "include": ["reasoning.encrypted_content"]}, [], id="nothing lost"),
        pytest.param({"prompt_cache_options": {}, "service_tier": "auto", "top_logprobs": 0}, [], id="defaults"),
    ],
)
def test_what_is_left_out_is_noted(fields: dict[str, Any], codes: list[str]) -> None:
    assert _read(**fields)[1] == codes


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"input": None}, "input", id="no input"),
        pytest.param({"input": [{"role": "system", "content": "x"}]}, "input", id="nothing but instructions"),
        pytest.param({"tools": {}}, "tools", id="tools"),
        pytest.param({"tools": [TOOL | {"allowed_callers": 1}]}, "tools.0.allowed_callers", id="callers"),
        pytest.param({"tool_choice": "any"}, "tool_choice", id="choice"),
        pytest.param({"tool_choice": "required"}, "tool_choice", id="nothing to choose from"),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "g"}}, "tool_choice", id="an unknown tool"
        ),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": []}},
            "tool_choice.tools",
            id="no tools allowed",
        ),
        pytest.param({"reasoning": {"effort": "huge"}}, "reasoning.effort", id="effort"),
        pytest.param({"text": {"format": {"type": "xml"}}}, "text.format.type", id="format"),
        pytest.param({"max_output_tokens": 0}, "max_output_tokens", id="ceiling"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        _read(**fields)

    assert caught.value.param == param
