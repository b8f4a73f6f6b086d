"""Connections whose client is the test, in memory and on virtual time."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

import pytest

from seawall.gateway.connection import Connection, Port
from seawall.gateway.request import Request
from seawall.testing.virtual_loop import VirtualLoop

ON_REAL_LOOPS: Final = {
    "test_server.py",
    "test_admin.py",
    "test_worker.py",
    "test_worker_process.py",
    "test_supervisor.py",
    "test_opening.py",
    "test_spending.py",
}
OK: Final = b"HTTP/1.1 200 OK\r\n"
_HEAD: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of real sockets on the loop that serves, all others on virtual time."""
    if item.path.name in ON_REAL_LOOPS:
        import uvloop  # noqa: PLC0415  # only where it is used

        return {"uvloop": uvloop.new_event_loop}
    return {"virtual": VirtualLoop}


class Wire(asyncio.Transport):
    """The server's end of a connection in memory; the test is the client.

    `sent` is what the client has received. While `is_taken` is False the client does not read, and what is written
    waits; `take` reads some of it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._connection: asyncio.Protocol | None = None
        self._buffer = bytearray()
        self._high = 0
        self._is_stopped = False
        self._is_closing = False
        self.sent = bytearray()
        self.is_taken = True
        self.is_reading_now = True
        self.is_lost = False
        self.was_aborted = False
        self.has_sent_end = False

    # The client

    def connect(self, connection: asyncio.Protocol) -> None:
        """Open the connection."""
        self._connection = connection
        connection.connection_made(self)

    def feed(self, data: bytes) -> None:
        """Send bytes in one piece; the server must be reading."""
        assert self._connection is not None
        assert self.is_reading_now, "the server does not read"
        self._connection.data_received(data)

    def hang_up(self) -> None:
        """Close from the client's side."""
        assert self._connection is not None
        if not self._is_closing and not self._connection.eof_received():
            self.close()

    def take(self, count: int = 1 << 30) -> None:
        """Read bytes that wait."""
        assert self._connection is not None
        self.sent += self._buffer[:count]
        del self._buffer[:count]
        if self._is_stopped and len(self._buffer) <= self._high // 4:
            self._is_stopped = False
            self._connection.resume_writing()
        if self._is_closing and not self._buffer:
            self._lose()

    # The transport

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del low
        self._high = high or 0

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # as the base class has it
        del name
        return default

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        assert self._connection is not None
        assert not self._is_closing, "written after the close"
        assert not self.has_sent_end, "written after the end"
        self._buffer += data
        if self.is_taken:
            self.take()
        elif len(self._buffer) > self._high and not self._is_stopped:
            self._is_stopped = True
            self._connection.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_sent_end = True

    def pause_reading(self) -> None:
        self.is_reading_now = False

    def resume_reading(self) -> None:
        self.is_reading_now = True

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self.is_reading_now = False
        if not self._is_closing:
            self._is_closing = True
            if not self._buffer:
                self._lose()

    def abort(self) -> None:
        self.was_aborted = True
        self._buffer.clear()
        self.is_reading_now = False
        if not self.is_lost:
            self._is_closing = True
            self._lose()

    def _lose(self) -> None:
        if not self.is_lost and self._connection is not None:
            self.is_lost = True
            self._loop.call_soon(self._connection.connection_lost, None)


class Answer(NamedTuple):
    """One answer as a client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes


def answers(sent: bytes) -> list[Answer]:
    """Read all whole answers; interim ones are passed over. What is left must be nothing."""
    found: list[Answer] = []
    while sent:
        head = _HEAD.match(sent)
        assert head, sent
        sent = sent[head.end() :]
        if head[1] == b"100":
            continue
        lines = head[2].decode("latin-1").split("\r\n")[:-1]
        headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers["content-length"])
        assert len(sent) >= size, "the last answer is cut short"
        found.append(Answer(int(head[1]), headers, sent[:size]))
        sent = sent[size:]
    return found


Handle = Callable[[Connection, Request], Coroutine[Any, Any, None]]


class Served:
    """A connection, its client's end, and the requests that were started on it."""

    def __init__(self, handle: Handle | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.started: list[Request] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.faults: list[BaseException] = []
        self._handle = handle
        self.port = Port(loop, self._run, set(), 4)
        self.connection = Connection(self.port)
        self.wire = Wire(loop)
        self.wire.connect(self.connection)

    def _run(self, connection: Connection, request: Request) -> None:
        self.started.append(request)
        if self._handle is not None:
            task = asyncio.get_running_loop().create_task(self._handle(connection, request))
            self.tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faults.append(error)

    def feed(self, data: bytes) -> None:
        """Send bytes in one piece."""
        self.wire.feed(data)

    @property
    def answers(self) -> list[Answer]:
        """Give what the client has received."""
        return answers(bytes(self.wire.sent))

    def sweep(self) -> None:
        """Do what the server does once a second."""
        for connection in tuple(self.port.open):
            connection.close_if_due(asyncio.get_running_loop().time())


@pytest.fixture
async def served() -> Served:
    """Give a connection on which requests start and nobody answers them but the test."""
    return Served()


def get(path: str = "/a", *lines: str) -> bytes:
    """Write a request without a body."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: gateway", *lines, "", "")).encode()


def post(body: bytes, *lines: str, path: str = "/a") -> bytes:
    """Write a request with a body of announced length."""
    head = (f"POST {path} HTTP/1.1", "Host: gateway", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode() + body


async def turns(count: int = 5) -> None:
    """Let the loop turn a few times."""
    for _ in range(count):
        await asyncio.sleep(0)
