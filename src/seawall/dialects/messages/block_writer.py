"""Write the content blocks of a Messages request."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

import orjson

from seawall.core.record import MAX_TEXT
from seawall.dialects.messages.block_reader import FORM, IMAGE_TYPES, PDF, PLAIN
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
    Tool,
    ToolCall,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses, refused

MAX_MARKS: Final = 4
_CALL_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class CacheMarks:
    """Hand out the few marks that a request may have: the last ones, since each covers everything before it.

    Marks are asked for in the order of the request: tools, system, messages. A longer lifetime cannot come after a
    shorter one.
    """

    __slots__ = ("_left", "_losses", "_was_short")

    def __init__(self, wanted: int, losses: Losses) -> None:
        self._left = wanted
        self._losses = losses
        self._was_short = False

    def put(self, holder: dict[str, Any], lifetime: Lifetime | None) -> dict[str, Any]:
        """Mark a block or a tool, where it wants to be and may be, and give it back."""
        if lifetime is None:
            return holder
        self._left -= 1
        if self._left >= MAX_MARKS:
            self._losses.drop("cache_control")
            return holder
        if lifetime == "long" and self._was_short:
            self._losses.change("cache_control")
            lifetime = "short"
        self._was_short |= lifetime == "short"
        holder["cache_control"] = {"type": "ephemeral"} | ({"ttl": "1h"} if lifetime == "long" else {})
        return holder


def marks_wanted(asked: Conversation, tools: Iterable[Tool], messages: Iterable[Message]) -> int:
    """Count the marks that a request asks for."""
    parts: list[Part | Tool] = [*tools, *asked.system]
    for message in messages:
        for part in message.parts:
            parts += [*part.parts, part] if isinstance(part, ToolResult) else [part]
    return sum(getattr(part, "cached", None) is not None for part in parts)


def write_text(text: Text, marks: CacheMarks) -> dict[str, Any]:
    """Write a text block."""
    return marks.put({"type": "text", "text": text.text}, text.cached)


def write_tool_name(name: str, path: str) -> str:
    """Take a tool's name as the endpoint takes it.

    Raises:
        Unsupported: it is longer than 64 characters, or has others than letters, digits, _ and -.
    """
    if not _TOOL_NAME.fullmatch(name):
        raise refused(path, "the target takes names of 1 to 64 letters, digits, _ and -; rename the tool")
    return name


class BlockWriter:
    """Write the parts of a conversation's turns, with the request's marks and losses at hand."""

    __slots__ = ("_losses", "_marks")

    def __init__(self, marks: CacheMarks, losses: Losses) -> None:
        self._marks = marks
        self._losses = losses

    def write(self, message: Message, path: str) -> list[dict[str, Any]]:
        """Write a turn's blocks; none where nothing is left of it.

        Raises:
            Unsupported: a part cannot be carried in a turn of this role.
        """
        blocks = [self._part(part, message, f"{path}.content.{number}") for number, part in enumerate(message.parts)]
        return [block for block in blocks if block is not None]

    def _part(self, part: Part, message: Message, path: str) -> dict[str, Any] | None:
        match part:
            case Text():
                return self._text(part)
            case Image() | Document() | ToolResult() if message.role != "user":
                raise refused(path, "the target takes pictures, documents and results in the user's turns only")
            case Image():
                return self._image(part, path)
            case Document():
                return self._document(part, path)
            case ToolResult():
                return self._result(part, path)
            case ToolCall() | Refusal() | Thinking():
                if message.role != "assistant":
                    raise refused(path, "the target takes calls, thoughts and refusals in the assistant's turns only")
                return self._said(part, path)

    def _said(self, part: ToolCall | Refusal | Thinking, path: str) -> dict[str, Any] | None:
        """Write what only a model says."""
        match part:
            case ToolCall():
                return self._call(part, path)
            case Refusal():
                self._losses.change("refusal")
                return self._text(Text(part.text))
            case Thinking(form=form, raw=raw):
                if form == FORM:
                    return dict(raw)
                self._losses.drop("thinking")
        return None

    def _text(self, text: Text) -> dict[str, Any] | None:
        if text.text.strip():
            return write_text(text, self._marks)
        if text.text:
            self._losses.drop("blank_text")  # the endpoint takes no text of white space alone
        return None

    def _image(self, image: Image, path: str) -> dict[str, Any]:
        if image.detail not in ("", "auto"):
            self._losses.drop("image.detail")
        source = {"type": "url", "url": image.url}
        if image.data:
            if image.media_type not in IMAGE_TYPES:
                raise refused(path, "the target takes pictures as " + ", ".join(IMAGE_TYPES))
            source = {"type": "base64", "media_type": image.media_type, "data": image.data}
        elif not image.url:
            raise refused(path, "the picture has neither data nor a URL")
        return self._marks.put({"type": "image", "source": source}, image.cached)

    def _document(self, document: Document, path: str) -> dict[str, Any] | None:
        source: dict[str, Any]
        if document.data:
            if document.media_type != PDF:
                raise refused(path, f"the target takes documents as {PDF} or as plain text")
            source = {"type": "base64", "media_type": PDF, "data": document.data}
        elif document.url:
            source = {"type": "url", "url": document.url}
        else:
            if document.media_type not in ("", PLAIN):
                self._losses.change("document.media_type")
            source = {"type": "text", "media_type": PLAIN, "data": document.text}
            if not document.text.strip():
                self._losses.drop("blank_text")
                return None
        block: dict[str, Any] = {"type": "document", "source": source}
        if document.title:
            block["title"] = document.title
        if document.context:
            block["context"] = document.context
        if document.cited:
            block["citations"] = {"enabled": True}
        return self._marks.put(block, document.cached)

    def _result(self, result: ToolResult, path: str) -> dict[str, Any]:
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(result.call_id)}
        content = []
        for number, part in enumerate(result.parts):
            at = f"{path}.content.{number}"
            match part:
                case Text():
                    written = self._text(part)
                case Image():
                    written = self._image(part, at)
                case Document():
                    written = self._document(part, at)
            if written is not None:
                content.append(written)
        if content:
            block["content"] = content
        if result.is_error:
            block["is_error"] = True
        return self._marks.put(block, result.cached)

    def _call(self, call: ToolCall, path: str) -> dict[str, Any]:
        name = write_tool_name(call.name, f"{path}.name")
        try:
            arguments = orjson.loads(call.arguments or "{}")
        except orjson.JSONDecodeError:
            arguments = None
        if type(arguments) is not dict:
            whose = repr(call.id) if len(call.id) <= MAX_TEXT else "of a very long id"
            raise refused(f"{path}.arguments", f"the arguments of the call {whose} are not the JSON text of an object")
        block = {"type": "tool_use", "id": _id(call.id), "name": name, "input": arguments}
        return self._marks.put(block, call.cached)


def _id(call_id: str) -> str:
    """Give an id of the endpoint's letters; calls and their results get the same one, and the client never sees it."""
    return call_id if _CALL_ID.fullmatch(call_id) else "call_" + sha256(call_id.encode()).hexdigest()
