"""HTTP/1.1 on bare sockets, so that every byte of an answer is ours: also the wrong ones.

An ASGI server would refuse to send a wrong Content-Length or half a header; here a handler is given the connection's
`Line` and writes what it wants. One request of a connection is served at a time.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final, cast

import httptools

BODY_CAP: Final = 64 * 1024 * 1024
HEADER_CAP: Final = 64 * 1024
_PIPELINED: Final = 4
_DISCARD_S: Final = 2.0
_BACKLOG: Final = 1_024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_BAD: Final = (
    b'{"error":{"message":"This is not an HTTP/1.1 request.","type":"invalid_request_error","param":null,"code":null}}'
)
_BAD_HEAD: Final = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
)
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: closing sends RST


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; `is_too_large` means that its body was not read, or not all of it."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    peer: str
    is_kept_alive: bool
    is_http10: bool
    is_too_large: bool = False


Handler = Callable[[Request, "Line"], Coroutine[None, None, None]]


class Line(asyncio.Protocol):
    """One client's connection.

    A handler writes to it and is cancelled when the client goes away; `is_lost` then says so.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._peer = ""
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None
        self._closes = False
        self._discards = False
        self._has_written = False
        self.is_lost = False
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._is_in_head = True
        self._body: list[bytes] = []
        self._body_bytes = 0

    # What a handler uses.

    async def write(self, data: bytes) -> None:
        """Write bytes at once and wait until the system has taken them all, for ever if the client is gone."""
        if self.is_lost or self._transport.is_closing():
            await self.lost()
        self.write_last(data)
        if self._drained is not None:
            await self._drained

    def write_last(self, data: bytes) -> None:
        """Write bytes at once without waiting."""
        if not self.is_lost and not self._transport.is_closing():
            self._has_written = True
            self._transport.write(data)

    async def lost(self) -> None:
        """Wait until the client goes away, which cancels the handler."""
        await self._loop.create_future()

    def close_after(self) -> None:
        """Close the connection in good order when the handler returns."""
        self._closes = True

    def reset(self) -> None:
        """Break the connection at once with a TCP reset; what was written before is on its way."""
        self._closes = True
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases
        self._transport.set_write_buffer_limits(high=0)  # so that waiting means: the system has it
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._server.lines.add(self)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop whatever was being answered."""
        del exc
        self.is_lost = True
        self._unwatch()
        self._server.lines.discard(self)
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """Let writers wait: the client reads more slowly than we write."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._discards:
            return
        try:
            self._parser.feed_data(data)
            self._check_head(len(data))
        except httptools.HttpParserUpgrade:
            self._discards = True  # RFC 9110 §7.8: a server may ignore an upgrade; the request itself was taken
        except httptools.HttpParserError:
            self._refuse()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._begin()
        if self._task is None:
            self._watch()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field."""
        self._headers.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Look at what decides how the body is read."""
        self._is_in_head = False
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == b"content-length" and int(value) > BODY_CAP:
                self._take(is_too_large=True)
            elif lowered == b"expect" and value.lower() == b"100-continue":
                self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._discards:
            return
        self._body.append(body)
        self._body_bytes += len(body)
        if self._body_bytes > BODY_CAP:
            self._body.clear()
            self._take(is_too_large=True)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        if not self._discards:
            self._take(is_too_large=False)

    def _check_head(self, size: int) -> None:
        """Refuse headers without an end; the parser shows a field only when it is complete."""
        self._head_bytes += size
        if self._is_in_head and self._head_bytes > HEADER_CAP:
            self._refuse()

    def _take(self, *, is_too_large: bool) -> None:
        self._discards = is_too_large
        request = Request(
            method=self._parser.get_method().decode("ascii"),
            target=self._url.decode("latin-1"),
            headers=tuple(self._headers),
            body=b"".join(self._body),
            peer=self._peer,
            is_kept_alive=self._parser.should_keep_alive() and not is_too_large,
            is_http10=self._parser.get_http_version() == "1.0",
            is_too_large=is_too_large,
        )
        self._waiting.append(request)
        if len(self._waiting) > _PIPELINED:
            self._transport.abort()
        elif self._task is None:
            self._unwatch()
            self._task = self._server.own(self._serve())

    def _refuse(self) -> None:
        self._discards = True
        if self._task is not None:
            return  # its answer is the last on this connection
        self._transport.write(_BAD_HEAD % len(_BAD) + _BAD)
        self._close()

    async def _serve(self) -> None:
        try:
            while self._waiting and not self._closes:  # a request after the last answer is not served
                request = self._waiting.popleft()
                self._closes = not request.is_kept_alive
                self._has_written = False
                await self._server.handler(request, self)
        except Exception:
            if not self._has_written:
                self._transport.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")
            self._closes = True
            raise
        finally:
            self._task = None
            if not self.is_lost:
                self._rest()

    def _rest(self) -> None:
        if self._closes or self._discards:
            self._close()
        else:
            self._watch()

    def _close(self) -> None:
        """Close; while the client still sends, only our half, since closing would reset what it has not read yet."""
        if not self._discards:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()
            self._unwatch()
            self._timer = self._loop.call_later(_DISCARD_S, self._transport.abort)

    def _watch(self) -> None:
        self._unwatch()
        self._timer = self._loop.call_later(self._server.idle_s, self._transport.close)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Server:
    """Listen on a port and hand every request to one handler; owns all connections and their tasks."""

    def __init__(self, handler: Handler, idle_s: float = 75.0) -> None:
        self.handler = handler
        self.idle_s = idle_s
        self.lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the port.

        Raises:
            OSError: the address cannot be listened on.
        """
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Line(self), host, port, backlog=_BACKLOG)
        found: int = self._listener.sockets[0].getsockname()[1]
        return found

    def own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run a connection's work as a task that `aclose` ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "a sandbox request failed", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)

    async def aclose(self) -> None:
        """Stop listening, reset every connection and wait for their tasks."""
        if self._listener is None:
            return
        self._listener.close()
        for line in list(self.lines):
            line.reset()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._listener.wait_closed()
        self._listener = None
