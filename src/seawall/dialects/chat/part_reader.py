"""Read the parts of a client's messages: texts, images, files, and what marks the end of a stable prefix."""

import base64
import binascii
from typing import Any, Final

from seawall.dialects.field import as_choice, as_list, as_name, as_object, as_text, wrong
from seawall.dialects.neutral.conversation import Document, Image, Lifetime, Refusal, Text
from seawall.dialects.neutral.loss import refused

_LIFETIMES: Final[dict[str, Lifetime]] = {"30m": "short", "12h": "long"}
_PDF_HEAD: Final = "JVBER"  # "%PDF" in base64


def read_texts(content: Any, path: str) -> list[Text]:  # any JSON value, here and below
    """Read a content that may hold nothing but text; an empty text says nothing and is left out.

    Raises:
        BadRequest: it is neither a string, a list of text parts nor null.
    """
    texts = []
    for part, at in _parts(content, path):
        as_choice(part.get("type"), ("text",), f"{at}.type")
        texts.append(_text(part, at))
    return [text for text in texts if text.text]


def read_user_parts(content: Any, path: str) -> list[Text | Image | Document]:
    """Read a user's content.

    Raises:
        BadRequest: it is neither a string, a list of parts nor null.
        Unsupported: a part is audio, or a file that only the provider which holds it can read.
    """
    found: list[Text | Image | Document] = []
    for part, at in _parts(content, path):
        kind = as_choice(part.get("type"), ("text", "image_url", "file", "input_audio"), f"{at}.type")
        if kind == "input_audio":
            raise refused(at, "audio is not translated; send a transcript, or use a model of the client's dialect")
        if kind == "text":
            found.append(_text(part, at))
        else:
            found.append(_image(part, at) if kind == "image_url" else _file(part, at))
    return [part for part in found if type(part) is not Text or part.text]


def read_assistant_parts(content: Any, path: str) -> list[Text | Refusal]:
    """Read an assistant's content.

    Raises:
        BadRequest: it is neither a string, a list of texts and refusals nor null.
    """
    found: list[Text | Refusal] = []
    for part, at in _parts(content, path):
        if as_choice(part.get("type"), ("text", "refusal"), f"{at}.type") == "text":
            found.append(_text(part, at))
        else:
            found.append(Refusal(as_text(part.get("refusal"), f"{at}.refusal")))
    return [part for part in found if part.text]


def _parts(content: Any, path: str) -> list[tuple[dict[str, Any], str]]:
    """Give every part with its path; a string is one text."""
    if content is None:
        return []
    if type(content) is str:
        return [({"type": "text", "text": content}, path)]
    if type(content) is not list:
        raise wrong(path, "a string or a list of parts")
    return [
        (as_object(part, f"{path}.{number}"), f"{path}.{number}") for number, part in enumerate(as_list(content, path))
    ]


def _text(part: dict[str, Any], path: str) -> Text:
    return Text(as_text(part.get("text"), f"{path}.text"), _mark(part, path))


def _mark(part: dict[str, Any], path: str) -> Lifetime | None:
    """Read where a stable prefix ends; without a lifetime the endpoint's own, which is the short one."""
    mark = part.get("prompt_cache_breakpoint")
    if mark is None:
        return None
    at = f"{path}.prompt_cache_breakpoint"
    as_choice(as_object(mark, at).get("mode"), ("explicit",), f"{at}.mode")
    ttl = mark.get("ttl")
    return "short" if ttl is None else _LIFETIMES[as_choice(ttl, _LIFETIMES, f"{at}.ttl")]


def _image(part: dict[str, Any], path: str) -> Image:
    at = f"{path}.image_url"
    source = as_object(part.get("image_url"), at)
    url, detail = as_name(source.get("url"), f"{at}.url"), source.get("detail")
    detail = "" if detail is None else as_text(detail, f"{at}.detail")
    if url.startswith(("https://", "http://")):
        return Image(url=url, detail=detail, cached=_mark(part, path))
    media_type, data = _data_url(url, f"{at}.url", "an http, https or data URL")
    return Image(media_type, data, detail=detail, cached=_mark(part, path))


def _data_url(url: str, path: str, expected: str) -> tuple[str, str]:
    """Take a data URL apart (RFC 2397); what is no base64 is none here."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise wrong(path, expected)
    return head[5:-7].partition(";")[0].lower(), data


def _file(part: dict[str, Any], path: str) -> Document:
    at = f"{path}.file"
    source = as_object(part.get("file"), at)
    if source.get("file_id") is not None:
        raise refused(f"{at}.file_id", "only the provider that holds the file can read it; send its data")
    data, title = as_name(source.get("file_data"), f"{at}.file_data"), source.get("filename")
    title = "" if title is None else as_text(title, f"{at}.filename")
    if data.startswith(_PDF_HEAD):  # the endpoint takes it without the head of a data URL, too
        media_type = "application/pdf"
    else:
        media_type, data = _data_url(data, f"{at}.file_data", "a data URL of a PDF or a text")
    mark = _mark(part, path)
    if media_type == "application/pdf":
        return Document(media_type, data, title=title, cached=mark)
    if media_type != "text/plain":
        raise refused(f"{at}.file_data", "only PDF and plain text are translated")
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise wrong(f"{at}.file_data", "base64 of a UTF-8 text") from None
    return Document(media_type, text=text, title=title, cached=mark)
