from typing import Any

import pytest

from seawall.core.error import Unsupported
from seawall.core.traits import UNKNOWN_TRAITS, Traits
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Image,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.responses.item_writer import write_items
from tests.dialects.responses.conftest import TRAITS

PDF = Document("application/pdf", "JVBERi0=")


def _items(role: Any, *parts: Part, traits: Traits = TRAITS) -> tuple[list[dict[str, Any]], list[str]]:
    losses = Losses()
    return write_items(Conversation((Message(role, parts),)), traits, losses)[1], losses.codes


def _content(*parts: Part, traits: Traits = TRAITS) -> tuple[Any, list[str]]:
    (item,), codes = _items("user", *parts, traits=traits)
    return item["content"], codes


def test_an_assistants_turn_becomes_items_in_their_order() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    items, codes = _items(
        "assistant",
        Thinking("responses", thought),
        Text("I look."),
        Refusal("No."),
        ToolCall("a", "f", "{}"),
        Text("!"),
    )

    assert items == [
        thought,
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look."}, {"type": "refusal", "refusal": "No."}],
        },
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "!"}]},
    ]
    assert codes == []


def test_thoughts_of_another_model_are_left_out_and_never_become_text() -> None:
    items, codes = _items("assistant", Thinking("messages", {"thinking": "secret"}), Text("Hi"))

    assert "secret" not in str(items)
    assert codes == ["dropped.thinking"]


def test_a_turn_of_which_nothing_is_left_is_noted() -> None:
    assert _items("assistant", Thinking("messages", {})) == ([], ["dropped.thinking", "dropped.messages.empty"])


@pytest.mark.parametrize(
    ("result", "output", "codes"),
    [
        pytest.param(ToolResult("a", ()), "", [], id="nothing"),
        pytest.param(ToolResult("a", (Text("1"),)), "1", [], id="a text"),
        pytest.param(
            ToolResult("a", (Text("1"), Image("image/png", "AAAA"))),
            [
                {"type": "input_text", "text": "1"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            ],
            [],
            id="an image",
        ),
        pytest.param(
            ToolResult("a", (Text("1"),), is_error=True), "Error: 1", ["changed.tool_result.is_error"], id="an error"
        ),
        pytest.param(
            ToolResult("a", (), is_error=True), "Error", ["changed.tool_result.is_error"], id="an error without a word"
        ),
        pytest.param(
            ToolResult("a", (Text("1"),), cached="long"),
            [
                {
                    "type": "input_text",
                    "text": "1",
                    "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"},
                }
            ],
            [],
            id="a mark",
        ),
        pytest.param(ToolResult("a", (), cached="short"), "", ["dropped.cache_control"], id="a mark on nothing"),
    ],
)
def test_a_result_is_an_item_of_its_own(result: ToolResult, output: Any, codes: list[str]) -> None:
    items, found = _items("user", result, Text("so?"))

    assert items[0] == {"type": "function_call_output", "call_id": "a", "output": output}
    assert items[1]["role"] == "user"
    assert found == codes


@pytest.mark.parametrize(
    ("part", "written", "codes"),
    [
        pytest.param(
            Image(url="https://x.test/", detail="high"),
            [{"type": "input_image", "image_url": "https://x.test/", "detail": "high"}],
            [],
            id="image",
        ),
        pytest.param(
            PDF,
            [
                {
                    "type": "input_file",
                    "filename": "document.pdf",
                    "file_data": "data:application/pdf;base64,JVBERi0=",
                }
            ],
            [],
            id="pdf",
        ),
        pytest.param(
            Document(url="https://x.test/a", cited=True),
            [{"type": "input_file", "file_url": "https://x.test/a"}],
            ["dropped.citations"],
            id="a document by its address",
        ),
        pytest.param(
            Document(url="https://x.test/a", context="Old."),
            [{"type": "input_text", "text": "Old."}, {"type": "input_file", "file_url": "https://x.test/a"}],
            ["changed.document"],
            id="a document with a context",
        ),
        pytest.param(
            Document("text/plain", text="Once.", title="Tale"),
            [{"type": "input_text", "text": "Document: Tale\n\nOnce."}],
            ["changed.document"],
            id="plain text",
        ),
    ],
)
def test_what_the_model_is_shown_is_written(part: Part, written: Any, codes: list[str]) -> None:
    assert _content(part) == (written, codes)


def test_a_mark_is_written_only_for_models_that_take_it() -> None:
    marked = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}

    assert _content(Text("a", "short")) == ([marked], [])
    assert _content(Text("a", "short"), traits=UNKNOWN_TRAITS) == (
        [{"type": "input_text", "text": "a"}],
        ["dropped.cache_control"],
    )


def test_marks_of_the_instructions_and_of_calls_follow_the_same_rule() -> None:
    asked = Conversation((Message("user", (Text("hi"),)),), (Text("A", "long"),))
    losses = Losses()

    assert write_items(asked, UNKNOWN_TRAITS, losses)[0] == "A"
    assert losses.codes == ["dropped.cache_control"]
    assert write_items(asked, TRAITS, Losses())[0] == ""
    assert _items("assistant", ToolCall("a", "f", "{}", "short"))[1] == ["dropped.cache_control"]


def test_instructions_between_the_turns_are_hoisted_where_the_model_takes_none_there() -> None:
    asked = Conversation((Message("user", (Text("hi"),)), Message("system", (Text("S"),))))
    losses = Losses()
    instructions, items = write_items(asked, UNKNOWN_TRAITS, losses)

    assert (instructions, len(items)) == ("S", 1)
    assert losses.codes == ["changed.messages.system"]


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(Unsupported) as caught:
        _content(Document("text/csv", "AAAA"))

    assert caught.value.param == "document.source.media_type"


@pytest.mark.parametrize("part", [ToolCall("a", "a b", "{}")])
def test_a_name_that_the_api_does_not_take_is_refused(part: ToolCall) -> None:
    with pytest.raises(Unsupported):
        _items("assistant", part)
