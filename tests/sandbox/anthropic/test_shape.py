from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.anthropic.endpoint import messages
from seawall.sandbox.call import Call
from seawall.sandbox.problem import Problem

GOOD: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def _user(*blocks: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def _image(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", **source}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"model": None}, "model: Input should be a valid string", id="model"),
        pytest.param({"max_tokens": "9"}, "max_tokens: Input should be a valid integer", id="max_tokens"),
        pytest.param({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0", id="negative"),
        pytest.param({"max_tokens": True}, "max_tokens: Input should be a valid integer", id="a flag for a number"),
        pytest.param({"messages": []}, "messages: List should have at least 1 item", id="no messages"),
        pytest.param(
            {"messages": [{"role": "bot", "content": "x"}]}, "messages.0.role: Input should be 'user', ", id="role"
        ),
        pytest.param({"messages": [{"role": "user"}]}, "messages.0.content: Field required", id="no content"),
        pytest.param(
            {"messages": [{"role": "user", "content": 5}]},
            "messages.0.content: Input should be a string or a list",
            id="content",
        ),
        pytest.param(_user({"type": "text"}), "messages.0.content.0.text.text: Field required", id="text"),
        pytest.param(_user({"type": "gif"}), "messages.0.content.0: Input tag 'gif'", id="block"),
        pytest.param(
            _user(_image(media_type="image/tiff", data="")),
            "media_type: Input should be 'image/jpeg', ",
            id="media type",
        ),
        pytest.param({"system": 5}, "system: Input should be a string or a list", id="system"),
        pytest.param(
            {"tools": [{"name": "a b", "input_schema": {}}]}, "tools.0.name: String should match", id="tool name"
        ),
        pytest.param({"tools": [{"name": "a"}]}, "tools.0.input_schema: Field required", id="tool schema"),
        pytest.param({"tools": [{"type": "web_search"}]}, "tools.0.type: String should match", id="server tool"),
        pytest.param({"tools": [{"type": {}}]}, "tools.0.type: Input should be a valid string", id="no type"),
        pytest.param({"tool_choice": {"type": "some"}}, "tool_choice: Input tag 'some'", id="tool choice"),
        pytest.param(
            {"thinking": {"type": "enabled", "budget_tokens": 10}},
            "thinking.enabled.budget_tokens: Input should be",
            id="budget",
        ),
        pytest.param(
            {"output_config": {"effort": "huge"}}, "output_config.effort: Input should be 'low', ", id="effort"
        ),
        pytest.param({"stop_sequences": "x"}, "stop_sequences: Input should be a valid list", id="stop sequences"),
        pytest.param({"metadata": {"user": "x"}}, "metadata.user: Extra inputs are not permitted", id="metadata"),
        pytest.param({"betas": []}, "betas: Extra inputs are not permitted", id="beta field without its header"),
        pytest.param({"max_token": 5}, "max_token: Extra inputs are not permitted", id="misspelt"),
        pytest.param({"temperature": 1.5}, "temperature: Input should be less than or equal to 1", id="temperature"),
        pytest.param(
            {"cache_control": {"type": "forever"}},
            "cache_control.type: Input should be 'ephemeral'",
            id="cache control",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_path(make_call: Callable[..., Call], change: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem) as caught:
        messages(make_call(GOOD | change))

    assert caught.value.status == 400
    assert says in caught.value.message


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_what_is_required_must_be_there(make_call: Callable[..., Call], name: str) -> None:
    with pytest.raises(Problem, match=f"{name}: Field required"):
        messages(make_call({key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"system": "be brief", "metadata": {"user_id": "u"}, "service_tier": "auto"}, id="texts"),
        pytest.param(
            {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
            id="blocks",
        ),
        pytest.param(
            _user({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}),
            id="text document",
        ),
        pytest.param(
            _user(
                {
                    "type": "document",
                    "title": "t",
                    "source": {"type": "content", "content": [{"type": "text", "text": "x"}]},
                }
            ),
            id="content document",
        ),
        pytest.param(
            _user({"type": "document", "source": {"type": "url", "url": "https://a.example/x.pdf"}}),
            id="pdf by address",
        ),
        pytest.param(
            _user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}),
            id="pdf",
        ),
        pytest.param(_user({"type": "image", "source": {"type": "file", "file_id": "f"}}), id="image by name"),
        pytest.param(
            _user({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}),
            id="search",
        ),
        pytest.param(_user({"type": "text", "text": "a", "new_field": {"x": 1}}), id="a new field in a block"),
        pytest.param(
            {"tools": [{"type": "web_search_20260318", "name": "web_search", "max_uses": 2}]}, id="a server tool"
        ),
        pytest.param(
            {"tools": [{"type": "custom", "name": "a", "input_schema": {"type": "object"}, "strict": True}]},
            id="a strict tool",
        ),
        pytest.param(
            {"tool_choice": {"type": "none"}, "container": "c", "diagnostics": {}, "stop_sequences": ["x"]}, id="others"
        ),
    ],
)
def test_what_the_provider_takes_is_taken(make_call: Callable[..., Call], change: dict[str, Any]) -> None:
    assert messages(make_call(GOOD | change)).status == 200
