import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from seawall.gateway.connection import HEAD_S, Connection
from seawall.gateway.request import HIGH_WATER, Request
from seawall.gateway.server import DataServer
from seawall.gateway.supervisor import listen
from tests.gateway.conftest import OK, Handle, answers, get

LARGE = 20 * 1024 * 1024  # more than the kernel takes from a writer whose reader sleeps


class Running:
    """A server of one handler, and what came to it."""

    def __init__(self) -> None:
        self.listening = listen("127.0.0.1", 0)
        self.address: tuple[str, int] = self.listening.getsockname()
        self.may_answer = asyncio.Event()
        self.has_come = asyncio.Event()
        self.server = DataServer(self._handle)
        self.handle: Handle = self.wait

    async def _handle(self, connection: Connection, request: Request) -> None:
        self.has_come.set()
        await self.handle(connection, request)

    async def wait(self, connection: Connection, request: Request) -> None:
        """Answer when the test allows it."""
        await self.may_answer.wait()
        connection.respond(request, OK, b"done")

    async def stream(self, connection: Connection, request: Request) -> None:
        """Stream a beginning, and the end when the test allows it."""
        connection.begin(request, OK)
        await connection.write(b"begin")
        await self.may_answer.wait()
        connection.end(request)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to it."""
        return await asyncio.open_connection(*self.address)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    started = Running()
    await started.server.start(started.listening)
    yield started
    await started.server.aclose(0)


async def test_requests_of_one_connection_and_of_many_are_answered(running: Running) -> None:
    running.may_answer.set()

    for _ in range(3):
        reader, writer = await running.connect()
        writer.write(get("/a") + get("/b", "Connection: close"))
        assert [answer.body for answer in answers(await reader.read())] == [b"done", b"done"]
        writer.close()


async def test_close_waits_for_what_runs(running: Running) -> None:
    reader, writer = await running.connect()
    writer.write(get())
    await running.has_come.wait()

    closing = asyncio.ensure_future(running.server.aclose(10))
    await asyncio.sleep(0)
    assert not closing.done()
    running.may_answer.set()
    await closing

    (answer,) = answers(await reader.read())
    assert answer.headers["connection"] == "close"
    with pytest.raises(ConnectionRefusedError):
        await running.connect()
    writer.close()


async def test_close_sends_to_its_end_what_a_slow_client_has_not_read(running: Running) -> None:
    async def large(connection: Connection, request: Request) -> None:
        connection.respond(request, OK, b"x" * LARGE)

    running.handle = large
    reader, writer = await running.connect()
    writer.write(get())
    await running.has_come.wait()
    closing = asyncio.ensure_future(running.server.aclose(10))

    (answer,) = answers(await reader.read())

    await closing
    assert len(answer.body) == LARGE
    writer.close()


async def test_close_ends_idle_connections_soon(running: Running) -> None:
    reader, writer = await running.connect()
    running.may_answer.set()
    writer.write(get())
    await reader.readuntil(b"done")

    await running.server.aclose(10)

    assert await reader.read() == b""
    writer.close()


async def test_call_that_crosses_the_beginning_of_the_end_is_answered(running: Running) -> None:
    running.may_answer.set()
    reader, writer = await running.connect()
    writer.write(get())
    await reader.readuntil(b"done")
    closing = asyncio.ensure_future(running.server.aclose(10))
    await asyncio.sleep(0)

    writer.write(get())
    (answer,) = answers(await reader.read())

    assert answer.headers["connection"] == "close"
    await closing
    writer.close()


async def test_client_in_the_queue_is_taken_in_before_the_end(running: Running) -> None:
    running.may_answer.set()
    client = socket.create_connection(running.address)  # the loop has no turn to accept it
    closing = asyncio.ensure_future(running.server.aclose(10))
    reader, writer = await asyncio.open_connection(sock=client)

    writer.write(get())

    assert [answer.body for answer in answers(await reader.read())] == [b"done"]
    await closing
    writer.close()


async def test_end_of_the_grace_time_breaks_a_stream(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.handle = running.stream
    reader, writer = await running.connect()
    writer.write(get())
    await reader.readuntil(b"begin\r\n")

    with caplog.at_level(logging.WARNING):
        await running.server.aclose(0)

    assert await reader.read() == b"", "no end mark"
    assert "requests cut off at the end of the grace time" in caplog.text
    writer.close()


async def test_old_client_learns_of_a_broken_stream_by_a_reset(running: Running) -> None:
    async def broken(connection: Connection, request: Request) -> None:
        connection.begin(request, OK)
        await connection.write(b"begin")
        await running.may_answer.wait()
        connection.cut(request)

    running.handle = broken
    reader, writer = await running.connect()
    writer.write(b"GET /a HTTP/1.0\r\n\r\n")
    await reader.readuntil(b"begin")
    running.may_answer.set()

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_fault_of_ours_is_answered_and_logged(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    async def faulty(connection: Connection, request: Request) -> None:
        del connection, request
        raise ZeroDivisionError

    running.handle = faulty
    reader, writer = await running.connect()
    writer.write(get())

    assert [answer.status for answer in answers(await reader.read())] == [500]
    assert "a request ended in a fault of the gateway" in caplog.text
    writer.close()


@pytest.mark.parametrize("is_reset", [False, True])
async def test_client_that_leaves_is_noticed_at_once(running: Running, is_reset: bool) -> None:
    left = asyncio.Event()

    async def wait(connection: Connection, request: Request) -> None:
        del connection
        request.on_lost = left.set
        await request.read_body(1 << 20)
        running.may_answer.set()
        await left.wait()

    running.handle = wait
    _, writer = await running.connect()
    writer.write(
        b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 * HIGH_WATER) + b"x" * 2 * HIGH_WATER
    )
    await running.has_come.wait()

    if is_reset:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

    async with asyncio.timeout(HEAD_S / 2):  # whatever else would end it later takes longer
        await left.wait()
