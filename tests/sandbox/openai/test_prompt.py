import base64
import struct
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from seawall.sandbox.cache import AUTOMATIC_LONG_S, AUTOMATIC_S
from seawall.sandbox.call import Call
from seawall.sandbox.openai.endpoint import chat
from seawall.sandbox.openai.prompt import cached_until, segments
from seawall.sandbox.problem import Problem
from seawall.sandbox.token import count

GIF = "data:image/gif;base64," + base64.b64encode(b"GIF89a" + struct.pack("<HH", 320, 64)).decode()
PDF = "data:application/pdf;base64," + base64.b64encode(b"/Type /Page /Type /Page").decode()
TEXT = {"type": "text", "text": "one two three"}


def _image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def _body(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}], **more}


def _tokens(body: dict[str, Any]) -> int:
    return sum(part.tokens for part in segments(body))


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        pytest.param(TEXT, 3, id="text"),
        pytest.param(_image(GIF), 20, id="image"),
        pytest.param(_image(GIF, detail="low"), 85, id="image in low detail"),
        pytest.param(_image("https://a.example/x.png"), 1_536, id="image by address"),
        pytest.param({"type": "input_audio", "input_audio": {"data": "A" * 1_600, "format": "wav"}}, 10, id="audio"),
        pytest.param({"type": "file", "file": {"file_data": PDF}}, 6_000, id="pdf"),
        pytest.param({"type": "file", "file": {"file_id": "f"}}, 3_000, id="file by name"),
        pytest.param({"type": "refusal", "refusal": "one two"}, 2, id="refusal"),
    ],
)
def test_a_part_has_so_many_tokens(part: dict[str, Any], tokens: int) -> None:
    assert _tokens(_body(part)) == tokens + 3 + 3


def test_tools_schemas_calls_and_refusals_are_counted_too() -> None:
    tool = {"type": "function", "function": {"name": "look"}}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    custom = {"id": "c", "type": "custom", "custom": {"name": "look", "input": "a b"}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"const": 1}}}
    said = {"role": "assistant", "content": None}

    assert _tokens(_body(tools=[tool])) - _tokens(_body()) == count(orjson.dumps(tool).decode(), 8) + 8
    assert _tokens(_body(response_format=form)) - _tokens(_body()) == count('{"const":1}', 8)
    assert _tokens({"messages": [said | {"tool_calls": [call]}]}) == 6 + 2 + 4
    assert _tokens({"messages": [said | {"tool_calls": [custom]}]}) == 6 + count("looka b", 8) + 4
    assert _tokens({"messages": [said | {"refusal": "one two"}]}) == 6 + 2


def test_a_long_text_is_cut_so_that_a_shared_beginning_is_found() -> None:
    one, two = (
        segments(_body({"type": "text", "text": "a " * 600})),
        segments(_body({"type": "text", "text": "a " * 590 + "b"})),
    )

    shared = [first.data == second.data for first, second in zip(one, two, strict=True)]
    assert shared == [True, True, True, True, False]


def test_breakpoints_are_where_they_were_set() -> None:
    def marked(ttl: str) -> dict[str, Any]:
        return TEXT | {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}

    body = _body(marked("12h"), marked("30m"), TEXT)
    found = segments(body)

    assert [part.ttl_s for part in found[2:]] == [AUTOMATIC_LONG_S, AUTOMATIC_S, None]
    assert cached_until(body, found) == 4
    assert cached_until(body | {"prompt_cache_options": {"mode": "explicit"}}, found) == 3
    assert cached_until(_body(TEXT, prompt_cache_options={"mode": "explicit"}), segments(_body(TEXT))) == -1


@pytest.mark.parametrize(
    ("part", "says"),
    [
        pytest.param(_image("data:image/png;base64,***"), "Invalid base64 image_url", id="image"),
        pytest.param(_image("file:///etc/passwd"), "expected a base64-encoded data URL", id="another scheme"),
        pytest.param(
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,*"}},
            "Invalid base64 file_data",
            id="file",
        ),
    ],
)
def test_broken_media_are_refused(make_call: Callable[..., Call], part: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        chat(make_call(_body(part, model="gpt-5.5")))
