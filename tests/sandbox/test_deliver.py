"""What is on the wire, byte for byte, on both event loops."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from seawall.sandbox import Sandbox

Write = Callable[..., bytes]
Converse = Callable[[bytes], Awaitable[Any]]  # gives a Heard, which only the conftest names

ASK: Final = {"model": "claude-haiku-5-5", "max_tokens": 300, "messages": [{"role": "user", "content": "hi"}]}
STREAM: Final = ASK | {"stream": True}
CHAT: Final = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}


def _chunks(body: bytes) -> tuple[list[bytes], bool]:
    """Undo chunked coding; say too whether the last chunk came."""
    found: list[bytes] = []
    while match := re.match(rb"([0-9a-f]+)\r\n", body):
        size = int(match[1], 16)
        if size == 0:
            return found, body == b"0\r\n\r\n"
        found.append(body[match.end() : match.end() + size])
        body = body[match.end() + size + 2 :]
    return found, False


def _length(head: bytes) -> int:
    match = re.search(rb"content-length: (\d+)", head)
    return int(match[1]) if match else -1


async def test_a_body_has_its_length(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", ASK))

    assert heard.head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
    assert _length(heard.head) == len(heard.body)
    assert b"\r\nrequest-id: req_" in heard.head
    assert json.loads(heard.body)["type"] == "message"


async def test_a_stream_is_one_event_a_chunk(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", STREAM))
    chunks, is_whole = _chunks(heard.body)

    assert b"transfer-encoding: chunked" in heard.head
    assert is_whole
    assert all(chunk.startswith(b"event: ") and chunk.endswith(b"\n\n") for chunk in chunks)
    assert chunks[-1].startswith(b"event: message_stop")


async def test_an_old_client_gets_a_stream_without_chunks(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", STREAM).replace(b"HTTP/1.1", b"HTTP/1.0"))

    assert b"transfer-encoding" not in heard.head
    assert b"connection: close" in heard.head
    assert heard.body.startswith(b"event: message_start")
    assert not heard.was_reset


async def test_an_old_client_may_keep_its_connection(converse: Converse, request_bytes: Write) -> None:
    kept = request_bytes("/v1/messages", ASK, connection="keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")

    heard = await converse(kept + request_bytes("/v1/messages", ASK))

    assert b"connection: keep-alive" in heard.head
    assert heard.data.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("size", [0, 1, 100, 300])
@pytest.mark.parametrize("body", [ASK, STREAM], ids=["body", "stream"])
async def test_a_cut_comes_after_exactly_so_many_bytes(
    converse: Converse, request_bytes: Write, sandbox: Sandbox, size: int, body: dict[str, Any]
) -> None:
    heard = await converse(request_bytes("/v1/messages", body, x_sandbox_fault=f"cut={size}"))

    chunks, is_whole = _chunks(heard.body) if "stream" in body else ([heard.body], False)
    assert heard.was_reset
    assert not is_whole
    assert sum(map(len, chunks)) == size
    assert sandbox.meter.entries[-1].bytes_sent == size
    assert not sandbox.meter.entries[-1].hung_up


async def test_a_cut_behind_the_end_cuts_nothing(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", STREAM, x_sandbox_fault="cut=1000000"))

    assert _chunks(heard.body)[1]
    assert not heard.was_reset


async def test_headers_can_be_cut(converse: Converse, request_bytes: Write, sandbox: Sandbox) -> None:
    heard = await converse(request_bytes("/v1/messages", ASK, x_sandbox_fault="cut_headers"))

    assert heard.data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in heard.data
    assert heard.was_reset
    assert sandbox.meter.entries[-1].billed_nusd > 0


@pytest.mark.parametrize("off", [+7, -7])
@pytest.mark.parametrize("body", [ASK, STREAM], ids=["body", "stream"])
async def test_a_length_can_be_wrong(converse: Converse, request_bytes: Write, off: int, body: dict[str, Any]) -> None:
    asked = request_bytes("/v1/messages", body, x_sandbox_fault=f"wrong_length={off:+}", connection="keep-alive")
    heard = await converse(asked)

    assert _length(heard.head) == len(heard.body) + off
    assert b"connection: close" not in heard.head
    assert b"transfer-encoding" not in heard.head
    assert not heard.was_reset


async def test_a_stream_without_its_end_still_ends_cleanly(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", STREAM, x_sandbox_fault="no_terminal"))
    chunks, is_whole = _chunks(heard.body)

    assert is_whole
    assert chunks[-1].startswith(b"event: content_block_stop")


async def test_a_stream_without_any_event_is_an_empty_body(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", STREAM, x_sandbox_fault="no_terminal=9999"))

    assert heard.body == b"0\r\n\r\n"


async def test_a_repeated_event_is_the_same_bytes(converse: Converse, request_bytes: Write) -> None:
    chunks, _ = _chunks(
        (await converse(request_bytes("/v1/messages", STREAM, x_sandbox_fault="duplicate_event=4"))).body
    )

    assert chunks[4] == chunks[5]


async def test_a_stream_can_be_garbage(converse: Converse, request_bytes: Write) -> None:
    chunks, is_whole = _chunks((await converse(request_bytes("/v1/messages", STREAM, x_sandbox_fault="garbage"))).body)

    assert is_whole
    assert chunks[0].startswith(b"event: message_start")
    assert b"\xff" in chunks[-1]


async def test_an_error_event_ends_a_chat_stream_without_done(converse: Converse, request_bytes: Write) -> None:
    asked = request_bytes(
        "/v1/chat/completions", CHAT | {"stream": True}, x_sandbox_fault="error_in_stream=server_error@2"
    )
    chunks, is_whole = _chunks((await converse(asked)).body)

    assert is_whole
    assert len(chunks) == 3
    assert chunks[-1].startswith(b'data: {"error":')


async def test_a_proxy_page_is_html(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/chat/completions", CHAT, x_sandbox_fault="html_error"))

    assert heard.head.startswith(b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html")


async def test_an_overloaded_provider_says_when_to_come_back(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", ASK, x_sandbox_fault="status=529,retry_after=3"))

    assert heard.head.startswith(b"HTTP/1.1 529 Overloaded\r\n")
    assert b"\r\nretry-after: 3\r\n" in heard.head
    assert json.loads(heard.body)["error"]["type"] == "overloaded_error"


async def test_a_status_without_a_name_is_written_all_the_same(converse: Converse, request_bytes: Write) -> None:
    heard = await converse(request_bytes("/v1/messages", ASK, x_sandbox_fault="status=599"))

    assert heard.head.startswith(b"HTTP/1.1 599 Unknown\r\n")
