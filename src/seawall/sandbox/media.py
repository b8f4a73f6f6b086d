"""How many tokens an image or a document is, by simple formulas of its size.

Image for Claude: ⌈width/28⌉·⌈height/28⌉, at most 1,568, or 4,784 on Claude 4.7 and later.
Image for OpenAI: ⌈width/32⌉·⌈height/32⌉, at most 1,536, or 10,000 with `detail: original`; `detail: low` is 85.
An image whose size cannot be read, or that is only named by an address, is 1,536 tokens.
PDF: 3,000 a page; one that is only named is 3,000.
"""

import struct
from typing import Final

PATCH_CLAUDE: Final = 28
PATCH_OPENAI: Final = 32
UNKNOWN_IMAGE: Final = 1_536
PDF_PAGE: Final = 3_000
LOW_DETAIL: Final = 85

_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WEBP_HEADER: Final = 30


def image_tokens(data: bytes, patch: int, most: int) -> int:
    """Count an image's tokens from the size in its header."""
    size = image_size(data)
    if size is None:
        return min(UNKNOWN_IMAGE, most)
    width, height = size
    return max(1, min(-(-width // patch) * -(-height // patch), most))


def pdf_tokens(data: bytes) -> int:
    """Count a PDF's tokens from its number of page objects."""
    pages = data.count(b"/Type /Page") + data.count(b"/Type/Page")
    trees = data.count(b"/Type /Pages") + data.count(b"/Type/Pages")
    return PDF_PAGE * max(1, pages - trees)


def image_size(data: bytes) -> tuple[int, int] | None:
    """Read width and height from the header of a PNG, GIF, WebP or JPEG; None for anything else."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
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
    if len(data) < _WEBP_HEADER:
        return None
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
        case _:
            return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004  # the byte before every JPEG marker
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
    return None
