"""A chat request's prompt as the provider reads it: tools, then the messages, cut so that shared beginnings are found.

Tokens: a text's own, 3 for every message and 3 for the answer's beginning; each tool its compact JSON plus 8, a schema
for the output its compact JSON; a tool call its name and arguments plus 4; images and files by `seawall.sandbox.media`;
audio one for every 160 base64 characters. Long texts are cut every 512 characters, so that the cache finds the same
beginning of two prompts.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import orjson

from seawall.sandbox import media
from seawall.sandbox.cache import AUTOMATIC_LONG_S, AUTOMATIC_S, Segment
from seawall.sandbox.openai.error import bad
from seawall.sandbox.openai.model import LETTERS
from seawall.sandbox.problem import Json
from seawall.sandbox.token import count, slices

MESSAGE: Final = 3
ANSWER: Final = 3
TOOL: Final = 8
CALL: Final = 4
SLICE: Final = 512
_AUTO_MOST: Final = 1_536
_ORIGINAL_MOST: Final = 10_000
_AUDIO_CHARS: Final = 160  # base64 characters a token


def segments(body: Json) -> list[Segment]:
    """Cut the prompt into segments, each with its tokens and its breakpoint.

    Raises:
        Problem: 400, an image is not what it says.
    """
    found = [Segment(b"begin", ANSWER)]
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        found += _texts(orjson.dumps(form["json_schema"].get("schema") or {}).decode())
    for tool in body.get("tools") or ():
        found += _texts(orjson.dumps(tool).decode(), TOOL)
    for message in body["messages"]:
        found += _message(message)
    return found


def cached_until(body: Json, parts: list[Segment]) -> int:
    """Give the number of the last segment that may be cached: all, or up to the last breakpoint in explicit mode."""
    if (body.get("prompt_cache_options") or {}).get("mode") != "explicit":
        return len(parts) - 1
    return max((number for number, part in enumerate(parts) if part.ttl_s is not None), default=-1)


def _texts(text: str, extra: int = 0) -> list[Segment]:
    found = [Segment(part.encode(), count(part, LETTERS)) for part in slices(text, SLICE)] or [Segment(b"", 0)]
    found[0] = Segment(found[0].data, found[0].tokens + extra)
    return found


def _message(message: Json) -> Iterator[Segment]:
    head = orjson.dumps([message["role"], message.get("name") if isinstance(message.get("name"), str) else None])
    yield Segment(head, MESSAGE)
    content = message.get("content")
    parts: list[Json] = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    for part in parts:
        found = _part(part)
        mark = part.get("prompt_cache_breakpoint")
        if mark:
            last = found[-1]
            found[-1] = Segment(last.data, last.tokens, AUTOMATIC_LONG_S if mark.get("ttl") == "12h" else AUTOMATIC_S)
        yield from found
    if message.get("refusal") and isinstance(message["refusal"], str):
        yield from _texts(message["refusal"])
    for call in (message.get("tool_calls") or ()) if message["role"] == "assistant" else ():
        called = call.get("function") or call.get("custom")
        yield from _texts(called["name"] + (called.get("arguments") or called.get("input") or ""), CALL)


def _part(part: Json) -> list[Segment]:
    match part["type"]:
        case "text":
            return _texts(part["text"])
        case "refusal":
            return _texts(part["refusal"])
        case "image_url":
            return [Segment(part["image_url"]["url"].encode(), _image_tokens(part["image_url"]))]
        case "input_audio":
            data = part["input_audio"]["data"]
            return [Segment(data.encode(), max(1, len(data) // _AUDIO_CHARS))]
        case _:
            data = part["file"].get("file_data") or ""
            return [Segment(orjson.dumps(part["file"]), _file_tokens(data))]


def _decoded(url: str, what: str) -> bytes:
    try:
        return base64.b64decode(url.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad(f"Invalid base64 {what}.", "invalid_base64", "messages") from error


def _image_tokens(image: Any) -> int:
    url, detail = image["url"], image.get("detail")
    if not url.startswith(("data:", "https://", "http://")):
        message = "Invalid 'image_url': expected a base64-encoded data URL or an http(s) address."
        raise bad(message, "invalid_value", "messages")
    if detail == "low":
        return media.LOW_DETAIL
    most = _ORIGINAL_MOST if detail == "original" else _AUTO_MOST
    if not url.startswith("data:"):
        return min(media.UNKNOWN_IMAGE, most)
    return media.image_tokens(_decoded(url, "image_url"), media.PATCH_OPENAI, most)


def _file_tokens(data: str) -> int:
    return media.pdf_tokens(_decoded(data, "file_data")) if data.startswith("data:") else media.PDF_PAGE
