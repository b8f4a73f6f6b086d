import base64
import struct

import pytest

from seawall.dialects.bound.media import (
    CLAUDE_IMAGE,
    OPENAI_IMAGE,
    claude_image,
    image_size,
    inline,
    openai_image,
    pdf_pages,
)

JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x04ab\xff\x01\xff\xff\xc0" + struct.pack(">HBHH", 17, 8, 30, 40)


def _png(width: int, height: int) -> str:
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return base64.b64encode(data).decode()


def _pdf(text: bytes) -> str:
    return base64.b64encode(b"%PDF-1.7 " + text).decode()


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(base64.b64decode(_png(3, 4)), (3, 4), id="png"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 3, 4), (3, 4), id="gif"),
        pytest.param(b"RIFF....WEBPVP8X" + bytes(8) + b"\x02\x00\x00\x03\x00\x00", (3, 4), id="webp, extended"),
        pytest.param(b"RIFF....WEBPVP8L" + bytes(5) + struct.pack("<I", 2 | 3 << 14), (3, 4), id="webp, lossless"),
        pytest.param(b"RIFF....WEBPVP8 " + bytes(10) + struct.pack("<HH", 3, 4), (3, 4), id="webp, lossy"),
        pytest.param(b"RIFF....WEBPVP9 " + bytes(20), None, id="webp of no known kind"),
        pytest.param(JPEG_HEAD, (40, 30), id="jpeg behind other markers"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x04abcdef", None, id="jpeg that loses its way"),
        pytest.param(b"\xff\xd8\xff\xc0\x00", None, id="jpeg cut short"),
        pytest.param(b"\x89PNG\r\n\x1a\n", None, id="png cut short"),
        pytest.param(b"BM", None, id="something else"),
    ],
)
def test_size_is_read_from_the_first_bytes(data: bytes, size: tuple[int, int] | None) -> None:
    assert image_size(data) == size


def test_an_image_for_claude_counts_its_patches_up_to_the_most() -> None:
    assert claude_image(_png(280, 280)) == 105  # 100 patches; older models count 105
    assert claude_image(_png(8_000, 8_000)) == CLAUDE_IMAGE
    assert claude_image(_png(8_000, 8_000), 1_600) == 1_600
    assert claude_image("?") == CLAUDE_IMAGE
    assert claude_image("") == CLAUDE_IMAGE


@pytest.mark.parametrize(
    ("url", "detail", "model", "tokens"),
    [
        pytest.param(f"data:image/png;base64,{_png(640, 640)}", None, "gpt-6-sol", 1_445, id="small"),
        pytest.param(f"data:image/png;base64,{_png(1_600, 1_600)}", None, "gpt-6-sol", 6_250, id="2,500 patches"),
        pytest.param(f"data:image/png;base64,{_png(9_000, 9_000)}", "original", "gpt-6-sol", OPENAI_IMAGE, id="huge"),
        pytest.param("https://example.com/a.png", "auto", "gpt-6-sol", OPENAI_IMAGE, id="by address"),
        pytest.param(7, "auto", "gpt-6-sol", OPENAI_IMAGE, id="no address"),
        pytest.param("https://example.com/a.png", "low", "gpt-6-sol", 640, id="low"),
        pytest.param("https://example.com/a.png", "low", "gpt-4o-mini", 2_833, id="low, in dear tiles"),
        pytest.param("https://example.com/a.png", None, "gpt-4o-mini-2024-07-18", 48_169, id="dear tiles"),
    ],
)
def test_an_image_for_openai(url: object, detail: object, model: str, tokens: int) -> None:
    assert openai_image(url, detail, model) == tokens


def test_only_data_is_inline() -> None:
    assert inline("data:image/png;base64,abcd") == "abcd"
    assert [inline(url) for url in ("https://a", "data:text/plain,abc", None)] == [None, None, None]


@pytest.mark.parametrize(
    ("data", "pages"),
    [
        pytest.param(_pdf(b"/Type /Pages /Count 2 /Type /Page /Type/Page"), 2, id="two"),
        pytest.param(_pdf(b"/Type /Pages /Count 9 /Type /Page"), 9, id="one that comes nine times"),
        pytest.param(_pdf(b"/Type /Page /Type /ObjStm"), None, id="compressed"),
        pytest.param(_pdf(b"/Type /Page /Encrypt"), None, id="encrypted"),
        pytest.param(_pdf(b"/Type /P#61ge"), None, id="spelt in numbers"),
        pytest.param(_pdf(b""), None, id="none"),
        pytest.param("a", None, id="no base64"),
    ],
)
def test_pages_are_counted_or_said_to_be_uncountable(data: str, pages: int | None) -> None:
    assert pdf_pages(data) == pages
