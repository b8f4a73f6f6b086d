"""Write turns as Chat Completions messages (table of docs/rooms/dialects.md, Chat form)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

from seawall.core.traits import Traits
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
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_part import carried_document, file_fields, image_url, write_mark
from seawall.dialects.openai_tool import check_name

_FOLLOWS: Final = "[This part of the result follows in the next message.]"

_Seen = Text | Image | Document


def write_messages(asked: Conversation, traits: Traits, losses: Losses) -> list[dict[str, Any]]:
    """Write the instructions and the turns.

    Raises:
        Unsupported: a part cannot be carried.
    """
    writer = _Messages(traits, losses)
    system, turns = list(asked.system), _with_results_first(asked.messages)
    if not traits.mid_system:
        for turn in turns:
            if turn.role == "system":
                losses.change("system")
                system += _texts(turn)
        turns = [turn for turn in turns if turn.role != "system"]
    if turns and turns[-1].role == "assistant" and not traits.prefills:
        raise refused("messages", "the model does not continue an answer; end with a turn of the user")
    writer.instruct(system)
    for turn in turns:
        if turn.role == "assistant":
            writer.answer(turn.parts)
        elif turn.role == "user":
            writer.ask(turn.parts)
        else:
            writer.instruct(_texts(turn))
    return writer.messages


def _texts(turn: Message) -> list[Text]:
    texts = [part for part in turn.parts if isinstance(part, Text)]
    if len(texts) < len(turn.parts):
        raise refused("messages", "instructions are taken as text only")
    return texts


def _with_results_first(turns: Sequence[Message]) -> list[Message]:
    """Join a user's turn that has results to the user's turn before it: nothing may stand between a call and them."""
    joined: list[Message] = []
    for turn in turns:
        if (
            joined
            and turn.role == joined[-1].role == "user"
            and any(isinstance(part, ToolResult) for part in turn.parts)
        ):
            joined[-1] = Message("user", (*joined[-1].parts, *turn.parts))
        else:
            joined.append(turn)
    return joined


class _Messages:
    """The messages so far."""

    def __init__(self, traits: Traits, losses: Losses) -> None:
        self.messages: list[dict[str, Any]] = []
        self._traits = traits
        self._losses = losses

    def instruct(self, texts: Sequence[Text]) -> None:
        """Add instructions, if there are any."""
        if texts:
            self.messages.append({"role": "system", "content": self._content(texts)})

    def ask(self, parts: Sequence[Part]) -> None:
        """Add a user's turn: every result first, as a message of its own, then what else the user says."""
        said: list[_Seen] = []
        for part in parts:
            if isinstance(part, ToolResult):
                said += self._result(part)
        for part in parts:
            if isinstance(part, _Seen):
                said += self._carried(part)
            elif not isinstance(part, ToolResult):
                raise refused("messages", "calls, thoughts and refusals are taken in the assistant's turns only")
        if said:
            self.messages.append({"role": "user", "content": self._content(said)})

    def answer(self, parts: Sequence[Part]) -> None:
        """Add an assistant's turn; thoughts are left out, since nobody but their own model can read them."""
        words: list[Text | Refusal] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            if isinstance(part, Text | Refusal):
                if calls:
                    self._losses.change("messages.order")
                words.append(part)
            elif isinstance(part, ToolCall):
                calls.append(self._call(part))
            elif isinstance(part, Thinking):
                self._losses.drop("thinking")
            else:
                raise refused("messages", "pictures, documents and results are taken in the user's turns only")
        if not words and not calls:
            self._losses.drop("empty_message")
            return
        message: dict[str, Any] = {"role": "assistant", "content": self._content(words) if words else None}
        if calls:
            message["tool_calls"] = calls
        self.messages.append(message)

    def _call(self, call: ToolCall) -> dict[str, Any]:
        if call.cached:
            self._losses.drop("cache_control")
        name = check_name(call.name, "messages.tool_use.name")
        return {"id": call.id, "type": "function", "function": {"name": name, "arguments": call.arguments}}

    def _result(self, result: ToolResult) -> list[_Seen]:
        """Add a result's message, which takes text only, and give what has to follow in a user's message."""
        texts: list[Text] = []
        moved: list[_Seen] = []
        for part in result.parts:
            for seen in self._carried(part):
                if isinstance(seen, Text):
                    texts.append(seen)
                    continue
                self._losses.change("tool_result.content")
                texts.append(Text(_FOLLOWS))
                moved += (Text(f"[From the result of the tool call {result.call_id}:]"), seen)
        if result.is_error:
            self._losses.change("tool_result.is_error")
            first = texts[0] if texts else Text("")
            texts[:1] = [replace(first, text=f"Error: {first.text}")]
        if result.cached:
            if texts:
                texts[-1] = replace(texts[-1], cached=texts[-1].cached or result.cached)
            else:
                self._losses.drop("cache_control")
        self.messages.append({"role": "tool", "tool_call_id": result.call_id, "content": self._content(texts)})
        return moved

    def _carried(self, part: _Seen) -> list[_Seen]:
        """Turn a document into what can be carried of it."""
        if not isinstance(part, Document):
            return [part]
        if part.url:
            raise refused("document.source.url", "a document by its address is not translated; send its data")
        return carried_document(part, self._losses)

    def _content(self, parts: Sequence[_Seen | Refusal]) -> str | list[dict[str, Any]]:
        """Write a content: a string where it is no more than one text, which is what every server takes."""
        if not parts:
            return ""
        written = [self._part(part) for part in parts]
        return written[0]["text"] if len(written) == 1 and written[0].keys() == {"type", "text"} else written

    def _part(self, part: _Seen | Refusal) -> dict[str, Any]:
        match part:
            case Refusal(text=text):
                return {"type": "refusal", "refusal": text}
            case Text(text=text):
                written: dict[str, Any] = {"type": "text", "text": text}
            case Image():
                written = {"type": "image_url", "image_url": {"url": image_url(part)}}
                if part.detail:
                    written["image_url"]["detail"] = part.detail
            case Document():
                written = {"type": "file", "file": file_fields(part)}
            case _:
                assert_never(part)
        if part.cached and self._traits.cache_marks:
            write_mark(written, part.cached)
        elif part.cached:
            self._losses.drop("cache_control")
        return written
