import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from seawall.sandbox import server
from seawall.sandbox.server import Line, Request, Server

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Desk:
    """A server whose handler keeps what it was given and answers `ok`, or does what a test puts in its place."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self.answer: Callable[[Request, Line], Awaitable[None]] = self.say_ok
        self.server = Server(self.handle)
        self.port = 0

    async def handle(self, request: Request, line: Line) -> None:
        self.seen.append(request)
        await self.answer(request, line)

    async def say_ok(self, request: Request, line: Line) -> None:
        del request
        await line.write(OK)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def converse(self, data: bytes) -> bytes:
        """Send bytes and read until the other side ends the connection."""
        reader, writer = await self.open()
        writer.write(data)
        heard = await reader.read()
        writer.close()
        return heard


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    found = Desk()
    found.port = await found.server.start("127.0.0.1", 0)
    yield found
    await found.server.aclose()


async def test_a_request_arrives_as_it_was_sent(desk: Desk) -> None:
    head = b"POST /v1?q=%20 HTTP/1.1\r\nHost: x\r\nX-Odd:  Value \r\nContent-Length: 3\r\nConnection: close\r\n\r\n"

    assert await desk.converse(head + b"\x00\xff\n") == OK

    (request,) = desk.seen
    assert (request.method, request.target, request.body, request.peer) == (
        "POST",
        "/v1?q=%20",
        b"\x00\xff\n",
        "127.0.0.1",
    )
    assert request.headers[1] == (b"X-Odd", b"Value")
    assert not request.is_kept_alive


async def test_a_chunked_body_is_put_together(desk: Desk) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    await desk.converse(head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n")

    assert desk.seen[0].body == b"abcde"


async def test_a_connection_carries_one_request_after_the_other(desk: Desk) -> None:
    reader, writer = await desk.open()
    for _ in range(3):
        writer.write(GET)
        assert await reader.readexactly(len(OK)) == OK
    writer.close()

    assert [request.target for request in desk.seen] == ["/a?b=c"] * 3


async def test_requests_that_come_together_are_answered_one_after_the_other(desk: Desk) -> None:
    reader, writer = await desk.open()
    writer.write(GET * 3)

    assert await reader.readexactly(3 * len(OK)) == OK * 3
    writer.close()


async def test_too_many_requests_at_once_end_the_connection(desk: Desk) -> None:
    with suppress(ConnectionResetError):
        assert await desk.converse(GET * 50) == b""


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_request_may_come_in_pieces(desk: Desk, pieces: int) -> None:
    data = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
    reader, writer = await desk.open()
    for start in range(0, len(data), pieces):
        writer.write(data[start : start + pieces])
        await asyncio.sleep(0)

    assert await reader.readexactly(len(OK)) == OK
    writer.close()
    assert desk.seen[0].body == b"0123456789"


@pytest.mark.parametrize(
    ("version", "kept", "is_http10"),
    [
        pytest.param(b"1.1", True, False, id="1.1"),
        pytest.param(b"1.0", False, True, id="1.0"),
    ],
)
async def test_the_version_decides_whether_the_connection_stays(
    desk: Desk, version: bytes, kept: bool, is_http10: bool
) -> None:
    reader, writer = await desk.open()
    writer.write(b"GET / HTTP/" + version + b"\r\nHost: x\r\n\r\n")
    await reader.readexactly(len(OK))
    writer.close()

    assert (desk.seen[0].is_kept_alive, desk.seen[0].is_http10) == (kept, is_http10)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no http"),
        pytest.param(b"GET / HTTP/1.1\r\nbad header\r\n\r\n", id="no header"),
        pytest.param(b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", id="a bare line feed"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two lengths"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", id="length and chunks"
        ),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="a chunk without a size"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, id="endless headers"),
        pytest.param(b"GET /" + b"a" * 70_000, id="an endless target"),
    ],
)
async def test_what_is_not_http_is_refused_and_the_connection_closed(desk: Desk, data: bytes) -> None:
    heard = await desk.converse(data)

    assert heard.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in heard
    assert desk.seen == []


async def test_what_comes_after_a_request_and_is_not_http_does_not_harm_its_answer(desk: Desk) -> None:
    assert await desk.converse(GET + b"nonsense\r\n\r\n") == OK


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n" + b"a" * 101, id="announced"),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + b"a" * 64 + b"\r\n40\r\n" + b"a" * 64,
            id="chunked",
        ),
    ],
)
async def test_a_body_beyond_the_cap_is_not_kept(desk: Desk, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_CAP", 100)

    assert await desk.converse(data) == OK

    (request,) = desk.seen
    assert request.is_too_large
    assert not request.is_kept_alive
    assert request.body == b""


async def _send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"a" * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def test_whoever_goes_on_sending_too_much_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_CAP", 100)
    monkeypatch.setattr(server, "_DISCARD_S", 0.05)
    reader, writer = await desk.open()
    writer.write(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")

    assert await reader.read() == OK
    with pytest.raises(ConnectionError):
        await _send_for_ever(writer)
    writer.close()


async def test_a_client_that_asks_may_go_on(desk: Desk) -> None:
    reader, writer = await desk.open()
    writer.write(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    writer.write(b"hi")

    assert await reader.readexactly(len(OK)) == OK
    writer.close()


async def test_an_upgrade_is_ignored(desk: Desk) -> None:
    heard = await desk.converse(b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")

    assert heard == OK


async def test_a_client_that_leaves_cancels_its_handler(desk: Desk) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(request: Request, line: Line) -> None:
        del request
        began.set()
        try:
            await line.lost()
        finally:
            assert line.is_lost
            line.write_last(b"nobody hears this")
            ended.set()

    desk.answer = wait
    _, writer = await desk.open()
    writer.write(GET)
    await began.wait()
    writer.close()

    await ended.wait()


async def test_a_slow_reader_makes_the_writer_wait(desk: Desk) -> None:
    written = 0

    async def flood(request: Request, line: Line) -> None:
        nonlocal written
        del request
        while True:
            await line.write(bytes(1_000_000))
            written += 1

    desk.answer = flood
    reader, writer = await desk.open()
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket transport can
    writer.write(GET)
    for _ in range(1_000):
        await asyncio.sleep(0)
    stuck = written
    assert stuck < 100

    writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
    while written <= stuck + 3:
        await reader.read(1_000_000)
    writer.close()


async def test_a_reset_reaches_the_client_after_what_was_written_before(desk: Desk) -> None:
    async def cut(request: Request, line: Line) -> None:
        del request
        await line.write(b"HTTP/1.1 200 OK\r\n")
        line.reset()

    desk.answer = cut
    reader, writer = await desk.open()
    writer.write(GET)

    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_an_error_of_ours_is_a_500_and_is_reported(desk: Desk) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))

    async def fail(request: Request, line: Line) -> None:
        raise ZeroDivisionError(request.target, line)

    desk.answer = fail
    heard = await desk.converse(GET)

    assert heard.startswith(b"HTTP/1.1 500 ")
    assert [type(report["exception"]) for report in reports] == [ZeroDivisionError]


async def test_an_idle_connection_is_closed(desk: Desk) -> None:
    desk.server.idle_s = 0.01
    reader, writer = await desk.open()
    assert await reader.read() == b""
    writer.close()

    assert await desk.converse(GET) == OK
    assert await desk.converse(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf") == b""


async def test_closing_ends_everything_that_runs(desk: Desk) -> None:
    began = asyncio.Event()

    async def wait(request: Request, line: Line) -> None:
        del request
        began.set()
        await line.lost()

    desk.answer = wait
    reader, writer = await desk.open()
    writer.write(GET)
    await began.wait()

    await desk.server.aclose()
    await desk.server.aclose()

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await desk.open()


async def test_an_address_that_is_taken_is_refused(desk: Desk) -> None:
    with pytest.raises(OSError, match="address already in use"):
        await Server(desk.handle).start("127.0.0.1", desk.port)


async def test_writes_are_not_held_back_by_the_system(desk: Desk) -> None:
    options: list[int] = []

    async def look(request: Request, line: Line) -> None:
        found = line._transport.get_extra_info("socket")  # what no public name shows
        options.append(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await desk.say_ok(request, line)

    desk.answer = look
    await desk.converse(GET.replace(b"Host", b"Connection: close\r\nHost"))

    assert options[0] != 0
