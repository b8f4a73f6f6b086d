import pytest

from seawall.core.error import Unsupported
from seawall.core.traits import Traits
from seawall.dialects.chat.message_writer import write_messages
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
from seawall.sandbox.problem import Json

TRAITS = Traits(mid_system=True, cache_marks=True)
PDF = "JVBERi0xLjc="
IMAGE = Image("image/png", "QUJD")
WRITTEN_IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
HI = Message("user", (Text("Hi"),))
WRITTEN_HI = {"role": "user", "content": "Hi"}
CALLS = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))
FOLLOWS = {"type": "text", "text": "[This part of the result follows in the next message.]"}


def _mark(ttl: str) -> Json:
    return {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}


def _write(*turns: Message, traits: Traits = TRAITS, system: tuple[Text, ...] = ()) -> tuple[list[Json], list[str]]:
    losses = Losses()
    return write_messages(Conversation(turns, system), traits, losses), losses.codes


def _user(*parts: Part) -> Message:
    return Message("user", parts)


@pytest.mark.parametrize(
    ("turn", "written"),
    [
        pytest.param(
            _user(Text("a"), Text("b")), [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], id="texts"
        ),
        pytest.param(
            _user(Text("a", "short"), Text("b", "long")),
            [{"type": "text", "text": "a", **_mark("30m")}, {"type": "text", "text": "b", **_mark("12h")}],
            id="cache marks",
        ),
        pytest.param(_user(IMAGE), [WRITTEN_IMAGE], id="an image with its data"),
        pytest.param(
            _user(Image(url="https://example.com/a.png", detail="low")),
            [{"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}],
            id="an image by its address",
        ),
        pytest.param(
            _user(Document("application/pdf", PDF, title="Report")),
            [
                {
                    "type": "file",
                    "file": {"filename": "Report.pdf", "file_data": f"data:application/pdf;base64,{PDF}"},
                }
            ],
            id="a PDF",
        ),
    ],
)
def test_a_users_turn_is_carried(turn: Message, written: list[Json]) -> None:
    assert _write(turn) == ([{"role": "user", "content": written}], [])


def test_instructions_come_first_and_in_one_message() -> None:
    messages, codes = _write(HI, system=(Text("A"), Text("B", "long")))

    assert messages == [
        {
            "role": "system",
            "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B", **_mark("12h")}],
        },
        WRITTEN_HI,
    ]
    assert codes == []


def test_later_instructions_keep_their_place_where_the_model_takes_them_there() -> None:
    messages, codes = _write(HI, Message("system", (Text("Later."),)))

    assert messages == [WRITTEN_HI, {"role": "system", "content": "Later."}]
    assert codes == []


def test_later_instructions_go_to_the_front_where_it_does_not() -> None:
    later = Message("system", (Text("Later."),))

    messages, codes = _write(HI, later, HI, traits=Traits(), system=(Text("First."),))

    content = [{"type": "text", "text": "First."}, {"type": "text", "text": "Later."}]
    assert messages == [{"role": "system", "content": content}, WRITTEN_HI, WRITTEN_HI]
    assert codes == ["changed.system"]


def test_results_are_messages_of_their_own_before_what_the_user_says() -> None:
    turn = _user(ToolResult("a", (Text("1"),)), ToolResult("b", ()), Text("Go on."))

    messages, codes = _write(HI, CALLS, turn)

    assert messages[1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {"role": "user", "content": "Go on."},
    ]
    assert codes == []


def test_results_in_several_turns_still_come_before_what_the_user_says() -> None:
    messages, _ = _write(CALLS, _user(ToolResult("a", ()), Text("Go on.")), _user(ToolResult("b", ())))

    assert [message["role"] for message in messages] == ["assistant", "tool", "tool", "user"]


def test_an_image_in_a_result_follows_in_a_users_message() -> None:
    messages, codes = _write(CALLS, _user(ToolResult("a", (Text("See:"), IMAGE)), ToolResult("b", ()), Text("Go on.")))

    assert messages[1:] == [
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "See:"}, FOLLOWS]},
        {"role": "tool", "tool_call_id": "b", "content": ""},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "[From the result of the tool call a:]"},
                WRITTEN_IMAGE,
                {"type": "text", "text": "Go on."},
            ],
        },
    ]
    assert codes == ["changed.tool_result.content"]


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        pytest.param((Text("no such file"),), "Error: no such file", id="with a text"),
        pytest.param((), "Error: ", id="without one"),
    ],
)
def test_a_failed_call_is_said_to_have_failed(parts: tuple[Text, ...], content: str) -> None:
    messages, codes = _write(CALLS, _user(ToolResult("a", parts, is_error=True), ToolResult("b", ())))

    assert messages[1] == {"role": "tool", "tool_call_id": "a", "content": content}
    assert codes == ["changed.tool_result.is_error"]


def test_the_mark_of_a_result_stands_on_its_last_text() -> None:
    result = ToolResult("a", (Text("1"), Text("2")), cached="long")

    messages, codes = _write(CALLS, _user(result, ToolResult("b", ())))

    assert messages[1]["content"] == [{"type": "text", "text": "1"}, {"type": "text", "text": "2", **_mark("12h")}]
    assert codes == []


@pytest.mark.parametrize(
    ("turn", "traits"),
    [
        pytest.param(_user(Text("Hi", "short")), Traits(), id="a model without marks"),
        pytest.param(_user(ToolResult("a", (), cached="short")), TRAITS, id="a result without text"),
        pytest.param(Message("assistant", (ToolCall("a", "f", "{}", "short"),)), TRAITS, id="a call"),
    ],
)
def test_a_cache_mark_that_has_no_place_is_left_out_and_noted(turn: Message, traits: Traits) -> None:
    messages, codes = _write(turn, traits=traits)

    assert "prompt_cache_breakpoint" not in str(messages)
    assert codes == ["dropped.cache_control"]


@pytest.mark.parametrize(
    ("document", "content"),
    [
        pytest.param(Document("text/plain", text="words"), "words", id="a text"),
        pytest.param(
            Document("text/plain", text="words", title="Title", context="From 1999."),
            "Document: Title\nFrom 1999.\n\nwords",
            id="a text with title and context",
        ),
    ],
)
def test_a_text_document_becomes_text(document: Document, content: str) -> None:
    assert _write(_user(document)) == ([{"role": "user", "content": content}], ["changed.document"])


def test_what_is_said_of_a_pdf_stands_before_it() -> None:
    messages, codes = _write(_user(Document("application/pdf", PDF, title="a.PDF", context="From 1999.")))

    assert messages[0]["content"] == [
        {"type": "text", "text": "Document: a.PDF\nFrom 1999."},
        {"type": "file", "file": {"filename": "a.PDF", "file_data": f"data:application/pdf;base64,{PDF}"}},
    ]
    assert codes == ["changed.document"]


def test_citations_are_left_out_and_noted() -> None:
    _, codes = _write(_user(Document("application/pdf", PDF, cited=True)))

    assert codes == ["dropped.citations"]


def test_an_assistants_words_and_refusals_keep_their_order() -> None:
    messages, codes = _write(Message("assistant", (Text("Well."), Refusal("No."))))

    content = [{"type": "text", "text": "Well."}, {"type": "refusal", "refusal": "No."}]
    assert messages == [{"role": "assistant", "content": content}]
    assert codes == []


def test_text_after_a_call_moves_before_it_and_is_noted() -> None:
    messages, codes = _write(Message("assistant", (ToolCall("a", "f", "{}"), Text("Calling."))))

    assert (messages[0]["content"], len(messages[0]["tool_calls"])) == ("Calling.", 1)
    assert codes == ["changed.messages.order"]


def test_thoughts_are_never_turned_into_text() -> None:
    thought = Thinking("messages", {"type": "thinking", "thinking": "secret", "signature": "s"})

    messages, codes = _write(HI, Message("assistant", (thought, Text("Hello"))), Message("assistant", (thought,)))

    assert messages == [WRITTEN_HI, {"role": "assistant", "content": "Hello"}]
    assert codes == ["dropped.thinking", "dropped.empty_message"]


@pytest.mark.parametrize(
    ("turn", "param"),
    [
        pytest.param(_user(Document("application/pdf", url="https://a")), "document.source.url", id="an address"),
        pytest.param(_user(Document("a/b", "QUJD")), "document.source.media_type", id="another kind of document"),
        pytest.param(
            Message("assistant", (ToolCall("a", "f.g", "{}"),)), "messages.tool_use.name", id="a name with a dot"
        ),
        pytest.param(Message("assistant", (IMAGE,)), "messages", id="an assistant's image"),
        pytest.param(_user(Refusal("No.")), "messages", id="a user's refusal"),
        pytest.param(Message("system", (IMAGE,)), "messages", id="an image as an instruction"),
    ],
)
def test_what_cannot_be_carried_is_refused(turn: Message, param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        _write(turn)

    assert (caught.value.param, caught.value.code) == (param, "translation.refused")


def test_an_answer_to_be_continued_is_refused_where_the_model_does_not() -> None:
    turn = Message("assistant", (Text("It is"),))

    assert _write(HI, turn)[1] == []
    with pytest.raises(Unsupported, match="does not continue an answer"):
        _write(HI, turn, traits=Traits(prefills=False))
