from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.openai.responses import responses
from seawall.sandbox.problem import Problem

GOOD: dict[str, Any] = {"model": "gpt-6-sol", "input": "hi"}


def _user(*parts: Any) -> dict[str, Any]:
    return {"input": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("change", "says", "param"),
    [
        pytest.param({"model": 5}, "expected a string, but got an integer", "model", id="model"),
        pytest.param({"input": 5}, "expected one of a string or an array", "input", id="input"),
        pytest.param({"input": []}, "Invalid 'input'", "input", id="no items"),
        pytest.param({"input": [{"role": "user"}]}, "Missing required parameter", "input[0].content", id="content"),
        pytest.param(_user({"type": "input_video"}), "Invalid 'input", "input[0].content[0]", id="kind of part"),
        pytest.param(_user({"type": "input_text"}), "Missing required", "input[0].content[0].text", id="text"),
        pytest.param(
            {"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
            "Missing required parameter",
            "input[0].call_id",
            id="call id",
        ),
        pytest.param({"messages": []}, "Unknown parameter", "messages", id="a field of another endpoint"),
        pytest.param({"max_output_tokens": 0}, "Invalid 'max_output_tokens'", "max_output_tokens", id="no tokens"),
        pytest.param({"stream": "yes"}, "expected a boolean", "stream", id="stream"),
        pytest.param({"reasoning": {"effort": "huge"}}, "Invalid value: 'huge'", "reasoning.effort", id="effort"),
        pytest.param({"tools": [{"type": "function"}]}, "Missing required", "tools[0].name", id="a tool's name"),
    ],
)
def test_a_body_of_another_shape_is_refused(
    make_call: Callable[..., Call], change: dict[str, Any], says: str, param: str
) -> None:
    with pytest.raises(Problem) as caught:
        responses(make_call(GOOD | change))

    assert caught.value.status == 400
    assert says in caught.value.message
    assert caught.value.param == param
