"""Parts of a message as both of OpenAI's endpoints have them: images, files, cache marks."""

import base64
import binascii
from dataclasses import replace
from typing import Any, Final

from seawall.dialects.field import as_choice, as_list, as_name, as_object, wrong
from seawall.dialects.neutral.conversation import Document, Image, Lifetime, Text
from seawall.dialects.neutral.loss import Losses, refused

PDF: Final = "application/pdf"

_PLAIN: Final = "text/plain"
_PDF_HEAD: Final = "JVBER"  # "%PDF" in base64
_LIFETIMES: Final[dict[str, Lifetime]] = {"30m": "short", "12h": "long"}
_TTL: Final[dict[Lifetime, str]] = {"short": "30m", "long": "12h"}


def read_parts(content: Any, path: str, text_kind: str) -> list[tuple[dict[str, Any], str]]:  # any JSON value
    """Give every part of a content with its path; a string is one text, and `text_kind` is what that is called.

    Raises:
        BadRequest: it is neither a string nor a list of objects.
    """
    if type(content) is str:
        return [({"type": text_kind, "text": content}, path)]
    if type(content) is not list:
        raise wrong(path, "a string or a list of parts")
    return [
        (as_object(part, f"{path}.{number}"), f"{path}.{number}") for number, part in enumerate(as_list(content, path))
    ]


def read_mark(part: dict[str, Any], path: str) -> Lifetime | None:
    """Read where a stable prefix ends; without a lifetime the provider's own, which is the short one.

    Raises:
        BadRequest: it is not what the provider takes.
    """
    mark = part.get("prompt_cache_breakpoint")
    if mark is None:
        return None
    at = f"{path}.prompt_cache_breakpoint"
    as_choice(as_object(mark, at).get("mode"), ("explicit",), f"{at}.mode")
    ttl = mark.get("ttl")
    return "short" if ttl is None else _LIFETIMES[as_choice(ttl, _LIFETIMES, f"{at}.ttl")]


def write_mark(part: dict[str, Any], lifetime: Lifetime) -> None:
    """Say that a stable prefix ends with a part."""
    part["prompt_cache_breakpoint"] = {"mode": "explicit", "ttl": _TTL[lifetime]}


def read_image(url: str, detail: str, mark: Lifetime | None, path: str) -> Image:
    """Read an image by its address; `path` is that of the address.

    Raises:
        BadRequest: it is neither a web address nor a data URL.
    """
    if url.startswith(("https://", "http://")):
        return Image(url=url, detail=detail, cached=mark)
    media_type, data = _data_url(url, path, "an http, https or data URL")
    return Image(media_type, data, detail=detail, cached=mark)


def image_url(image: Image) -> str:
    """Give an image's address, which has its data where it has no other."""
    return image.url or f"data:{image.media_type};base64,{image.data}"


def read_file(found: Any, title: str, mark: Lifetime | None, path: str) -> Document:  # any JSON value
    """Read a file that came with its data; `path` is that of the data.

    Raises:
        BadRequest: its data are no base64.
        Unsupported: it is neither a PDF nor plain text.
    """
    media_type, data = PDF, as_name(found, path)
    if not data.startswith(_PDF_HEAD):  # a PDF is taken without the head of a data URL, too
        media_type, data = _data_url(data, path, "a data URL of a PDF or a text")
    if media_type == PDF:
        return Document(PDF, data, title=title, cached=mark)
    if media_type != _PLAIN:
        raise refused(path, "only PDF and plain text are translated")
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise wrong(path, "base64 of a UTF-8 text") from None
    return Document(media_type, text=text, title=title, cached=mark)


def file_fields(document: Document) -> dict[str, str]:
    """Give the name and the data of a PDF as a file has them."""
    title = document.title or "document"
    title = title if title.lower().endswith(".pdf") else f"{title}.pdf"
    return {"filename": title, "file_data": f"data:{document.media_type};base64,{document.data}"}


def carried_document(document: Document, losses: Losses) -> list[Text | Image | Document]:
    """Turn a document into what can be carried of it: a PDF as it is, a text as text with its title above.

    Raises:
        Unsupported: it is neither.
    """
    if document.cited:
        losses.drop("citations")
    if document.data and document.media_type != PDF:
        raise refused("document.source.media_type", "only PDF and plain text are translated")
    is_file = bool(document.data or document.url)
    if is_file and not document.context:
        return [document]
    losses.change("document")
    head = "\n".join(line for line in (document.title and f"Document: {document.title}", document.context) if line)
    if is_file:
        return [Text(head), replace(document, context="")]
    return [Text(f"{head}\n\n{document.text}" if head else document.text, document.cached)]


def _data_url(url: str, path: str, expected: str) -> tuple[str, str]:
    """Take a data URL apart (RFC 2397); what is no base64 is none here."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise wrong(path, expected)
    return head[5:-7].partition(";")[0].lower(), data
