from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.chat.request_reader import read_request
from seawall.dialects.neutral.conversation import Conversation, Format, Message, Reasoning, Text, Tool, ToolChoice
from seawall.dialects.neutral.loss import Losses

MESSAGES = [{"role": "user", "content": "Hi"}]
TURNS = (Message("user", (Text("Hi"),)),)
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "f", "description": "Do it.", "parameters": SCHEMA, "strict": True}}
READ_TOOL = Tool("f", "Do it.", SCHEMA, strict=True)


def _read(losses: Losses | None = None, **fields: Any) -> Conversation:  # any JSON values, here and below
    return read_request({"model": "m", "messages": MESSAGES, **fields}, losses or Losses())


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {}, id="nothing else"),
        pytest.param({"max_completion_tokens": 5}, {"max_tokens": 5}, id="the ceiling"),
        pytest.param({"max_tokens": 5, "max_completion_tokens": 7}, {"max_tokens": 5}, id="the lower of two ceilings"),
        pytest.param({"stop": "END"}, {"stop": ("END",)}, id="one stop text"),
        pytest.param({"stop": ["a", "b"]}, {"stop": ("a", "b")}, id="stop texts"),
        pytest.param({"temperature": 1, "top_p": 0.5}, {"temperature": 1.0, "top_p": 0.5}, id="sampling"),
        pytest.param({"stream": True}, {"is_stream": True}, id="a stream"),
        pytest.param(
            {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": True}},
            {"is_stream": True, "wants_usage": True},
            id="a stream with its usage",
        ),
        pytest.param({"stream": False, "stream_options": {}}, {}, id="no stream"),
        pytest.param({"reasoning_effort": "high"}, {"reasoning": Reasoning("high")}, id="effort"),
        pytest.param({"reasoning_effort": "none"}, {"reasoning": Reasoning("none", is_off=True)}, id="no effort"),
        pytest.param({"user": "u"}, {"user": "u"}, id="a user"),
        pytest.param({"user": "u", "safety_identifier": "s"}, {"user": "s"}, id="a safety identifier"),
        pytest.param({"tools": [TOOL]}, {"tools": (READ_TOOL,)}, id="a tool"),
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            {"tools": (Tool("f", schema={"type": "object", "properties": {}}),)},
            id="a tool without arguments",
        ),
        pytest.param({"functions": []}, {}, id="no old functions"),
        pytest.param({"function_call": "none"}, {"tool_choice": ToolChoice("none")}, id="no old function"),
        pytest.param(
            {"tools": [TOOL], "parallel_tool_calls": False, "tool_choice": "required"},
            {"tools": (READ_TOOL,), "parallel_tools": False, "tool_choice": ToolChoice("required")},
            id="a tool has to be called",
        ),
        pytest.param(
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tools": (READ_TOOL,), "tool_choice": ToolChoice("named", "f")},
            id="this tool has to be called",
        ),
        pytest.param(
            {
                "tools": [TOOL],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
                },
            },
            {"tools": (READ_TOOL,), "tool_choice": ToolChoice("auto", allowed=("f",))},
            id="some tools may be called",
        ),
        pytest.param({"response_format": {"type": "text"}}, {"format": Format("text")}, id="text"),
        pytest.param({"response_format": {"type": "json_object"}}, {"format": Format("json_object")}, id="JSON"),
        pytest.param(
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "description": "d", "schema": SCHEMA, "strict": False},
                }
            },
            {"format": Format("json_schema", "n", "d", SCHEMA, strict=False)},
            id="a schema",
        ),
        pytest.param(
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}},
            {"format": Format("json_schema", "n")},
            id="a schema that says nothing",
        ),
        pytest.param(
            dict.fromkeys(
                ("stop", "tools", "tool_choice", "response_format", "stream_options", "reasoning_effort", "user", "n")
            ),
            {},
            id="nulls say nothing",
        ),
        pytest.param(
            {
                "n": 1,
                "logprobs": False,
                "frequency_penalty": 0,
                "store": False,
                "service_tier": "auto",
                "modalities": ["text"],
                "metadata": {},
            },
            {},
            id="defaults say nothing",
        ),
    ],
)
def test_fields_are_read(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    losses = Losses()

    assert _read(losses, **fields) == Conversation(TURNS, **expected)
    assert losses.codes == []


def test_old_functions_are_tools_and_so_will_their_calls_be() -> None:
    losses = Losses()

    read = _read(losses, functions=[{"name": "f", "parameters": SCHEMA}], function_call={"name": "f"})

    assert read == Conversation(TURNS, tools=(Tool("f", schema=SCHEMA),), tool_choice=ToolChoice("named", "f"))
    assert losses.codes == ["changed.functions"]


@pytest.mark.parametrize(
    "name",
    [
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "verbosity",
        "store",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
        "top_k",
    ],
)
def test_what_no_other_dialect_has_is_left_out_and_noted(name: str) -> None:
    losses = Losses()

    _read(losses, **{name: "x"})

    assert losses.codes == [f"dropped.{name}"]


@pytest.mark.parametrize("name", ["a\r\nset-cookie: x", "", "A", "x" * 41, "é"])
def test_a_name_that_fits_no_header_does_not_get_there(name: str) -> None:
    losses = Losses()

    _read(losses, **{name: 1})

    assert losses.codes == ["dropped.unknown_field"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("logprobs", True),
        ("top_logprobs", 3),
        ("logit_bias", {"1": 2}),
        ("prediction", {"type": "content"}),
        ("audio", {"voice": "x"}),
        ("modalities", ["text", "audio"]),
        ("web_search_options", {}),
        ("moderation", {"policy": {}}),
    ],
)
def test_what_must_not_be_lost_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Unsupported) as caught:
        _read(**{name: value})

    assert (caught.value.param, caught.value.code) == (name, "translation.refused")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"tools": [{"type": "custom", "custom": {}}]}, "tools.0.type", id="a custom tool"),
        pytest.param({"tools": [TOOL], "tool_choice": {"type": "custom"}}, "tool_choice.type", id="a choice of one"),
    ],
)
def test_custom_tools_are_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _read(**fields)

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": {}}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "5"}, "max_completion_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"stop": 1}, "stop"),
        ({"stop": ["a", 1]}, "stop.1"),
        ({"reasoning_effort": "hard"}, "reasoning_effort"),
        ({"user": 1}, "user"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools.0"),
        ({"tools": [{"type": "x"}]}, "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools.0.function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
            "tools.0.function.parameters",
        ),
        ({"functions": [{}]}, "functions.0.name"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "x"}}, "tool_choice.type"),
        ({"tools": [TOOL], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "tool_choice.allowed_tools.tools",
        ),
        ({"function_call": "any"}, "function_call"),
        ({"function_call": {"name": "f"}}, "function_call"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
    ],
)
def test_a_malformed_field_is_named_by_its_path(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        _read(**fields)

    assert (caught.value.param, caught.value.code) == (param, "request.invalid")
