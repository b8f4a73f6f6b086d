"""Write turns as Responses input items (table of docs/rooms/dialects.md, Responses form)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from seawall.core.traits import Traits
from seawall.dialects.neutral.conversation import (
    Conversation,
    Document,
    Image,
    Lifetime,
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
from seawall.dialects.responses.item_reader import FORM

_Seen = Text | Image | Document


def write_items(asked: Conversation, traits: Traits, losses: Losses) -> tuple[str, list[dict[str, Any]]]:
    """Write the instructions, where they are one plain text, and the items.

    Several instructions, or such as end a stable prefix, become a message of their own in front of the others.

    Raises:
        Unsupported: a part cannot be carried.
    """
    writer = _Items(traits, losses)
    system, turns = list(asked.system), list(asked.messages)
    if not traits.mid_system:
        for turn in turns:
            if turn.role == "system":
                losses.change("messages.system")
                system += [part for part in turn.parts if isinstance(part, Text)]
        turns = [turn for turn in turns if turn.role != "system"]
    if turns and turns[-1].role == "assistant" and not traits.prefills:
        raise refused("messages", "the model does not continue an answer; end with a turn of the user")
    is_plain = len(system) == 1 and not (system[0].cached and traits.cache_marks)
    if is_plain and system[0].cached:
        losses.drop("cache_control")
    if system and not is_plain:
        writer.say("system", system)
    for turn in turns:
        writer.take(turn)
    return system[0].text if is_plain else "", writer.items


class _Items:
    """The items so far."""

    def __init__(self, traits: Traits, losses: Losses) -> None:
        self.items: list[dict[str, Any]] = []
        self._traits = traits
        self._losses = losses

    def take(self, turn: Message) -> None:
        """Add a turn: what is said in one go is one message, everything else an item of its own."""
        before = len(self.items)
        said: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolCall | ToolResult | Thinking):
                self.say(turn.role, said)
                said = []
                self._item(part)
            else:
                said += [part] if isinstance(part, Refusal) else self._carried(part)
        self.say(turn.role, said)
        if len(self.items) == before:
            self._losses.drop("messages.empty")

    def say(self, role: str, parts: Sequence[Part]) -> None:
        """Add a message, if there is anything to say."""
        kind = "output_text" if role == "assistant" else "input_text"
        content = [self._part(part, kind) for part in parts if not isinstance(part, Text) or part.text]
        if content:
            self.items.append({"type": "message", "role": role, "content": content})

    def _item(self, part: ToolCall | ToolResult | Thinking) -> None:
        if isinstance(part, ToolResult):
            self._result(part)
        elif isinstance(part, Thinking):
            if part.form == FORM:
                self.items.append(part.raw)
            else:  # nobody but the model that had them can read them
                self._losses.drop("thinking")
        else:
            if part.cached:
                self._losses.drop("cache_control")
            name = check_name(part.name, "messages.tool_use.name")
            self.items.append({"type": "function_call", "call_id": part.id, "name": name, "arguments": part.arguments})

    def _result(self, result: ToolResult) -> None:
        """Add a function's output: a string where it is no more than one text."""
        parts = [seen for part in result.parts for seen in self._carried(part)]
        if result.is_error:
            self._losses.change("tool_result.is_error")
            first = parts[0] if parts else None
            if isinstance(first, Text):
                parts[0] = replace(first, text=f"Error: {first.text}")
            else:
                parts.insert(0, Text("Error"))
        if result.cached and parts:
            parts[-1] = replace(parts[-1], cached=parts[-1].cached or result.cached)
        elif result.cached:
            self._losses.drop("cache_control")
        written = [self._part(part, "input_text") for part in parts]
        output: str | list[dict[str, Any]] = written
        if not written:
            output = ""
        elif len(written) == 1 and written[0].keys() == {"type", "text"}:
            output = written[0]["text"]
        self.items.append({"type": "function_call_output", "call_id": result.call_id, "output": output})

    def _carried(self, part: Part) -> list[_Seen]:
        """Turn a document into what can be carried of it."""
        if isinstance(part, Text | Image):
            return [part]
        if not isinstance(part, Document):
            raise TypeError(f"{type(part).__name__} is no content of a message")
        return carried_document(part, self._losses)

    def _part(self, part: Part, kind: str) -> dict[str, Any]:
        """Write a part; `kind` is what a text is called in its place."""
        cached: Lifetime | None = None
        match part:
            case Refusal(text=text):
                return {"type": "refusal", "refusal": text}
            case Text(text=text, cached=cached):
                written: dict[str, Any] = {"type": kind, "text": text}
            case Image(cached=cached):
                written = {"type": "input_image", "image_url": image_url(part), "detail": part.detail or "auto"}
            case Document(cached=cached):
                written = _file(part)
            case _:
                raise TypeError(f"{type(part).__name__} is no content of a message")
        if cached and self._traits.cache_marks and kind == "input_text":
            write_mark(written, cached)
        elif cached:
            self._losses.drop("cache_control")
        return written


def _file(document: Document) -> dict[str, Any]:
    if document.url:
        named = {"filename": document.title} if document.title else {}
        return {"type": "input_file", **named, "file_url": document.url}
    return {"type": "input_file", **file_fields(document)}
