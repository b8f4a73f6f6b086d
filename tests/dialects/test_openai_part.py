from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.neutral.conversation import Document, Image, Lifetime, Text
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai_part import (
    carried_document,
    file_fields,
    image_url,
    read_file,
    read_image,
    read_mark,
    read_parts,
    write_mark,
)

PDF = Document("application/pdf", "JVBERi0=", title="a.pdf")


def test_a_string_is_one_text() -> None:
    assert read_parts("hi", "content", "input_text") == [({"type": "input_text", "text": "hi"}, "content")]


def test_every_part_knows_its_place() -> None:
    assert read_parts([{"a": 1}, {}], "content", "text") == [({"a": 1}, "content.0"), ({}, "content.1")]


@pytest.mark.parametrize("content", [None, 1, {}, ["text"]])
def test_what_is_no_content_is_refused(content: Any) -> None:  # any JSON value
    with pytest.raises(BadRequest):
        read_parts(content, "content", "text")


@pytest.mark.parametrize("lifetime", ["short", "long"])
def test_a_mark_is_read_as_it_was_written(lifetime: Lifetime) -> None:
    part: dict[str, Any] = {"type": "text"}

    write_mark(part, lifetime)

    assert read_mark(part, "x") == lifetime


def test_a_mark_without_a_lifetime_is_a_short_one() -> None:
    assert read_mark({"prompt_cache_breakpoint": {"mode": "explicit"}}, "x") == "short"
    assert read_mark({}, "x") is None


@pytest.mark.parametrize("mark", [{"mode": "implicit"}, {"mode": "explicit", "ttl": "5m"}, "explicit"])
def test_another_mark_is_refused(mark: object) -> None:
    with pytest.raises(BadRequest, match=r"^x\.prompt_cache_breakpoint"):
        read_mark({"prompt_cache_breakpoint": mark}, "x")


@pytest.mark.parametrize(
    "image", [Image(url="https://example.com/a.png", detail="low"), Image("image/png", "QUJD", cached="long")]
)
def test_an_image_is_read_as_it_was_written(image: Image) -> None:
    assert read_image(image_url(image), image.detail, image.cached, "x") == image


@pytest.mark.parametrize("url", ["ftp://example.com", "data:image/png,abc", "data:image/png;base64"])
def test_another_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match=r"^x: expected an http, https or data URL"):
        read_image(url, "", None, "x")


def test_a_pdf_is_read_as_it_was_written() -> None:
    written = file_fields(PDF)

    assert read_file(written["file_data"], written["filename"], None, "x") == PDF
    assert read_file("JVBERi0=", "a.pdf", None, "x") == PDF


@pytest.mark.parametrize(("title", "name"), [("", "document.pdf"), ("a", "a.pdf"), ("A.PDF", "A.PDF")])
def test_a_pdf_has_a_name_that_says_what_it_is(title: str, name: str) -> None:
    assert file_fields(Document("application/pdf", "JVBERi0=", title=title))["filename"] == name


def test_a_plain_file_is_its_text() -> None:
    assert read_file("data:text/plain;base64,aGk=", "t", "long", "x") == Document(
        "text/plain", text="hi", title="t", cached="long"
    )


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param("data:text/html;base64,aGk=", Unsupported, id="another kind"),
        pytest.param("data:text/plain;base64,!", BadRequest, id="no base64"),
        pytest.param("data:text/plain;base64,/w==", BadRequest, id="no UTF-8"),
        pytest.param("aGk=", BadRequest, id="no data URL"),
        pytest.param(None, BadRequest, id="nothing"),
    ],
)
def test_another_file_is_refused(data: Any, error: type[Exception]) -> None:  # any JSON value
    with pytest.raises(error):
        read_file(data, "", None, "x")


@pytest.mark.parametrize(
    ("document", "carried", "codes"),
    [
        pytest.param(PDF, [PDF], [], id="a PDF"),
        pytest.param(
            Document("application/pdf", "JVBERi0=", title="a", context="c"),
            [Text("Document: a\nc"), Document("application/pdf", "JVBERi0=", title="a")],
            ["changed.document"],
            id="with a context",
        ),
        pytest.param(
            Document("text/plain", text="t", cited=True, cached="short"),
            [Text("t", "short")],
            ["dropped.citations", "changed.document"],
            id="a text",
        ),
        pytest.param(
            Document("text/plain", text="t", title="a"), [Text("Document: a\n\nt")], ["changed.document"], id="titled"
        ),
    ],
)
def test_of_a_document_is_carried_what_can_be(document: Document, carried: list[Any], codes: list[str]) -> None:
    losses = Losses()

    assert carried_document(document, losses) == carried
    assert losses.codes == codes


def test_another_document_is_refused() -> None:
    with pytest.raises(Unsupported):
        carried_document(Document("image/tiff", "AAAA"), Losses())
