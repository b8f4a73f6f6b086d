"""Read the content blocks of a Messages request."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from seawall.dialects.field import as_choice, as_flag, as_list, as_name, as_object, as_text, wrong
from seawall.dialects.neutral.conversation import (
    Document,
    Image,
    Lifetime,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from seawall.dialects.neutral.loss import Losses, refused

FORM: Final = "messages"
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
PDF: Final = "application/pdf"
PLAIN: Final = "text/plain"

_OF_ROLE: Final = {
    "system": ("text",),
    "user": ("text", "image", "document", "search_result", "tool_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking"),
}
_OF_RESULT: Final = ("text", "image", "document", "search_result")
# Blocks that belong to what only Anthropic's own servers do.
OF_SERVERS: Final = frozenset(
    {
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "tool_reference",
        "browser_state",
        "mcp_tool_use",
        "mcp_tool_result",
        "container_upload",
        "compaction",
        "fallback",
    }
)
_ONLY_ANTHROPIC: Final = "only Anthropic's servers know what it stands for; send the call to a route that leads there"


def read_content(content: Any, role: Role, path: str, losses: Losses) -> tuple[Part, ...]:  # any JSON value
    """Read a turn's content, a text or a list of blocks.

    Raises:
        BadRequest: it is neither, or a block is not what the endpoint takes.
        Unsupported: a block means nothing to any other dialect.
    """
    if type(content) is str:
        return (Text(content),) if content else ()
    parts: list[Part] = []
    for number, value in enumerate(as_list(content, path)):
        at = f"{path}.{number}"
        parts.append(_read_block(as_object(value, at), _OF_ROLE[role], at, losses))
    return tuple(parts)


def read_texts(content: Any, path: str, losses: Losses) -> tuple[Text, ...]:  # any JSON value
    """Read a text or a list of text blocks, such as the system prompt.

    Raises:
        BadRequest: it is something else.
    """
    parts = read_content(content, "system", path, losses)
    return tuple(part for part in parts if isinstance(part, Text))


def read_lifetime(holder: dict[str, Any], path: str) -> Lifetime | None:
    """Read the `cache_control` of a block or a tool.

    Raises:
        BadRequest: it is not what the endpoint takes.
    """
    control = holder.get("cache_control")
    if control is None:
        return None
    at = f"{path}.cache_control"
    as_choice(as_object(control, at).get("type"), ("ephemeral",), f"{at}.type")
    ttl = control.get("ttl")
    return "long" if ttl is not None and as_choice(ttl, ("5m", "1h"), f"{at}.ttl") == "1h" else "short"


def _read_block(block: dict[str, Any], allowed: Sequence[str], path: str, losses: Losses) -> Part:
    kind = block.get("type")
    if type(kind) is str and kind in OF_SERVERS:
        raise refused(path, _ONLY_ANTHROPIC)
    if kind == "document" and "tool_use" in allowed:
        raise refused(path, "no other dialect has documents in the assistant's turn; put it into the user's")
    as_choice(kind, allowed, f"{path}.type")
    match kind:
        case "text":
            return _read_text(block, path, losses)
        case "image":
            return _read_image(block, path, losses)
        case "document":
            return _read_document(block, path, losses)
        case "search_result":
            return _read_search_result(block, path, losses)
        case "tool_use":
            return _read_call(block, path)
        case "tool_result":
            return _read_result(block, path, losses)
    return _read_thinking(block, path)


def _read_text(block: dict[str, Any], path: str, losses: Losses) -> Text:
    text = as_name(block.get("text"), f"{path}.text")
    if block.get("citations"):
        losses.drop("citations")
    return Text(text, read_lifetime(block, path))


def _read_image(block: dict[str, Any], path: str, losses: Losses) -> Image:
    at = f"{path}.source"
    source = as_object(block.get("source"), at)
    cached = read_lifetime(block, path)
    if block.get("transformations"):
        losses.drop("transformations")
    match as_choice(source.get("type"), ("base64", "url", "file"), f"{at}.type"):
        case "base64":
            media_type = as_choice(source.get("media_type"), IMAGE_TYPES, f"{at}.media_type")
            return Image(media_type=media_type, data=as_name(source.get("data"), f"{at}.data"), cached=cached)
        case "url":
            return Image(url=as_name(source.get("url"), f"{at}.url"), cached=cached)
    raise _foreign_file(at)


def _foreign_file(path: str) -> Exception:
    return refused(path, "a file id means nothing to another provider; send the file itself")


def _read_document(block: dict[str, Any], path: str, losses: Losses) -> Document:
    at = f"{path}.source"
    source = as_object(block.get("source"), at)
    title, context = (as_text(block.get(name) or "", f"{path}.{name}") for name in ("title", "context"))
    cited = _wants_citations(block, path)
    cached = read_lifetime(block, path)
    media_type = data = text = url = ""
    match as_choice(source.get("type"), ("base64", "text", "content", "url", "file"), f"{at}.type"):
        case "base64":
            media_type = as_choice(source.get("media_type"), (PDF,), f"{at}.media_type")
            data = as_name(source.get("data"), f"{at}.data")
        case "text":
            media_type = as_choice(source.get("media_type"), (PLAIN,), f"{at}.media_type")
            text = as_name(source.get("data"), f"{at}.data")
        case "content":
            media_type, text = PLAIN, _read_own_content(source.get("content"), f"{at}.content", losses)
        case "url":
            url = as_name(source.get("url"), f"{at}.url")
        case _:
            raise _foreign_file(at)
    return Document(media_type, data, text, url, title, context, cited=cited, cached=cached)


def _wants_citations(block: dict[str, Any], path: str) -> bool:
    wish = block.get("citations")
    if wish is None:
        return False
    return bool(as_flag(as_object(wish, f"{path}.citations").get("enabled"), f"{path}.citations.enabled"))


def _read_own_content(content: Any, path: str, losses: Losses) -> str:  # any JSON value
    """Read a document that was cut into blocks by its sender, whose cuts only citations need."""
    if type(content) is str:
        return as_name(content, path)
    texts = []
    for number, value in enumerate(as_list(content, path)):
        at = f"{path}.{number}"
        block = as_object(value, at)
        if as_choice(block.get("type"), ("text", "image"), f"{at}.type") == "image":
            raise refused(at, "no other dialect has pictures within a document; send it as a block of its own")
        texts.append(_read_text(block, at, losses).text)
    if not texts:
        raise wrong(path, "one block at least")
    if len(texts) > 1:
        losses.change("document.content")
    return "\n\n".join(texts)


def _read_search_result(block: dict[str, Any], path: str, losses: Losses) -> Text:
    title, source = (as_text(block.get(name), f"{path}.{name}") for name in ("title", "source"))
    content = read_texts(block.get("content"), f"{path}.content", losses)
    losses.change("search_result")
    if _wants_citations(block, path):
        losses.drop("citations")
    head = "\n".join(line for line in (title, source) if line)
    whole = "\n\n".join(text for text in (head, *(part.text for part in content)) if text)
    return Text(as_name(whole, f"{path}.content"), read_lifetime(block, path))


def _read_call(block: dict[str, Any], path: str) -> ToolCall:
    caller = block.get("caller")
    if caller is not None and as_object(caller, f"{path}.caller").get("type") != "direct":
        raise refused(f"{path}.caller", _ONLY_ANTHROPIC)
    _refuse_toolset(block, path)
    return ToolCall(
        id=as_name(block.get("id"), f"{path}.id"),
        name=as_name(block.get("name"), f"{path}.name"),
        arguments=orjson.dumps(as_object(block.get("input"), f"{path}.input")).decode(),
        cached=read_lifetime(block, path),
    )


def _refuse_toolset(block: dict[str, Any], path: str) -> None:
    if block.get("toolset_name") is not None:
        raise refused(f"{path}.toolset_name", _ONLY_ANTHROPIC)


def _read_result(block: dict[str, Any], path: str, losses: Losses) -> ToolResult:
    _refuse_toolset(block, path)
    call_id = as_name(block.get("tool_use_id"), f"{path}.tool_use_id")
    content, at = block.get("content"), f"{path}.content"
    parts: list[Text | Image | Document] = []
    if type(content) is str:
        parts += [Text(content)] if content else []
    elif content is not None:
        for number, value in enumerate(as_list(content, at)):
            found = as_object(value, f"{at}.{number}")
            if found.get("type") == "text" and found.get("text") == "":
                continue  # what a tool without output gives
            part = _read_block(found, _OF_RESULT, f"{at}.{number}", losses)
            if isinstance(part, Text | Image | Document):
                parts.append(part)
    is_error = bool(as_flag(block.get("is_error"), f"{path}.is_error"))
    return ToolResult(call_id, tuple(parts), is_error=is_error, cached=read_lifetime(block, path))


def _read_thinking(block: dict[str, Any], path: str) -> Thinking:
    """Keep a thought as it came: it is signed, and read again by nobody but the model that had it."""
    names = ("data",) if block["type"] == "redacted_thinking" else ("thinking", "signature")
    for name in names:
        as_text(block.get(name), f"{path}.{name}")
    return Thinking(FORM, block)
