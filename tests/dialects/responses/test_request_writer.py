from dataclasses import replace
from typing import Any

import pytest

from seawall.core.error import Unsupported
from seawall.core.traits import UNKNOWN_TRAITS, Traits
from seawall.dialects.json_instruction import JSON_INSTRUCTION
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
from seawall.dialects.responses.request_writer import write_request
from tests.dialects.responses.conftest import TRAITS

ASKED = Conversation((Message("user", (Text("hi"),)),))
HI = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = OPEN | {"required": ["a"], "additionalProperties": False}


def _write(traits: Traits = TRAITS, **change: Any) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    return write_request(replace(ASKED, **change), "gpt-6-sol", traits, losses), losses.codes


def test_nothing_is_left_at_the_provider_and_sealed_thoughts_come_back() -> None:
    assert _write()[0] == {
        "model": "gpt-6-sol",
        "input": [HI],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert _write(UNKNOWN_TRAITS)[0] == {"model": "gpt-6-sol", "input": [HI], "store": False}


@pytest.mark.parametrize(
    ("change", "written", "codes"),
    [
        pytest.param({"system": (Text("A"),)}, {"instructions": "A"}, [], id="one instruction"),
        pytest.param(
            {"system": (Text("A"), Text("B"))},
            {
                "input": [
                    {
                        "type": "message",
                        "role": "system",
                        "content": [{"type": "input_text", "text": "A"}, {"type": "input_text", "text": "B"}],
                    },
                    HI,
                ]
            },
            [],
            id="several",
        ),
        pytest.param({"max_tokens": 9}, {"max_output_tokens": 9}, [], id="ceiling"),
        pytest.param({"max_tokens": 10**6}, {"max_output_tokens": 100_000}, ["changed.max_tokens"], id="the model's"),
        pytest.param({"temperature": 0.5, "top_p": 0.1}, {"temperature": 0.5, "top_p": 0.1}, [], id="sampling"),
        pytest.param({"user": "u"}, {"safety_identifier": "u"}, [], id="user"),
        pytest.param({"is_stream": True, "wants_usage": True}, {"stream": True}, [], id="stream"),
        pytest.param({"reasoning": Reasoning(is_off=True)}, {"reasoning": {"effort": "none"}}, [], id="off"),
        pytest.param(
            {"format": Format("json_schema", schema=CLOSED)},
            {"text": {"format": {"type": "json_schema", "name": "output", "schema": CLOSED, "strict": True}}},
            [],
            id="a closed schema",
        ),
        pytest.param(
            {"format": Format("json_schema", "a", "d", OPEN, strict=True)},
            {
                "text": {
                    "format": {
                        "type": "json_schema",
                        "name": "a",
                        "description": "d",
                        "schema": OPEN,
                        "strict": False,
                    }
                }
            },
            ["changed.response_format"],
            id="an open schema",
        ),
        pytest.param(
            {"tools": (Tool("f", "d", CLOSED, strict=True),)},
            {"tools": [{"type": "function", "name": "f", "description": "d", "parameters": CLOSED, "strict": True}]},
            [],
            id="a strict tool",
        ),
        pytest.param(
            {"tools": (Tool("f", schema=OPEN, strict=True, cached="short"),)},
            {"tools": [{"type": "function", "name": "f", "parameters": OPEN, "strict": False}]},
            ["dropped.tools.strict", "dropped.cache_control"],
            id="a tool that cannot be strict",
        ),
        pytest.param(
            {"tools": (Tool("f"),), "tool_choice": ToolChoice("named", "f"), "parallel_tools": False},
            {
                "tools": [
                    {
                        "type": "function",
                        "name": "f",
                        "parameters": {"type": "object", "properties": {}},
                        "strict": False,
                    }
                ],
                "tool_choice": {"type": "function", "name": "f"},
                "parallel_tool_calls": False,
            },
            [],
            id="a named tool",
        ),
        pytest.param({"tool_choice": ToolChoice("auto")}, {}, [], id="no tools, no choice"),
    ],
)
def test_a_wish_is_written(change: dict[str, Any], written: dict[str, Any], codes: list[str]) -> None:
    body, found = _write(**change)

    assert body == _write()[0] | written
    assert found == codes


def test_a_long_users_id_is_hashed() -> None:
    assert len(_write(user="u" * 200)[0]["safety_identifier"]) == 64


@pytest.mark.parametrize(
    ("change", "traits", "param"),
    [
        pytest.param({"stop": ("x",)}, TRAITS, "stop", id="stop sequences"),
        pytest.param({"max_tokens": 0}, TRAITS, "max_tokens", id="no tokens"),
        pytest.param({"tools": (Tool("a b"),)}, TRAITS, "tools.0.name", id="a name"),
        pytest.param({"format": Format("json_schema", "a b")}, TRAITS, "text.format.name", id="a format's name"),
        pytest.param(
            {"tools": (Tool("f"),), "tool_choice": ToolChoice("required")},
            Traits(forces_tools=False),
            "tool_choice",
            id="a call that cannot be demanded",
        ),
        pytest.param({"tool_choice": ToolChoice("named", "f")}, TRAITS, "tool_choice", id="a call of nothing"),
        pytest.param(
            {"messages": (*ASKED.messages, Message("assistant", (Text("An"),)))},
            Traits(prefills=False),
            "messages",
            id="an answer to be continued",
        ),
    ],
)
def test_what_the_model_cannot_carry_is_refused(change: dict[str, Any], traits: Traits, param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _write(traits, **change)

    assert caught.value.param == param


@pytest.mark.parametrize("system", [(), (Text("Answer in JSON."),)], ids=["nobody", "the instructions alone"])
def test_json_is_asked_for_where_no_message_says_the_word(system: tuple[Text, ...]) -> None:
    body, codes = _write(format=Format("json_object"), system=system)

    asking = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": JSON_INSTRUCTION}]}
    assert (body["text"], codes) == ({"format": {"type": "json_object"}}, ["changed.format"])
    assert body["input"] == [asking, HI]


def test_json_is_not_asked_for_twice() -> None:
    body, codes = _write(format=Format("json_object"), messages=(Message("user", (Text("as JSON"),)),))

    assert (len(body["input"]), body["text"], codes) == (1, {"format": {"type": "json_object"}}, [])
