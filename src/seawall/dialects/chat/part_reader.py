"""Read the parts of a client's messages: texts, images, files, and what marks the end of a stable prefix."""

from typing import Any

from seawall.dialects.field import as_choice, as_name, as_object, as_text
from seawall.dialects.neutral.conversation import Document, Image, Refusal, Text
from seawall.dialects.neutral.loss import refused
from seawall.dialects.openai_part import read_file, read_image, read_mark, read_parts


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
    return [] if content is None else read_parts(content, path, "text")


def _text(part: dict[str, Any], path: str) -> Text:
    return Text(as_text(part.get("text"), f"{path}.text"), read_mark(part, path))


def _image(part: dict[str, Any], path: str) -> Image:
    at = f"{path}.image_url"
    source = as_object(part.get("image_url"), at)
    url, detail = as_name(source.get("url"), f"{at}.url"), source.get("detail")
    detail = "" if detail is None else as_text(detail, f"{at}.detail")
    return read_image(url, detail, read_mark(part, path), f"{at}.url")


def _file(part: dict[str, Any], path: str) -> Document:
    at = f"{path}.file"
    source = as_object(part.get("file"), at)
    if source.get("file_id") is not None:
        raise refused(f"{at}.file_id", "only the provider that holds the file can read it; send its data")
    title = source.get("filename")
    title = "" if title is None else as_text(title, f"{at}.filename")
    return read_file(source.get("file_data"), title, read_mark(part, path), f"{at}.file_data")
