from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.anthropic.endpoint import count_tokens, messages
from seawall.sandbox.call import Call
from seawall.sandbox.problem import Problem
from seawall.sandbox.setting import Settings

USER: dict[str, Any] = {"role": "user", "content": "hi"}
TOOL: dict[str, Any] = {"name": "clock", "input_schema": {"type": "object"}}
USE: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "clock", "input": {}}
RESULT: dict[str, Any] = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "noon"}
SHORT: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
LONG: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def _body(model: str = "claude-haiku-5-5", **change: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 2_000, "messages": [USER]} | change


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def _says(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def _refusal(call: Call) -> str:
    with pytest.raises(Problem) as caught:
        messages(call)
    assert caught.value.status == 400
    return caught.value.message


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
@pytest.mark.parametrize("model", ["claude-haiku-5-5", "claude-sonnet-4-5"])
def test_the_new_api_version_knows_no_sampling(make_call: Callable[..., Call], name: str, model: str) -> None:
    refused = _refusal(make_call(_body(model, **{name: 1}), version="2026-10-21"))

    assert refused == f"{name}: Extra inputs are not permitted"


@pytest.mark.parametrize("version", [None, "2024-01-01"])
def test_the_version_must_be_a_known_one(make_call: Callable[..., Call], version: str | None) -> None:
    assert _refusal(make_call(_body(), version=version)).startswith("anthropic-version: ")


def test_the_new_version_refuses_what_it_dropped(make_call: Callable[..., Call]) -> None:
    document = {"type": "document", "source": {"type": "url", "url": "https://a.example"}}
    old = _body("claude-haiku-4-5", messages=[USER, _says(document, role="assistant")])
    cited = _body(messages=[_says(_text("a", citations=[{"type": "char_location"}]))])
    found = {"type": "search_result", "source": "s", "title": "t", "content": [_text("x", citations=[{}])]}

    assert "not permitted in assistant messages" in _refusal(make_call(old, version="2026-10-21"))
    assert "citations: Extra inputs" in _refusal(make_call(cited, version="2026-10-21"))
    assert "citations: Extra inputs" in _refusal(make_call(_body(messages=[_says(found)]), version="2026-10-21"))
    assert messages(make_call(cited)).status == 200


@pytest.mark.parametrize(
    ("model", "change", "says"),
    [
        pytest.param(
            "claude-opus-5-5", {"temperature": 0.2}, "only the default value is supported", id="temperature on 5.5"
        ),
        pytest.param("claude-opus-4-7", {"top_k": 5}, "only the default value is supported", id="top_k on 4.7"),
        pytest.param(
            "claude-opus-4-6",
            {"temperature": 0.2, "thinking": {"type": "adaptive"}},
            "may only be set to 1",
            id="temperature while thinking",
        ),
        pytest.param(
            "claude-opus-5-5", {"thinking": {"type": "disabled"}}, "`disabled` is not supported", id="always thinking"
        ),
        pytest.param(
            "claude-sonnet-5",
            {"thinking": {"type": "enabled", "budget_tokens": 1_024}},
            "`enabled` is not supported",
            id="budget on 5",
        ),
        pytest.param(
            "claude-opus-5",
            {"thinking": {"type": "between_tools"}},
            "`between_tools` is not supported",
            id="between tools",
        ),
        pytest.param(
            "claude-opus-5",
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            "needs an effort of at most high",
            id="no thinking at high effort",
        ),
        pytest.param(
            "claude-sonnet-5-5",
            {"thinking": {"type": "between_tools"}, "output_config": {"effort": "xhigh"}},
            "needs an effort of at most high",
            id="between tools at high effort",
        ),
        pytest.param(
            "claude-haiku-4-5",
            {"thinking": {"type": "enabled", "budget_tokens": 2_000}},
            "must be greater than",
            id="budget not below max_tokens",
        ),
        pytest.param(
            "claude-haiku-4-5",
            {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled",
            id="forced while thinking",
        ),
        pytest.param(
            "claude-opus-5-5",
            {"tools": [TOOL], "tool_choice": {"type": "any"}},
            "tool_choice: type `any`",
            id="forced any",
        ),
        pytest.param(
            "claude-fable-5-1",
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "clock"}},
            "tool_choice: type `tool`",
            id="forced tool",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
            "tool 'x' not found",
            id="no such tool",
        ),
        pytest.param(
            "claude-haiku-5-5", {"tool_choice": {"type": "any"}}, "while providing tools", id="forced without tools"
        ),
        pytest.param(
            "claude-haiku-5-5", {"max_tokens": 128_001}, "128001 > 128000, which is the maximum", id="too many tokens"
        ),
        pytest.param("claude-haiku-4-5", {"max_tokens": 64_001}, "64001 > 64000", id="too many for a small model"),
        pytest.param("claude-haiku-5-5", {"speed": "fast"}, "fast mode is not supported", id="fast"),
        pytest.param("claude-haiku-4-5", {"inference_geo": "us"}, "inference_geo: not supported", id="region"),
        pytest.param(
            "claude-sonnet-5",
            {"messages": [USER, {"role": "system", "content": "x"}]},
            "system messages are not supported",
            id="system message",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"max_tokens": 0, "stream": True},
            "max_tokens: 0 cannot be combined",
            id="streamed pre-warm",
        ),
        pytest.param(
            "claude-haiku-4-5",
            {"max_tokens": 0, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "max_tokens: 0",
            id="forced pre-warm",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [USER, {"role": "assistant", "content": "The"}]},
            "does not support assistant message prefill",
            id="prefill",
        ),
        pytest.param(
            "claude-haiku-4-5",
            {"messages": [{"role": "assistant", "content": "a"}, USER]},
            "first message must use the user role",
            id="assistant first",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [{"role": "user", "content": ""}]},
            "must have non-empty content",
            id="empty content",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [_says(_text(""))]},
            "text content blocks must be non-empty",
            id="empty text",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [_says(USE)]},
            "`tool_use` blocks can only be in assistant messages",
            id="user uses a tool",
        ),
        pytest.param(
            "claude-opus-5-5",
            {"messages": [USER, _says(RESULT, role="system")]},
            "can only be in user messages",
            id="system result",
        ),
        pytest.param(
            "claude-opus-5-5",
            {"messages": [USER, _says({"type": "container_upload"}, role="system")]},
            "can only have text blocks",
            id="system block",
        ),
        pytest.param(
            "claude-haiku-5-5", {"messages": [_says(RESULT)]}, "unexpected `tool_use_id`", id="a result of nothing"
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [USER, _says(USE, role="assistant"), USER]},
            "messages.1: `tool_use` ids were found without `tool_result`",
            id="a missing result",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [USER, _says(USE, role="assistant"), _says(_text("x"), RESULT)]},
            "must come first",
            id="a result behind a text",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [_says(_text("a", **SHORT))], "system": [_text(str(n), **SHORT) for n in range(4)]},
            "maximum of 4 blocks with cache_control may be provided. Found 5",
            id="five breakpoints",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"system": [_text(str(n), **SHORT) for n in range(4)], **SHORT},
            "Found 5",
            id="four and automatic",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"tools": [TOOL | SHORT], "system": [_text("a", **LONG)]},
            "must not come after",
            id="1h after 5m",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [_says(_text("a", **LONG))], **SHORT},
            "another ttl",
            id="automatic with another ttl",
        ),
        pytest.param(
            "claude-haiku-5-5", {"system": [_text("", **SHORT)]}, "empty text blocks", id="breakpoint on nothing"
        ),
        pytest.param(
            "claude-haiku-4-5",
            {
                "messages": [
                    USER,
                    _says({"type": "thinking", "thinking": "", "signature": "", **SHORT}, role="assistant"),
                ]
            },
            "thinking blocks cannot have a breakpoint",
            id="breakpoint on thinking",
        ),
    ],
)
def test_a_request_is_refused(make_call: Callable[..., Call], model: str, change: dict[str, Any], says: str) -> None:
    assert says in _refusal(make_call(_body(model, **change)))


@pytest.mark.parametrize(
    ("model", "change"),
    [
        pytest.param("claude-opus-5-5", {"temperature": 1, "top_p": 1.0}, id="the defaults of sampling"),
        pytest.param("claude-sonnet-4-5", {"temperature": 0.2, "top_p": 0.9, "top_k": 40}, id="sampling on 4.5"),
        pytest.param(
            "claude-sonnet-5-5",
            {"thinking": {"type": "between_tools"}, "output_config": {"effort": "high"}},
            id="between tools",
        ),
        pytest.param(
            "claude-opus-4-8",
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            id="off at any effort",
        ),
        pytest.param(
            "claude-opus-4-6", {"thinking": {"type": "enabled", "budget_tokens": 1_024}}, id="a budget on 4.6"
        ),
        pytest.param(
            "claude-haiku-5-5", {"tools": [TOOL], "tool_choice": {"type": "any"}}, id="forced tools on Haiku 5.5"
        ),
        pytest.param(
            "claude-haiku-4-5", {"messages": [USER, {"role": "assistant", "content": "The"}]}, id="prefill on 4.5"
        ),
        pytest.param(
            "claude-haiku-4-5", {"messages": [USER, {"role": "assistant", "content": ""}]}, id="an empty prefill"
        ),
        pytest.param(
            "claude-opus-5-5",
            {"messages": [USER, {"role": "system", "content": "x"}], "speed": "fast", "inference_geo": "us"},
            id="what the newest can do",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {"messages": [USER, _says(_text("I look."), USE, role="assistant"), _says(RESULT, _text("and?"))]},
            id="a tool's result",
        ),
        pytest.param(
            "claude-haiku-5-5",
            {
                "tools": [TOOL | LONG],
                "system": [_text("a", **SHORT)],
                "messages": [_says(_text("b", **SHORT))],
                **SHORT,
            },
            id="breakpoints in order",
        ),
    ],
)
def test_a_request_is_taken(make_call: Callable[..., Call], model: str, change: dict[str, Any]) -> None:
    assert messages(make_call(_body(model, **change))).status == 200


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        pytest.param({"type": "object"}, "schema: For 'object' type, 'additionalProperties' must be", id="open object"),
        pytest.param(
            {"properties": {"type": {"type": "object"}}},
            "schema.properties.type: For 'object'",
            id="open object inside",
        ),
        pytest.param({"type": "integer", "minimum": 1}, "property 'minimum' is not supported", id="bounds"),
        pytest.param({"type": "array", "items": {"maxLength": 1}}, "schema.items: property 'maxLength'", id="length"),
        pytest.param({"type": "array", "minItems": 2}, "'minItems' values other than 0 or 1", id="items"),
        pytest.param({"$ref": "https://a.example/s"}, "external references", id="foreign reference"),
    ],
)
def test_a_schema_is_refused(make_call: Callable[..., Call], schema: dict[str, Any], says: str) -> None:
    body = _body(output_config={"format": {"type": "json_schema", "schema": schema}})

    assert says in _refusal(make_call(body))


def test_counting_tokens_takes_no_field_of_the_answer(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="max_tokens: Extra inputs are not permitted"):
        count_tokens(make_call(_body()))


def test_beta_fields_need_their_header_and_unknown_ones_the_setting(make_call: Callable[..., Call]) -> None:
    beta, odd = _body(mcp_servers=[]), _body(some_field=1)

    assert messages(make_call(beta, headers={"anthropic-beta": "mcp-client-2025-11-20"})).status == 200
    assert messages(make_call(beta, query={"beta": "true"})).status == 200
    assert messages(make_call(odd, settings=Settings(accept_unknown_fields=True))).status == 200


def test_a_model_that_there_is_not_is_not_found(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="model: claude-opus-4-1") as caught:
        messages(make_call(_body("claude-opus-4-1")))

    assert caught.value.status == 404
