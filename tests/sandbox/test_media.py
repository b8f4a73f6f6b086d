import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.media import PDF_PAGE, UNKNOWN_IMAGE, image_size, image_tokens, pdf_tokens

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
VP8X = b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
VP8L = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00/" + (639 | 479 << 14).to_bytes(4, "little") + bytes(8)
VP8 = b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 480, 640) + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PNG, id="png"),
        pytest.param(GIF, id="gif"),
        pytest.param(VP8X, id="webp extended"),
        pytest.param(VP8L, id="webp lossless"),
        pytest.param(VP8, id="webp lossy"),
        pytest.param(JPEG, id="jpeg"),
    ],
)
def test_the_size_is_read_from_the_header(data: bytes) -> None:
    assert image_size(data) == (640, 480)
    assert image_tokens(data, 28, 4_784) == 23 * 18


@pytest.mark.parametrize("data", [PNG[:20], GIF[:8], VP8[:20], JPEG[:12], b"", b"plain", b"\xff\xd8\xff\xd9"])
def test_an_image_without_a_readable_size_has_a_fixed_number_of_tokens(data: bytes) -> None:
    assert image_size(data) is None
    assert image_tokens(data, 28, 4_784) == UNKNOWN_IMAGE


@given(data=st.binary(max_size=60), start=st.sampled_from([b"", b"\xff\xd8", PNG[:12], GIF[:6], VP8X[:12], VP8L[:16]]))
def test_any_bytes_give_tokens_within_the_bounds(data: bytes, start: bytes) -> None:
    assert 1 <= image_tokens(start + data, 28, 1_568) <= 1_568


def test_an_unknown_webp_is_of_unknown_size() -> None:
    assert image_size(VP8.replace(b"VP8 ", b"VP9 ")) is None


def test_a_large_image_is_capped() -> None:
    assert image_tokens(b"GIF89a" + struct.pack("<HH", 60_000, 60_000), 28, 1_568) == 1_568


def test_a_pdf_is_counted_by_its_pages() -> None:
    pdf = b"%PDF-1.7 1 0 obj <</Type /Pages>> <</Type /Page>> <</Type/Page>> <</Type /Page>>"

    assert pdf_tokens(pdf) == 3 * PDF_PAGE
    assert pdf_tokens(b"") == PDF_PAGE
