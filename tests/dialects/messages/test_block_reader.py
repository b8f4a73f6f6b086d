from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.messages.block_reader import read_content
from seawall.dialects.neutral.conversation import (
    Document,
    Image,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "AAAA"}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBO"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
PLAIN = {"type": "text", "media_type": "text/plain", "data": "words"}
FOUND = {"type": "search_result", "title": "T", "source": "S", "content": [{"type": "text", "text": "words"}]}


def _read(block: Any, role: Role = "user") -> tuple[tuple[Part, ...], list[str]]:  # any JSON value
    losses = Losses()
    return read_content([block], role, "messages.0.content", losses), losses.codes


@pytest.mark.parametrize(
    ("block", "role", "part"),
    [
        pytest.param({"type": "text", "text": "t"}, "user", Text("t"), id="text"),
        pytest.param({"type": "text", "text": "t", "cache_control": SHORT}, "user", Text("t", "short"), id="marked"),
        pytest.param({"type": "text", "text": "t", "cache_control": LONG}, "system", Text("t", "long"), id="for long"),
        pytest.param({"type": "image", "source": PNG}, "user", Image("image/png", "iVBO"), id="image"),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "u"}}, "user", Image(url="u"), id="image by URL"
        ),
        pytest.param(
            {"type": "document", "source": PDF, "title": "T", "context": "C", "citations": {"enabled": True}},
            "user",
            Document("application/pdf", "JVBE", title="T", context="C", cited=True),
            id="document",
        ),
        pytest.param(
            {"type": "document", "source": PLAIN, "title": None}, "user", Document("text/plain", text="words"), id="txt"
        ),
        pytest.param(
            {"type": "document", "source": {"type": "url", "url": "u"}}, "user", Document(url="u"), id="document by URL"
        ),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": "words"}},
            "user",
            Document("text/plain", text="words"),
            id="document of one content",
        ),
        pytest.param(
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": "ö"}, "caller": {"type": "direct"}},
            "assistant",
            ToolCall("a", "f", '{"x":"ö"}'),
            id="call",
        ),
        pytest.param({"type": "tool_result", "tool_use_id": "a"}, "user", ToolResult("a", ()), id="empty result"),
        pytest.param(
            {"type": "tool_result", "tool_use_id": "a", "content": ""}, "user", ToolResult("a", ()), id="blank result"
        ),
        pytest.param(
            {"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": True, "cache_control": SHORT},
            "user",
            ToolResult("a", (Text("1"),), is_error=True, cached="short"),
            id="failed result",
        ),
        pytest.param(
            {
                "type": "tool_result",
                "tool_use_id": "a",
                "content": [{"type": "text", "text": ""}, {"type": "image", "source": PNG}],
            },
            "user",
            ToolResult("a", (Image("image/png", "iVBO"),)),
            id="result with a picture",
        ),
        pytest.param(THOUGHT, "assistant", Thinking("messages", THOUGHT), id="thought"),
        pytest.param(HIDDEN, "assistant", Thinking("messages", HIDDEN), id="hidden thought"),
    ],
)
def test_each_block_is_a_part(block: dict[str, Any], role: Role, part: Part) -> None:
    assert _read(block, role) == ((part,), [])


def test_a_text_alone_is_one_part() -> None:
    assert read_content("t", "user", "messages.0.content", Losses()) == (Text("t"),)


@pytest.mark.parametrize(
    ("block", "part", "codes"),
    [
        pytest.param(
            {"type": "text", "text": "t", "citations": [{}]}, Text("t"), ["dropped.citations"], id="citations"
        ),
        pytest.param(
            {"type": "image", "source": PNG, "transformations": {"oversized_image": "error"}},
            Image("image/png", "iVBO"),
            ["dropped.transformations"],
            id="transformations",
        ),
        pytest.param(FOUND, Text("T\nS\n\nwords"), ["changed.search_result"], id="a search result"),
        pytest.param(
            FOUND | {"citations": {"enabled": True}},
            Text("T\nS\n\nwords"),
            ["changed.search_result", "dropped.citations"],
            id="a search result to be cited",
        ),
        pytest.param(
            {
                "type": "document",
                "source": {
                    "type": "content",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                },
            },
            Document("text/plain", text="a\n\nb"),
            ["changed.document.content"],
            id="a document cut by its sender",
        ),
    ],
)
def test_what_changes_is_noted(block: dict[str, Any], part: Part, codes: list[str]) -> None:
    assert _read(block) == ((part,), codes)


@pytest.mark.parametrize(
    ("block", "role", "path"),
    [
        pytest.param({"type": "image", "source": {"type": "file", "file_id": "f"}}, "user", "source", id="a file"),
        pytest.param({"type": "document", "source": {"type": "file"}}, "user", "source", id="a document's file"),
        pytest.param({"type": "document", "source": PDF}, "assistant", "", id="a document of the assistant's"),
        pytest.param({"type": "server_tool_use"}, "assistant", "", id="a server's call"),
        pytest.param({"type": "web_search_tool_result"}, "assistant", "", id="a server's result"),
        pytest.param(
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_reference"}]},
            "user",
            "content.0",
            id="a tool's reference",
        ),
        pytest.param(
            {"type": "tool_use", "id": "a", "name": "f", "input": {}, "caller": {"type": "code_execution_20260521"}},
            "assistant",
            "caller",
            id="a call by code",
        ),
        pytest.param(
            {"type": "tool_use", "id": "a", "name": "f", "input": {}, "toolset_name": "t"},
            "assistant",
            "toolset_name",
            id="a call of a toolset",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": [{"type": "image"}]}},
            "user",
            "source.content.0",
            id="a picture in a document",
        ),
    ],
)
def test_what_others_cannot_know_is_refused(block: dict[str, Any], role: Role, path: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        _read(block, role)

    assert refusal.value.param == f"messages.0.content.0.{path}".rstrip(".")


@pytest.mark.parametrize(
    ("block", "role", "path"),
    [
        pytest.param("text", "user", "", id="no object"),
        pytest.param({}, "user", "type", id="no type"),
        pytest.param({"type": ["text"]}, "user", "type", id="a list as type"),
        pytest.param({"type": "input_text", "text": "t"}, "user", "type", id="a type of others"),
        pytest.param({"type": "tool_use"}, "user", "type", id="a call by the user"),
        pytest.param({"type": "image", "source": PNG}, "assistant", "type", id="a picture by the assistant"),
        pytest.param({"type": "text", "text": ""}, "user", "text", id="an empty text"),
        pytest.param({"type": "text", "text": 3}, "user", "text", id="a number as text"),
        pytest.param({"type": "text", "text": "t", "cache_control": 3}, "user", "cache_control", id="mark"),
        pytest.param(
            {"type": "text", "text": "t", "cache_control": {"type": "x"}}, "user", "cache_control.type", id="mark type"
        ),
        pytest.param(
            {"type": "text", "text": "t", "cache_control": SHORT | {"ttl": "2h"}}, "user", "cache_control.ttl", id="ttl"
        ),
        pytest.param({"type": "image"}, "user", "source", id="no source"),
        pytest.param(
            {"type": "image", "source": PNG | {"media_type": "image/bmp"}}, "user", "source.media_type", id="a bitmap"
        ),
        pytest.param({"type": "image", "source": {"type": "x"}}, "user", "source.type", id="source type"),
        pytest.param({"type": "image", "source": {"type": "url"}}, "user", "source.url", id="no URL"),
        pytest.param({"type": "document", "source": PDF, "title": 3}, "user", "title", id="title"),
        pytest.param({"type": "document", "source": PDF, "citations": 3}, "user", "citations", id="citations"),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": []}},
            "user",
            "source.content",
            id="no content",
        ),
        pytest.param(FOUND | {"source": None}, "user", "source", id="a search result without a source"),
        pytest.param(
            {"type": "tool_use", "id": "a", "name": "f", "input": "{}"}, "assistant", "input", id="input as text"
        ),
        pytest.param({"type": "tool_use", "id": "", "name": "f", "input": {}}, "assistant", "id", id="no id"),
        pytest.param({"type": "tool_result"}, "user", "tool_use_id", id="a result of nothing"),
        pytest.param(
            {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_use"}]},
            "user",
            "content.0.type",
            id="a call as result",
        ),
        pytest.param({"type": "thinking", "thinking": "hm"}, "assistant", "signature", id="an unsigned thought"),
        pytest.param({"type": "redacted_thinking"}, "assistant", "data", id="a thought of nothing"),
    ],
)
def test_a_bad_block_is_named_by_its_path(block: Any, role: Role, path: str) -> None:  # any JSON value
    with pytest.raises(BadRequest) as refusal:
        _read(block, role)

    assert (refusal.value.code, refusal.value.param) == (
        "request.invalid",
        f"messages.0.content.0.{path}".rstrip("."),
    )
