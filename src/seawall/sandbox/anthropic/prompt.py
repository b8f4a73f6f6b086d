"""A request's prompt as the provider reads it: tools, then the system text, then the messages, block by block.

Tokens of a block: a text's own; an image or a PDF by `seawall.sandbox.media`; a tool call its name and compact JSON
plus 6; a tool's result its content plus 6; an earlier thinking its text, or a token for every six characters of what
it is sealed in; everything else its compact JSON. Each message costs 4 more, each tool its compact JSON plus 8, the
first tool 320, tools that the provider defines what it says about them, a schema for the output its compact JSON.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import orjson

from seawall.sandbox import media
from seawall.sandbox.anthropic.check import blocks, refuse
from seawall.sandbox.anthropic.model import Claude
from seawall.sandbox.cache import LONG_S, SHORT_S, Segment
from seawall.sandbox.problem import Json
from seawall.sandbox.token import count

MESSAGE: Final = 4
TOOL: Final = 8
TOOLS: Final = 320
CALL: Final = 6
SEALED: Final = 6  # characters of base64 a token: four and a half bytes
DEFINED: Final = {"bash_": 325, "text_editor_": 700, "computer_": 4_600}  # platform.claude.com/docs, "Pricing"


def segments(body: Json, model: Claude) -> list[Segment]:
    """Cut the prompt into its blocks, each with its tokens and its breakpoint.

    Raises:
        Problem: 400, an image or document is not what it says.
    """
    found = [*_tools(body, model), *_system(body, model), *_messages(body, model)]
    if body.get("cache_control") and found[-1].ttl_s is None:
        last = found[-1]
        found[-1] = Segment(last.data, last.tokens, _ttl_s(body))
    return found


def _ttl_s(part: Json) -> float | None:
    mark = part.get("cache_control")
    return None if not mark else LONG_S if mark.get("ttl") == "1h" else SHORT_S


def _unmarked(block: Json) -> bytes:
    return orjson.dumps({name: value for name, value in block.items() if name != "cache_control"})


def _tools(body: Json, model: Claude) -> Iterator[Segment]:
    extra = TOOLS
    form = (body.get("output_config") or {}).get("format")
    if form:
        data = orjson.dumps(form["schema"])
        yield Segment(data, count(data.decode(), model.letters))
    for tool in body.get("tools") or ():
        data = _unmarked(tool)
        yield Segment(data, count(data.decode(), model.letters) + _defined(tool) + extra, _ttl_s(tool))
        extra = 0


def _defined(tool: Json) -> int:
    kind = tool.get("type") or "custom"
    return TOOL + sum(tokens for name, tokens in DEFINED.items() if kind.startswith(name))


def _system(body: Json, model: Claude) -> Iterator[Segment]:
    level = orjson.dumps(["system", body.get("speed")])
    for block in blocks(body.get("system") or []):
        yield Segment(level + _unmarked(block), count(block["text"], model.letters), _ttl_s(block))


def _messages(body: Json, model: Claude) -> Iterator[Segment]:
    # What the documentation lists as invalidating the cache of the messages: tool choice, thinking, effort, images.
    has_image = any(block["type"] == "image" for message in body["messages"] for block in blocks(message["content"]))
    effort = (body.get("output_config") or {}).get("effort")
    level = orjson.dumps(["messages", body.get("tool_choice"), body.get("thinking"), effort, has_image])
    for message in body["messages"]:
        extra = MESSAGE
        for block in blocks(message["content"]):
            data = level + message["role"].encode() + _unmarked(block)
            yield Segment(data, _block_tokens(block, model) + extra, _ttl_s(block))
            extra = 0


def _block_tokens(block: Json, model: Claude) -> int:
    letters = model.letters
    match block["type"]:
        case "text":
            return count(block["text"], letters)
        case "image":
            return _image_tokens(block["source"], model)
        case "document":
            return _document_tokens(block, model)
        case "tool_use":
            return count(block["name"], letters) + count(orjson.dumps(block["input"]).decode(), letters) + CALL
        case "tool_result":
            return _content_tokens(block.get("content", ""), model) + CALL
        case "search_result":
            return count(block["title"], letters) + _content_tokens(block["content"], model)
        case "thinking":
            return count(block["thinking"], letters) or len(block["signature"]) // SEALED
        case "redacted_thinking":
            return len(block["data"]) // SEALED
        case _:
            return count(_unmarked(block).decode(), letters)


def _content_tokens(content: Any, model: Claude) -> int:
    return sum(_block_tokens(block, model) for block in blocks(content))


def _decoded(source: Json) -> bytes:
    try:
        return base64.b64decode(source["data"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise refuse(f"{source['media_type']}: the source's data is not valid base64") from error


def _image_tokens(source: Json, model: Claude) -> int:
    if source["type"] != "base64":
        return min(media.UNKNOWN_IMAGE, model.most_image_tokens)
    return media.image_tokens(_decoded(source), media.PATCH_CLAUDE, model.most_image_tokens)


def _document_tokens(block: Json, model: Claude) -> int:
    source = block["source"]
    named = "".join(block.get(name) or "" for name in ("title", "context"))
    tokens = count(named, model.letters)
    match source["type"]:
        case "text":
            return tokens + count(source["data"], model.letters)
        case "content":
            return tokens + _content_tokens(source["content"], model)
        case "base64":
            return tokens + media.pdf_tokens(_decoded(source))
        case _:
            return tokens + media.PDF_PAGE
