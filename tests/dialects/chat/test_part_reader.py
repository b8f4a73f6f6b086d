import base64
from typing import Any

import pytest

from seawall.core.error import BadRequest, Unsupported
from seawall.dialects.chat.part_reader import read_assistant_parts, read_texts, read_user_parts
from seawall.dialects.neutral.conversation import Document, Image, Part, Refusal, Text

PDF = "JVBERi0xLjc="


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        pytest.param(None, [], id="null"),
        pytest.param("", [], id="an empty text"),
        pytest.param("Hi", [Text("Hi")], id="a string"),
        pytest.param([{"type": "text", "text": "Hi"}, {"type": "text", "text": ""}], [Text("Hi")], id="parts"),
        pytest.param(
            [
                {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
                {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
                {"type": "text", "text": "c", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
            ],
            [Text("a", "short"), Text("b", "short"), Text("c", "long")],
            id="cache marks",
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}],
            [Image(url="https://example.com/a.png", detail="low")],
            id="an image by its address",
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "data:image/PNG;base64,QUJD"}}],
            [Image("image/png", "QUJD")],
            id="an image with its data",
        ),
        pytest.param(
            [{"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}}],
            [Document("application/pdf", PDF, title="a.pdf")],
            id="a PDF",
        ),
        pytest.param(
            [{"type": "file", "file": {"file_data": PDF}}],
            [Document("application/pdf", PDF)],
            id="a PDF without the head of a data URL",
        ),
        pytest.param(
            [{"type": "file", "file": {"file_data": "data:text/plain;charset=utf-8;base64,w6Q="}}],
            [Document("text/plain", text="ä")],
            id="a text file",
        ),
    ],
)
def test_a_users_parts_are_read(content: Any, parts: list[Part]) -> None:  # any JSON value, here and below
    assert read_user_parts(content, "messages.0.content") == parts


@pytest.mark.parametrize(
    ("content", "param"),
    [
        pytest.param(7, "m", id="a number"),
        pytest.param(["Hi"], "m.0", id="a string as a part"),
        pytest.param([{}], "m.0.type", id="a part without a type"),
        pytest.param([{"type": "audio"}], "m.0.type", id="an unknown type"),
        pytest.param([{"type": "text"}], "m.0.text", id="a text without text"),
        pytest.param([{"type": "image_url", "image_url": "x"}], "m.0.image_url", id="an image that is a string"),
        pytest.param([{"type": "image_url", "image_url": {}}], "m.0.image_url.url", id="an image without its URL"),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "ftp://example.com"}}], "m.0.image_url.url", id="another scheme"
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "data:image/png,abc"}}], "m.0.image_url.url", id="no base64"
        ),
        pytest.param(
            [{"type": "image_url", "image_url": {"url": "https://a", "detail": 1}}],
            "m.0.image_url.detail",
            id="a detail that is no text",
        ),
        pytest.param([{"type": "file", "file": {}}], "m.0.file.file_data", id="a file without data"),
        pytest.param([{"type": "file", "file": {"file_data": "abc"}}], "m.0.file.file_data", id="data without a type"),
        pytest.param(
            [{"type": "file", "file": {"file_data": PDF, "filename": 1}}], "m.0.file.filename", id="an odd name"
        ),
        pytest.param(
            [{"type": "file", "file": {"file_data": "data:text/plain;base64,%"}}],
            "m.0.file.file_data",
            id="a text file that is no base64",
        ),
        pytest.param(
            [{"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}}],
            "m.0.file.file_data",
            id="a text file that is no UTF-8",
        ),
        pytest.param(
            [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "implicit"}}],
            "m.0.prompt_cache_breakpoint.mode",
            id="an unknown mode of a cache mark",
        ),
        pytest.param(
            [{"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "1h"}}],
            "m.0.prompt_cache_breakpoint.ttl",
            id="an unknown lifetime",
        ),
    ],
)
def test_a_malformed_part_is_named_by_its_path(content: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_user_parts(content, "m")

    assert (caught.value.param, caught.value.code) == (param, "request.invalid")


@pytest.mark.parametrize(
    ("part", "param"),
    [
        pytest.param({"type": "input_audio", "input_audio": {}}, "m.0", id="audio"),
        pytest.param({"type": "file", "file": {"file_id": "file-1"}}, "m.0.file.file_id", id="a file of the provider"),
        pytest.param(
            {
                "type": "file",
                "file": {"file_data": "data:application/zip;base64," + base64.b64encode(b"x").decode()},
            },
            "m.0.file.file_data",
            id="another kind of file",
        ),
    ],
)
def test_what_no_other_dialect_has_is_refused(part: dict[str, Any], param: str) -> None:
    with pytest.raises(Unsupported) as caught:
        read_user_parts([part], "m")

    assert (caught.value.param, caught.value.code) == (param, "translation.refused")


def test_an_assistants_content_holds_texts_and_refusals() -> None:
    content = [{"type": "text", "text": "Well."}, {"type": "refusal", "refusal": "No."}]

    assert read_assistant_parts(content, "m") == [Text("Well."), Refusal("No.")]


def test_an_assistants_content_holds_nothing_else() -> None:
    with pytest.raises(BadRequest, match="expected one of text, refusal"):
        read_assistant_parts([{"type": "image_url"}], "m")


def test_instructions_and_results_hold_text_only() -> None:
    assert read_texts("Be kind.", "m") == [Text("Be kind.")]
    with pytest.raises(BadRequest, match=r"m\.0\.type: expected one of text"):
        read_texts([{"type": "image_url"}], "m")
