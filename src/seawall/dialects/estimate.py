"""How long a prompt is, roughly: before its model is known, and at the cost of reading it once; pure."""

from typing import Any, Final

# An image costs at most 4,784 tokens with the newest Claude models: platform.claude.com/docs, "Vision".
IMAGE_TOKENS: Final = 4784
_BYTES_PER_TOKEN: Final = 3
_LONG: Final = 1024
_HEAD: Final = 256
_DATA_URLS: Final = frozenset({"url", "image_url", "file_data"})


def estimate_tokens(fields: dict[str, Any]) -> int:
    """Estimate a prompt's tokens at 3 UTF-8 bytes each, over every text in the body, names and schemas included.

    Long base64 data, where the dialects have it, counts as one image. It is an estimate and no bound: text in scripts
    that tokenize badly can have more, and so can a document of many pages.
    """
    size = images = 0
    pile: list[Any] = [fields]
    while pile:
        value = pile.pop()
        if type(value) is dict:
            for key, inner in value.items():
                size += len(key)
                if type(inner) is str and len(inner) > _LONG and _is_encoded(key, inner, value):
                    images += 1
                else:
                    pile.append(inner)
        elif type(value) is list:
            pile.extend(value)
        elif type(value) is str:
            size += len(value) if value.isascii() else len(value.encode())
        else:
            size += _BYTES_PER_TOKEN
    return -(-size // _BYTES_PER_TOKEN) + images * IMAGE_TOKENS


def _is_encoded(key: str, text: str, around: dict[str, Any]) -> bool:
    """Say whether a long text is a file in base64: Anthropic's sources, OpenAI's audio, images and files."""
    if key == "data":
        return around.get("type") == "base64" or "format" in around
    return key in _DATA_URLS and text.startswith("data:") and ";base64," in text[:_HEAD]
