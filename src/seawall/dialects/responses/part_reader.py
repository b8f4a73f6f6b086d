"""Read the parts of a client's items: texts, images, files, and what marks the end of a stable prefix."""

from typing import Any, Final

from seawall.dialects.field import as_choice, as_name, as_text
from seawall.dialects.neutral.conversation import Document, Image, Refusal, Text
from seawall.dialects.neutral.loss import Losses, refused
from seawall.dialects.openai_part import read_file, read_image, read_mark, read_parts

_SEEN: Final = ("input_text", "input_image", "input_file", "input_audio")
_SAID: Final = ("output_text", "input_text", "refusal")


def read_texts(content: Any, path: str) -> list[Text]:  # any JSON value, here and below
    """Read a content that may hold nothing but text; an empty text says nothing and is left out.

    Raises:
        BadRequest: it is neither a string nor a list of text parts.
    """
    found = []
    for part, at in read_parts(content, path, "input_text"):
        as_choice(part.get("type"), ("input_text",), f"{at}.type")
        found.append(_text(part, at))
    return [text for text in found if text.text]


def read_seen(content: Any, path: str) -> list[Text | Image | Document]:
    """Read what the model is shown: a user's content, or a function's output.

    Raises:
        BadRequest: it is neither a string nor a list of parts.
        Unsupported: a part is audio, or a file that only the provider which holds it can read.
    """
    found: list[Text | Image | Document] = []
    for part, at in read_parts(content, path, "input_text"):
        kind = as_choice(part.get("type"), _SEEN, f"{at}.type")
        if kind == "input_audio":
            raise refused(at, "audio is not translated; send a transcript, or use a model of the client's dialect")
        if part.get("file_id") is not None:
            raise refused(f"{at}.file_id", "only the provider that holds the file can read it; send its data")
        if kind == "input_text":
            found.append(_text(part, at))
        else:
            found.append(_image(part, at) if kind == "input_image" else _file(part, at))
    return [part for part in found if type(part) is not Text or part.text]


def read_said(content: Any, path: str, losses: Losses) -> list[Text | Refusal]:
    """Read what a model said before; what it cited goes without saying where.

    Raises:
        BadRequest: it is neither a string nor a list of texts and refusals.
    """
    found: list[Text | Refusal] = []
    for part, at in read_parts(content, path, "input_text"):
        if as_choice(part.get("type"), _SAID, f"{at}.type") == "refusal":
            found.append(Refusal(as_text(part.get("refusal"), f"{at}.refusal")))
            continue
        if part.get("annotations"):
            losses.drop("input.annotations")
        found.append(_text(part, at))
    return [part for part in found if part.text]


def _text(part: dict[str, Any], path: str) -> Text:
    return Text(as_text(part.get("text"), f"{path}.text"), read_mark(part, path))


def _image(part: dict[str, Any], path: str) -> Image:
    url, detail = as_name(part.get("image_url"), f"{path}.image_url"), part.get("detail")
    # A client of the API has to say a detail; `auto` is what everybody else leaves out.
    detail = "" if detail in (None, "auto") else as_text(detail, f"{path}.detail")
    return read_image(url, detail, read_mark(part, path), f"{path}.image_url")


def _file(part: dict[str, Any], path: str) -> Document:
    title, mark = part.get("filename"), read_mark(part, path)
    title = "" if title is None else as_text(title, f"{path}.filename")
    if (url := part.get("file_url")) is not None:
        return Document(url=as_name(url, f"{path}.file_url"), title=title, cached=mark)
    return read_file(part.get("file_data"), title, mark, f"{path}.file_data")
