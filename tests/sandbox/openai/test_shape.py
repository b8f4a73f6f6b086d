from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.openai.endpoint import chat
from seawall.sandbox.problem import Problem

GOOD: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}


def _user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("change", "says", "param"),
    [
        pytest.param({"model": 5}, "expected a string, but got an integer", "model", id="model"),
        pytest.param({"messages": "hi"}, "expected an array, but got a string", "messages", id="messages"),
        pytest.param({"messages": []}, "Invalid 'messages'", "messages", id="no messages"),
        pytest.param(
            {"messages": [{"role": "bot", "content": "x"}]}, "Invalid 'messages[0]'", "messages[0]", id="role"
        ),
        pytest.param(
            {"messages": [{"role": "user"}]}, "Missing required parameter", "messages[0].content", id="content"
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": 1}]},
            "expected one of a string or an array",
            "messages[0].content",
            id="kind of content",
        ),
        pytest.param(
            _user({"type": "image_url", "image_url": {"url": "x", "detail": "huge"}}),
            "Invalid value: 'huge'",
            "messages[0].content[0].image_url.detail",
            id="detail",
        ),
        pytest.param({"temperature": 3}, "Invalid 'temperature'", "temperature", id="temperature"),
        pytest.param(
            {"temperature": "1"}, "expected a decimal, but got a string", "temperature", id="a text for a number"
        ),
        pytest.param({"n": 1.5}, "expected an integer, but got a decimal", "n", id="a fraction"),
        pytest.param({"stop": ["a", "b", "c", "d", "e"]}, "Invalid 'stop'", "stop", id="five stops"),
        pytest.param(
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "Invalid 'tools[0]",
            "tools[0].function.name",
            id="tool name",
        ),
        pytest.param(
            {"tool_choice": "always"},
            "Supported values are: 'none', 'auto' or 'required'",
            "tool_choice",
            id="tool choice",
        ),
        pytest.param(
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            "Missing required parameter",
            "response_format.json_schema.name",
            id="a schema without a name",
        ),
        pytest.param({"metadata": {str(n): "" for n in range(17)}}, "Invalid 'metadata'", "metadata", id="metadata"),
        pytest.param({"max_token": 5}, "Unknown parameter: 'max_token'.", "max_token", id="misspelt"),
        pytest.param(
            {"service_tier": "x" * 500}, "Invalid value: 'xxx", "service_tier", id="long values are not repeated whole"
        ),
    ],
)
def test_a_mistake_is_refused_with_its_path(
    make_call: Callable[..., Call], change: dict[str, Any], says: str, param: str
) -> None:
    with pytest.raises(Problem) as caught:
        chat(make_call(GOOD | change))

    assert says in caught.value.message
    assert caught.value.param == param
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {
                "messages": [
                    {"role": "developer", "content": [{"type": "text", "text": "x"}]},
                    {"role": "user", "content": "y"},
                ]
            },
            id="parts",
        ),
        pytest.param(
            _user({"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}), id="image by address"
        ),
        pytest.param(_user({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}), id="audio"),
        pytest.param(_user({"type": "file", "file": {"file_id": "f"}}), id="file by name"),
        pytest.param({"messages": [{"role": "function", "name": "f", "content": None}]}, id="the old kind of function"),
        pytest.param(
            {"tools": [{"type": "custom", "custom": {"name": "grammar"}}], "tool_choice": {"type": "allowed_tools"}},
            id="a custom tool",
        ),
        pytest.param(
            {
                "store": True,
                "metadata": {"a": "b"},
                "user": "u",
                "seed": 5,
                "logit_bias": {"50": -1},
                "verbosity": "low",
            },
            id="others",
        ),
        pytest.param(
            {"temperature": None, "stop": None, "tools": None, "response_format": None, "n": None, "stream": None},
            id="nothing",
        ),
    ],
)
def test_what_the_provider_takes_is_taken(make_call: Callable[..., Call], change: dict[str, Any]) -> None:
    assert chat(make_call(GOOD | change)).status == 200
