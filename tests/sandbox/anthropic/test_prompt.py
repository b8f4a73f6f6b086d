import base64
import struct
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from seawall.sandbox.anthropic.endpoint import count_tokens, messages
from seawall.sandbox.anthropic.model import CLAUDE
from seawall.sandbox.anthropic.prompt import segments
from seawall.sandbox.cache import LONG_S, SHORT_S
from seawall.sandbox.call import Call
from seawall.sandbox.problem import Problem
from seawall.sandbox.token import count

HAIKU = CLAUDE["claude-haiku-5-5"]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 280, 56)).decode()
PDF = base64.b64encode(b"/Type /Page /Type /Page").decode()
TEXT = {"type": "text", "text": "one two three"}


def _body(*blocks: Any, **more: Any) -> dict[str, Any]:
    return {"model": HAIKU.id, "messages": [{"role": "user", "content": list(blocks) or "one two three"}], **more}


def _tokens(body: dict[str, Any]) -> int:
    return sum(part.tokens for part in segments(body, HAIKU))


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        pytest.param(TEXT, 4, id="text"),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}, 20, id="image"
        ),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "https://a.example"}}, 1_536, id="image by address"
        ),
        pytest.param(
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            6_000,
            id="pdf",
        ),
        pytest.param({"type": "document", "source": {"type": "file", "file_id": "f"}}, 3_000, id="document by name"),
        pytest.param(
            {"type": "document", "title": "Log", "source": {"type": "text", "media_type": "text/plain", "data": "a b"}},
            3,
            id="text document",
        ),
        pytest.param(
            {"type": "document", "source": {"type": "content", "content": [TEXT, TEXT]}}, 8, id="content document"
        ),
        pytest.param({"type": "tool_result", "tool_use_id": "t", "content": [TEXT]}, 10, id="tool result"),
        pytest.param({"type": "tool_result", "tool_use_id": "t"}, 6, id="empty tool result"),
        pytest.param({"type": "search_result", "title": "T", "source": "s", "content": [TEXT]}, 5, id="search result"),
        pytest.param({"type": "tool_use", "id": "t", "name": "look", "input": {"a": 1}}, 1 + 5 + 6, id="tool call"),
        pytest.param({"type": "thinking", "thinking": "one two three", "signature": "s"}, 4, id="thinking"),
        pytest.param({"type": "thinking", "thinking": "", "signature": "x" * 60}, 10, id="thinking that is not shown"),
        pytest.param({"type": "redacted_thinking", "data": "x" * 18}, 3, id="redacted thinking"),
        pytest.param({"type": "container_upload"}, count('{"type":"container_upload"}', 4), id="anything else"),
    ],
)
def test_a_block_has_so_many_tokens(block: dict[str, Any], tokens: int) -> None:
    assert _tokens(_body(block)) == tokens + 4


def test_tools_system_and_schema_are_counted_too() -> None:
    tool = {"name": "look", "input_schema": {"type": "object"}}
    tokens = count(orjson.dumps(tool).decode(), 4)
    schema = {"const": 1}

    assert _tokens(_body(tools=[tool])) - _tokens(_body()) == tokens + 8 + 320
    assert _tokens(_body(tools=[tool, tool])) - _tokens(_body(tools=[tool])) == tokens + 8
    assert _tokens(_body(system="one two three")) - _tokens(_body()) == 4
    assert _tokens(_body(output_config={"format": {"schema": schema}})) - _tokens(_body()) == count('{"const":1}', 4)


def test_older_models_need_fewer_tokens_for_the_same_text() -> None:
    body = _body({"type": "text", "text": "reliable harbour lights"})

    assert sum(part.tokens for part in segments(body, CLAUDE["claude-opus-4-6"])) < _tokens(body)


def test_breakpoints_are_where_they_were_set() -> None:
    marked = TEXT | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = _body(TEXT, marked, TEXT, cache_control={"type": "ephemeral"})

    assert [part.ttl_s for part in segments(body, HAIKU)] == [None, LONG_S, SHORT_S]


def test_a_breakpoint_of_its_own_stays_where_automatic_caching_would_put_one() -> None:
    marked = TEXT | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}

    assert [
        part.ttl_s for part in segments(_body(marked, cache_control={"type": "ephemeral", "ttl": "1h"}), HAIKU)
    ] == [LONG_S]


def test_a_breakpoint_does_not_change_what_is_cached() -> None:
    plain, marked = _body(TEXT), _body(TEXT | {"cache_control": {"type": "ephemeral"}})

    assert [part.data for part in segments(plain, HAIKU)] == [part.data for part in segments(marked, HAIKU)]


@pytest.mark.parametrize(
    "change",
    [
        {"tool_choice": {"type": "auto"}},
        {"thinking": {"type": "adaptive"}},
        {"output_config": {"effort": "low"}},
    ],
)
def test_what_invalidates_the_messages_leaves_the_system_text(change: dict[str, Any]) -> None:
    before, after = segments(_body(system="s"), HAIKU), segments(_body(system="s", **change), HAIKU)

    assert before[0].data == after[0].data
    assert before[1].data != after[1].data


@pytest.mark.parametrize("kind", ["image", "document"])
def test_broken_base64_is_refused(make_call: Callable[..., Call], kind: str) -> None:
    media = "image/png" if kind == "image" else "application/pdf"
    source = {"type": "base64", "media_type": media, "data": "not base64!"}

    with pytest.raises(Problem, match="not valid base64"):
        count_tokens(make_call(_body({"type": kind, "source": source})))


def test_a_prompt_longer_than_the_context_is_refused(make_call: Callable[..., Call]) -> None:
    body = _body({"type": "text", "text": "a " * 210_000}, max_tokens=5) | {"model": "claude-haiku-4-5"}

    with pytest.raises(Problem, match=r"prompt is too long: \d+ tokens > 200000 maximum"):
        messages(make_call(body))


@pytest.mark.parametrize(("kind", "tokens"), [("bash_20250124", 325), ("text_editor_20250728", 700)])
def test_a_tool_that_the_provider_defines_costs_what_it_says_of_it(kind: str, tokens: int) -> None:
    body = _body(TEXT)
    tool = {"type": kind, "name": "t"}

    grown = _tokens(body | {"tools": [tool]}) - _tokens(body)

    assert grown == count(orjson.dumps(tool).decode(), 4) + 8 + 320 + tokens
