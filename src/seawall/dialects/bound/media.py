"""The most tokens that an image or a document can be, read off its first bytes where they tell.

Sources: platform.claude.com/docs, "Vision" and "PDF support"; OpenAI's patches and tiles as its own client counts them.
"""

import binascii
import re
import struct
from base64 import b64decode
from typing import Final

CLAUDE_IMAGE: Final = 4_784  # 4.7 and later; the older ones stop at 1,568
_CLAUDE_PATCH: Final = 28
_CLAUDE_AREA: Final = 750  # pixels a token, as older models count

# OpenAI: 10,000 patches of 32 pixels in the original size, and 2.5 tokens a patch on the dearest small models; models
# that count tiles have 85 tokens and 170 a tile, of which an image has eight at most.
OPENAI_IMAGE: Final = 25_000
_OPENAI_PATCH: Final = 32
_PATCH_PERMILLE: Final = 2_500
_OPENAI_TILES: Final = 85 + 8 * 170
_OPENAI_LOW: Final = 640  # 512 by 512 pixels are 256 patches
_TINY: Final = "gpt-4o-mini"  # counts every tile 33 times
_TINY_LOW: Final = 2_833
_TINY_IMAGE: Final = 2_833 + 8 * 5_667

PAGE_TEXT: Final = 8_000  # of a PDF; 1,500 to 3,000 is usual, and nobody promises an end
OPENAI_PAGE: Final = 8_000 + 3_840  # its picture in 1,536 patches

_HEAD: Final = 87_384  # base64 characters: 64 KiB, before which all but odd JPEGs tell their size
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER: Final = 0xFF
_PAGE: Final = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_COUNT: Final = re.compile(rb"/Count\s+(\d{1,9})")
# Where page objects can hide from a search: in compressed streams, behind encryption, in names spelt with numbers.
_HIDING: Final = re.compile(rb"/ObjStm|/Encrypt|/[A-Za-z]{0,8}#[0-9A-Fa-f]{2}")


def claude_image(data: str, most: int = CLAUDE_IMAGE) -> int:
    """Bound an image in base64 for Claude; one whose size cannot be read counts as the largest."""
    size = image_size(_head(data))
    if size is None:
        return most
    width, height = size
    patches = -(-width // _CLAUDE_PATCH) * -(-height // _CLAUDE_PATCH)
    return min(most, max(patches, -(-width * height // _CLAUDE_AREA), 1))


def openai_image(url: object, detail: object, model: str) -> int:
    """Bound an image for an OpenAI model, or for a server that speaks its dialect."""
    if model.startswith(_TINY):
        return _TINY_LOW if detail == "low" else _TINY_IMAGE
    if detail == "low":
        return _OPENAI_LOW
    size = image_size(_head(inline(url) or ""))
    if size is None:
        return OPENAI_IMAGE
    width, height = size
    patches = -(-width // _OPENAI_PATCH) * -(-height // _OPENAI_PATCH)
    return min(OPENAI_IMAGE, max(-(-patches * _PATCH_PERMILLE // 1000), _OPENAI_TILES))


def inline(url: object) -> str | None:
    """Give the base64 text of a data URL; None for anything else."""
    if type(url) is str and url.startswith("data:"):
        head, found, data = url.partition(";base64,")
        return data if found and len(head) <= _HEAD else None
    return None


def pdf_pages(data: str) -> int | None:
    """Count the pages of a PDF in base64, never too few; None where they cannot be counted."""
    try:
        found = b64decode(data)
    except (binascii.Error, ValueError):
        return None
    if _HIDING.search(found):
        return None
    pages = sum(1 for _ in _PAGE.finditer(found))
    told = max((int(count[1]) for count in _COUNT.finditer(found)), default=0)
    return max(pages, told) or None


def _head(data: str) -> bytes:
    try:
        return b64decode(data[:_HEAD])
    except (binascii.Error, ValueError):
        return b""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the first bytes of a PNG, GIF, WebP or JPEG; None where they do not tell."""
    try:
        if data.startswith(_PNG):
            width, height = struct.unpack_from(">II", data, 16)
        elif data[:6] in {b"GIF87a", b"GIF89a"}:
            width, height = struct.unpack_from("<HH", data, 6)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
        elif data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        else:
            return None
    except struct.error:
        return None
    return width, height


def _webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, _, height, _ = struct.unpack_from("<HBHB", data, 24)
        width, height = width | data[26] << 16, height | data[29] << 16
        return width + 1, height + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data) and data[at] == _MARKER:
        marker = data[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        # Fill bytes and markers without a length move on by one or two; anything else by what it says of itself.
        at += (
            1
            if marker == _MARKER
            else 2
            if marker in {0x01, *range(0xD0, 0xD9)}
            else 2 + struct.unpack_from(">H", data, at + 2)[0]
        )
    return None
