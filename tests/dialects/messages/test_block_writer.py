from typing import Any, Final

import pytest

from seawall.core.error import Unsupported
from seawall.dialects.messages.block_writer import BlockWriter, CacheMarks, marks_wanted
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Image,
    Lifetime,
    Message,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses

PNG: Final = Image("image/png", "iVBO")
PNG_BLOCK: Final = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
THOUGHT: Final = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def _write(part: Part, role: Role) -> tuple[list[dict[str, Any]], list[str]]:  # JSON values
    losses = Losses()
    blocks = BlockWriter(CacheMarks(10, losses), losses).write(Message(role, (part,)), "messages.0")
    return blocks, losses.codes


@pytest.mark.parametrize(
    ("part", "role", "block"),
    [
        pytest.param(Text("t"), "user", {"type": "text", "text": "t"}, id="text"),
        pytest.param(PNG, "user", PNG_BLOCK, id="image"),
        pytest.param(
            Image(url="https://example.com/a.png", detail="auto"),
            "user",
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            id="image by URL",
        ),
        pytest.param(
            Document("application/pdf", "JVBE", title="T", context="C", cited=True),
            "user",
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                "title": "T",
                "context": "C",
                "citations": {"enabled": True},
            },
            id="document",
        ),
        pytest.param(
            Document(text="words"),
            "user",
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
            id="plain text",
        ),
        pytest.param(
            Document(url="u"), "user", {"type": "document", "source": {"type": "url", "url": "u"}}, id="by URL"
        ),
        pytest.param(
            ToolCall("a", "f", '{"x":1}'),
            "assistant",
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            id="call",
        ),
        pytest.param(
            ToolCall("a", "f", ""),
            "assistant",
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            id="no input",
        ),
        pytest.param(ToolResult("a", ()), "user", {"type": "tool_result", "tool_use_id": "a"}, id="empty result"),
        pytest.param(
            ToolResult("a", (Text(""), Text("1"), PNG, Document(url="u")), is_error=True),
            "user",
            {
                "type": "tool_result",
                "tool_use_id": "a",
                "content": [
                    {"type": "text", "text": "1"},
                    PNG_BLOCK,
                    {"type": "document", "source": {"type": "url", "url": "u"}},
                ],
                "is_error": True,
            },
            id="result",
        ),
        pytest.param(Thinking("messages", THOUGHT), "assistant", THOUGHT, id="a thought of its own"),
    ],
)
def test_each_part_is_a_block(part: Part, role: Role, block: dict[str, Any]) -> None:
    assert _write(part, role) == ([block], [])


@pytest.mark.parametrize(
    ("part", "role", "blocks", "codes"),
    [
        pytest.param(Text(""), "user", [], [], id="an empty text is nothing"),
        pytest.param(Text(" \n"), "user", [], ["dropped.blank_text"], id="a blank text"),
        pytest.param(Document(text=" "), "user", [], ["dropped.blank_text"], id="a blank document"),
        pytest.param(
            Image("image/png", "iVBO", detail="high"), "user", [PNG_BLOCK], ["dropped.image.detail"], id="detail"
        ),
        pytest.param(
            Document("text/markdown", text="# a"),
            "user",
            [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "# a"}}],
            ["changed.document.media_type"],
            id="markdown",
        ),
        pytest.param(
            Refusal("no"), "assistant", [{"type": "text", "text": "no"}], ["changed.refusal"], id="an earlier refusal"
        ),
        pytest.param(
            Thinking("responses", {"type": "reasoning", "summary": "hm"}),
            "assistant",
            [],
            ["dropped.thinking"],
            id="a thought of another model is never turned into text",
        ),
    ],
)
def test_what_changes_is_noted(part: Part, role: Role, blocks: list[dict[str, Any]], codes: list[str]) -> None:
    assert _write(part, role) == (blocks, codes)


@pytest.mark.parametrize(
    ("part", "role", "path"),
    [
        pytest.param(PNG, "assistant", "", id="a picture by the assistant"),
        pytest.param(ToolResult("a", ()), "assistant", "", id="a result by the assistant"),
        pytest.param(ToolCall("a", "f", ""), "user", "", id="a call by the user"),
        pytest.param(Refusal("no"), "user", "", id="a refusal by the user"),
        pytest.param(Image("image/bmp", "Qk0="), "user", "", id="a bitmap"),
        pytest.param(Image(), "user", "", id="a picture of nothing"),
        pytest.param(Document("application/zip", "UEsD"), "user", "", id="an archive"),
        pytest.param(ToolResult("a", (Text("1"), Image())), "user", "content.1", id="a result of nothing"),
        pytest.param(ToolCall("a", "f.g", ""), "assistant", "name", id="a name with a dot"),
        pytest.param(ToolCall("a", "f" * 65, ""), "assistant", "name", id="a long name"),
        pytest.param(ToolCall("a", "f", "{"), "assistant", "arguments", id="arguments that are no JSON"),
        pytest.param(ToolCall("a" * 200, "f", "[]"), "assistant", "arguments", id="arguments that are a list"),
    ],
)
def test_what_cannot_be_carried_is_refused(part: Part, role: Role, path: str) -> None:
    with pytest.raises(Unsupported) as refusal:
        _write(part, role)

    assert refusal.value.param == f"messages.0.content.0.{path}".rstrip(".")


def test_an_id_of_other_letters_is_the_same_in_call_and_result() -> None:
    (call,), _ = _write(ToolCall("call:ä/1", "f", ""), "assistant")
    (result,), _ = _write(ToolResult("call:ä/1", ()), "user")

    assert call["id"] == result["tool_use_id"]
    assert call["id"].removeprefix("call_").isalnum()


@pytest.mark.parametrize(
    ("wanted", "marked", "codes"),
    [
        pytest.param(["short", None, "short"], ["5m", "", "5m"], [], id="as they were"),
        pytest.param(["long", "short"], ["1h", "5m"], [], id="longer ones first"),
        pytest.param(["short", "long"], ["5m", "5m"], ["changed.cache_control"], id="a longer one after a shorter"),
        pytest.param(["long"] * 6, ["", "", "1h", "1h", "1h", "1h"], ["dropped.cache_control"], id="the last four"),
    ],
)
def test_marks_are_few_and_in_order(wanted: list[Lifetime | None], marked: list[str], codes: list[str]) -> None:
    losses = Losses()
    marks = CacheMarks(sum(lifetime is not None for lifetime in wanted), losses)

    controls = [marks.put({}, lifetime).get("cache_control") for lifetime in wanted]

    assert [(control and control.get("ttl", "5m")) or "" for control in controls] == marked
    assert losses.codes == codes


def test_every_mark_is_counted() -> None:
    turn = Message("user", (ToolResult("a", (Text("1", "short"),), cached="long"), Text("x"), Text("y", "short")))
    asked = Conversation((turn,), system=(Text("s", "long"), Text("t")))

    assert marks_wanted(asked, [Tool("f", cached="long"), Tool("g")], [turn]) == 5
