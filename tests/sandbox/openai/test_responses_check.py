from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.openai.responses import responses
from seawall.sandbox.problem import Problem

TOOL = {"type": "function", "name": "clock", "parameters": {"type": "object"}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "noon"}
CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def _body(model: str = "gpt-6-sol", **change: Any) -> dict[str, Any]:
    return {"model": model, "input": "hi"} | change


def _format(**form: Any) -> dict[str, Any]:
    return _body(text={"format": form})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(_body(background=True), "'background' is not simulated", id="background"),
        pytest.param(_body(conversation="conv_1"), "'conversation' is not simulated", id="conversation"),
        pytest.param(_body(previous_response_id="resp_9"), "'resp_9' not found", id="nothing is stored"),
        pytest.param(_body(stream_options={}, stream=False), None, id="empty stream options"),
        pytest.param(
            _body(stream_options={"include_obfuscation": False}), "only allowed when 'stream'", id="stream options"
        ),
        pytest.param(_body(tools=[{"type": "web_search"}]), "'web_search' are not simulated", id="built-in tools"),
        pytest.param(_body(input=[{"type": "item_reference", "id": "x"}]), "'item_reference'", id="item references"),
        pytest.param(_body(input=[OUTPUT]), "No tool call found for function call output", id="an output alone"),
        pytest.param(_body(input=[CALL]), "No tool output found for function call call_1", id="a call alone"),
        pytest.param(_body(tool_choice="required"), "must be specified with 'tools'", id="a choice without tools"),
        pytest.param(
            _body(tools=[TOOL], tool_choice={"type": "function", "name": "x"}), "'x' not found", id="an unknown tool"
        ),
        pytest.param(_body(max_output_tokens=200_000), "max_output_tokens is too large", id="too many tokens"),
        pytest.param(_body("gpt-6-astra", temperature=1), "'temperature' is not supported", id="sampling"),
        pytest.param(_body("gpt-6-astra", reasoning={"effort": "none"}), "does not support 'none'", id="effort"),
        pytest.param(_body("gpt-4o", reasoning={"effort": "low"}), "reasoning.effort", id="no reasoning at all"),
        pytest.param(_format(type="json_object"), "must contain the word 'json'", id="json without the word"),
        pytest.param(
            _format(type="json_schema", name="a", strict=True, schema={"type": "object"}),
            "'additionalProperties' is required",
            id="an open schema",
        ),
        pytest.param(_body(tools=[{**TOOL, "strict": True}]), "function 'clock'", id="an open strict tool"),
    ],
)
def test_what_the_provider_refuses_is_refused(
    make_call: Callable[..., Call], body: dict[str, Any], says: str | None
) -> None:
    if says is None:
        assert responses(make_call(body)).status == 200
        return
    with pytest.raises(Problem, match=says) as caught:
        responses(make_call(body))

    assert caught.value.status == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body(store=True, include=[], truncation="auto", metadata={"a": "b"}), id="what changes nothing"),
        pytest.param(_body(input=[{"role": "user", "content": "hi"}, CALL, OUTPUT]), id="a call and its output"),
        pytest.param(_body(tools=[{**TOOL, "parameters": CLOSED, "strict": True}]), id="a strict tool"),
        pytest.param(_body(input="as json", text={"format": {"type": "json_object"}}), id="json with the word"),
        pytest.param(_format(type="json_schema", name="a", strict=True, schema=CLOSED), id="a closed schema"),
        pytest.param(
            _body(tools=[TOOL], tool_choice={"type": "allowed_tools", "mode": "auto", "tools": []}), id="allowed tools"
        ),
    ],
)
def test_what_the_provider_takes_is_taken(make_call: Callable[..., Call], body: dict[str, Any]) -> None:
    assert responses(make_call(body)).status == 200
