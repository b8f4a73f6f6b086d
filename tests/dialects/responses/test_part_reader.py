from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.neutral.conversation import Document, Image, Text
from seawall.dialects.responses.part_reader import read_seen, read_texts

PDF = "data:application/pdf;base64,JVBERi0="


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param({"type": "input_text", "text": "a"}, Text("a"), id="text"),
        pytest.param(
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            Text("a", "long"),
            id="a mark",
        ),
        pytest.param(
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            Text("a", "short"),
            id="a mark without a lifetime",
        ),
        pytest.param(
            {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"},
            Image(url="https://x.test/a.png"),
            id="an address",
        ),
        pytest.param(
            {"type": "input_image", "image_url": "data:image/PNG;base64,AAAA", "detail": "low"},
            Image("image/png", "AAAA", detail="low"),
            id="an image's data",
        ),
        pytest.param(
            {"type": "input_file", "file_data": PDF, "filename": "a.pdf"},
            Document("application/pdf", "JVBERi0=", title="a.pdf"),
            id="a PDF",
        ),
        pytest.param(
            {"type": "input_file", "file_data": "JVBERi0="}, Document("application/pdf", "JVBERi0="), id="bare base64"
        ),
        pytest.param(
            {"type": "input_file", "file_url": "https://x.test/a.pdf"},
            Document(url="https://x.test/a.pdf"),
            id="a PDF's address",
        ),
        pytest.param(
            {"type": "input_file", "file_data": "data:text/plain;base64,R3LDvMOfZQ=="},
            Document("text/plain", text="Grüße"),
            id="a plain text",
        ),
    ],
)
def test_a_part_is_read(part: dict[str, Any], expected: Any) -> None:
    assert read_seen([part], "input.0.content") == [expected]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        pytest.param({"type": "input_audio", "input_audio": {}}, "c.0", id="audio"),
        pytest.param({"type": "input_image", "file_id": "file_1"}, "c.0.file_id", id="an image elsewhere"),
        pytest.param({"type": "input_file", "file_id": "file_1"}, "c.0.file_id", id="a file elsewhere"),
        pytest.param({"type": "input_file", "file_data": "data:text/csv;base64,YQ=="}, "c.0.file_data", id="a table"),
    ],
)
def test_what_nobody_else_can_read_is_refused(part: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_seen([part], "c")

    assert caught.value.param == param


@pytest.mark.parametrize(
    ("part", "param"),
    [
        pytest.param({"type": "output_text", "text": "a"}, "c.0.type", id="a model's words"),
        pytest.param({"type": "input_text"}, "c.0.text", id="no text"),
        pytest.param({"type": "input_image", "image_url": "ftp://x"}, "c.0.image_url", id="another scheme"),
        pytest.param({"type": "input_image", "image_url": "data:image/png,AA"}, "c.0.image_url", id="no base64"),
        pytest.param({"type": "input_file"}, "c.0.file_data", id="no file"),
        pytest.param(
            {"type": "input_file", "file_data": "data:text/plain;base64,/w=="}, "c.0.file_data", id="no UTF-8"
        ),
        pytest.param(
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "1h"}},
            "c.0.prompt_cache_breakpoint.ttl",
            id="another lifetime",
        ),
    ],
)
def test_what_is_no_part_is_named(part: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_seen([part], "c")

    assert caught.value.param == param


def test_instructions_are_texts_alone() -> None:
    assert read_texts([{"type": "input_text", "text": "a"}, {"type": "input_text", "text": ""}], "c") == [Text("a")]
    with pytest.raises(BadRequest):
        read_texts([{"type": "input_image", "image_url": "https://x.test/"}], "c")
