"""Servers that do exactly what a test tells them, and pools that leave nothing behind."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
import trustme
import uvloop

from seawall.core.target import Origin, Timeouts
from seawall.ports.upstream import UpstreamRequest
from seawall.upstreams.httpx2_adapter import Httpx2Upstream
from seawall.upstreams.pool import Pool
from seawall.upstreams.settings import UpstreamSettings

TIMEOUTS: Final = Timeouts(total_s=20, connect_s=5, first_token_s=20, idle_s=20)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test of this room on both loops that users have."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read one whole request, head and body; `b""` when the client has closed."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = await self._reader.read(1)
            if not byte:
                return b""
            head += byte
        size = next((int(v) for k, _, v in _fields(head) if k.lower() == b"content-length"), 0)
        return head + await self._reader.readexactly(size)

    def send(self, data: bytes) -> None:
        """Send bytes as they are, unless the connection is gone."""
        if not self.writer.is_closing():
            self.writer.write(data)

    def answer(self, body: bytes = b"{}", status: str = "200 OK", head: bytes = b"") -> None:
        """Send one answer with a Content-Length."""
        self.send(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (status.encode(), len(body), head, body))

    def close(self) -> None:
        """Close in the orderly way; once, since closing a TLS transport twice keeps some Pythons from aborting it."""
        if not self.writer.is_closing():
            self.writer.close()

    def reset(self) -> None:
        """Close at once."""
        self.writer.transport.abort()

    async def relay(self, port: int) -> None:
        """Carry bytes to another server and back, as a proxy does, until both ends have closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        try:
            await asyncio.gather(carry(self._reader, writer), carry(reader, self.writer))
        finally:
            writer.close()

    async def gone(self) -> bytes:
        """Wait until the client closes; give what it still sent."""
        with contextlib.suppress(ConnectionError):
            return await self._reader.read(-1)
        return b""


def _fields(head: bytes) -> list[tuple[bytes, bytes, bytes]]:
    return [line.partition(b":") for line in head.split(b"\r\n")[1:] if line]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something holds; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110  # what is waited for is the code's own state, which rings no bell
        await asyncio.sleep(0)


async def delay_s(act: Callable[[], object], effect: asyncio.Event) -> float:
    """Act, and give the seconds until its effect shows."""
    began_s = asyncio.get_running_loop().time()
    act()
    await effect.wait()
    return asyncio.get_running_loop().time() - began_s


Handler = Callable[[Peer], Awaitable[object]]


class Server:
    """A listening socket that runs a handler for each connection."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.peers: list[Peer] = []
        self.port = 0
        self.scheme = "http"
        self.faults: list[BaseException] = []

    @property
    def origin(self) -> Origin:
        """Where it listens."""
        return Origin(self.scheme, "127.0.0.1", self.port)

    @property
    def running(self) -> int:
        """How many connections are still being served."""
        return len(self._tasks)

    async def start(self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen."""
        self._listener = await asyncio.start_server(self._connected, host, port, ssl=tls, backlog=512)
        self.port = self._listener.sockets[0].getsockname()[1]
        self.scheme = "http" if tls is None else "https"

    async def stop(self) -> None:
        """Close everything, and fail where a handler failed."""
        if self._listener is not None:
            self._listener.close()
        for peer in self.peers:
            peer.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self.faults == []

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        task = asyncio.get_running_loop().create_task(self._serve(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, peer: Peer) -> None:
        try:
            await self._handler(peer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:  # noqa: BLE001  # told to the test when the server stops
            self.faults.append(error)
        finally:
            peer.close()


class Serve(Protocol):
    """Starts a server that is stopped after the test."""

    async def __call__(
        self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> Server:
        """Listen and run `handler` for each connection."""


class OpenPool(Protocol):
    """Makes a pool that is closed after the test."""

    def __call__(self, settings: UpstreamSettings = ..., **more: Any) -> Pool:
        """Make a pool; `more` goes to its constructor."""


class Ask(Protocol):
    """Makes a request."""

    def __call__(self, origin: Origin, **changes: Any) -> UpstreamRequest:
        """Make a POST of two bytes, changed as told."""


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers: list[Server] = []

    async def start(
        handler: Handler, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> Server:
        server = Server(handler)
        servers.append(server)
        await server.start(host, port, tls)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
async def open_pool(serve: Serve) -> AsyncIterator[OpenPool]:
    del serve  # asked for, so that the servers outlive the pools
    pools: list[Pool] = []

    def make(settings: UpstreamSettings = UpstreamSettings(), **more: Any) -> Pool:  # noqa: B008  # frozen
        pools.append(Pool(settings, **more))
        return pools[-1]

    yield make
    for pool in pools:
        await pool.aclose()


class OpenAdapter(Protocol):
    """Makes an adapter that is closed after the test."""

    def __call__(self, settings: UpstreamSettings = ..., proxy: str | None = None) -> Httpx2Upstream:
        """Make an adapter, by default without a proxy."""


@pytest.fixture
async def open_adapter(serve: Serve) -> AsyncIterator[OpenAdapter]:
    del serve  # asked for, so that the servers outlive the adapters
    adapters: list[Httpx2Upstream] = []

    def make(settings: UpstreamSettings = UpstreamSettings(), proxy: str | None = None) -> Httpx2Upstream:  # noqa: B008  # frozen
        adapters.append(Httpx2Upstream(settings, proxy))
        return adapters[-1]

    yield make
    for adapter in adapters:
        await adapter.aclose()


@pytest.fixture
def ask() -> Ask:
    def request(origin: Origin, **changes: Any) -> UpstreamRequest:
        fields = {
            "method": "POST",
            "path": "/v1/messages",
            "head": b"x-api-key: secret\r\n",
            "body": b"{}",
            "timeouts": TIMEOUTS,
        }
        return UpstreamRequest(origin=origin, **{**fields, **changes})

    return request


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


class ServerTls(Protocol):
    """Makes the context of a server whose certificate is good for some names."""

    def __call__(self, *names: str) -> ssl.SSLContext:
        """Issue a certificate of the test's own authority."""


@pytest.fixture
def server_tls(authority: trustme.CA) -> ServerTls:
    def make(*names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        context.set_alpn_protocols(["http/1.1"])
        return context

    return make
