"""One client connection of the data port: requests in their order, and their answers, under back-pressure both ways.

Why this is ours and no server library's: docs/decisions/0006-data-port.md. How the client's bytes are cut into reads
decides nothing: requests are answered in their order, and what is no request is refused in its turn, after those that
came before it.
"""

import asyncio
import math
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

from seawall.gateway.reader import NotRequest, RequestReader
from seawall.gateway.request import HIGH_WATER, Request

MAX_PIPELINED: Final = 16
HEAD_S: Final = 10.0
KEEP_ALIVE_S: Final = 75.0
STALLED_S: Final = 60.0
LINGER_S: Final = 2.0
LONGEST_LINGER_S: Final = 30.0
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing sends a reset


def _own(status: bytes, message: bytes, kind: bytes, code: bytes) -> tuple[bytes, bytes]:
    body = b'{"error":{"message":"%b","type":"%b","param":null,"code":"%b"}}' % (message, kind, code)
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\nx-should-retry: false\r\n" % status, body


_REFUSAL: Final = _own(
    b"400 Bad Request",
    b"the request is not one that HTTP/1.1 allows in only one reading",
    b"invalid_request_error",
    b"request.http",
)
_FAULT: Final = _own(b"500 Internal Server Error", b"a fault of the gateway", b"server_error", b"gateway.fault")


@dataclass(slots=True)
class Port:
    """What a connection needs of its server: how to run a request, and the set of open connections to be in.

    `emptied` is set when the last connection closes while the server drains.
    """

    loop: asyncio.AbstractEventLoop
    run: Callable[["Connection", Request], None]
    open: set["Connection"]
    max_connections: int
    is_draining: bool = False
    emptied: asyncio.Event = field(default_factory=asyncio.Event)


class Connection(asyncio.Protocol):
    """Run requests one after the other, and write their answers.

    A request is answered by `respond`, or by `begin`, `write` … and then `end` or `cut`; the next one starts then.
    `deadline_s`, on the loop's clock, is when the server's sweep closes the connection.
    """

    def __init__(self, port: Port) -> None:
        self.loop = port.loop
        self.deadline_s = math.inf
        self.current: Request | None = None
        self._port = port
        self._reader = RequestReader(self)
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)  # until connection_made
        self._waiting: deque[Request] = deque()
        self._is_paused = False
        self._is_started = False
        self._is_deaf = False  # nothing that still comes is read as a request
        self._owes_refusal = False
        self._is_ending = False  # nothing more is answered
        self._linger_end_s = 0.0
        self._drained: asyncio.Future[None] | None = None
        self._unsent = 0
        self._is_begun = False
        self._is_chunked = False

    @property
    def is_draining(self) -> bool:
        """Say whether the server takes no new connections, and this one ends with its next answer."""
        return self._port.is_draining

    # Bytes in

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport over, unless the server is full; the first head has `HEAD_S` to arrive."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER)
        if len(self._port.open) >= self._port.max_connections:
            self._transport.abort()
            return
        self._port.open.add(self)
        self.deadline_s = self.loop.time() + HEAD_S

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the running request that nobody will read its answer.

        A client that closes only its sending half counts as gone: until something is written, the one looks like the
        other.
        """
        del exc
        port = self._port
        port.open.discard(self)
        if port.is_draining and not port.open:
            port.emptied.set()
        self._is_deaf = self._is_ending = True
        self._waiting.clear()
        self.resume_writing()
        self.deadline_s = math.inf
        if self.current is not None:
            self.current.lose()

    def data_received(self, data: bytes) -> None:
        """Read requests, and start the one whose turn it is."""
        if self._is_deaf:
            if self._linger_end_s:
                self.deadline_s = min(self.loop.time() + LINGER_S, self._linger_end_s)
            return
        try:
            self._reader.feed(data)
        except NotRequest:
            self._refuse()
        if self.current is not None and not self._is_started:
            self._is_started = True
            self._port.run(self, self.current)

    def begun(self) -> None:
        """Note that a request begins: its head has `HEAD_S` to arrive."""
        if self.current is None:
            self.deadline_s = self.loop.time() + HEAD_S

    def put(self, request: Request) -> None:
        """Make it the current request, or let it wait for its turn.

        Raises:
            NotRequest: too many wait.
        """
        if self.current is None:
            self.current = request
            self.deadline_s = math.inf
        elif len(self._waiting) < MAX_PIPELINED:
            self._waiting.append(request)
            self.pause_reading()
        else:  # all came in one read; who sends so many must be ready to send the rest again (RFC 9112 §9.3.2)
            self._waiting[-1].keep_alive = False
            raise NotRequest

    def _refuse(self) -> None:
        """Read nothing more; what is no request gets its answer after the requests before it."""
        self._is_deaf = self._owes_refusal = True
        broken = self._reader.incoming
        if not broken.is_whole:
            if self._waiting and self._waiting[-1] is broken:
                self._waiting.pop()
            elif self.current is broken:
                self.current = None
                broken.lose()
        if self.current is None:
            self._next()

    # Flow

    def pause_reading(self) -> None:
        """Stop taking bytes from the client."""
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes from the client again, unless requests wait."""
        if self._is_paused and not self._waiting and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """Hold writers back: the client does not read. It has `STALLED_S` to go on."""
        self._drained = self.loop.create_future()
        self._stall()

    def resume_writing(self) -> None:
        """Let writers go on, and the next request start."""
        drained, self._drained = self._drained, None
        if drained is None:
            return
        if not drained.done():
            drained.set_result(None)
        if self.current is not None:
            self.deadline_s = math.inf
        elif not self._is_ending:
            self._next()

    def _stall(self) -> None:
        self._unsent = self._transport.get_write_buffer_size()
        self.deadline_s = self.loop.time() + STALLED_S

    # Bytes out

    def write_now(self, data: bytes) -> None:
        """Write bytes outside any answer."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def respond(self, request: Request, head: bytes, body: bytes) -> None:
        """Write a whole answer in one go; `head` is the status line and fields, without the closing blank line."""
        if request.is_lost:
            return
        close = b"" if self._keeps(request) else b"connection: close\r\n"
        length = b"content-length: %d\r\n" % len(body)
        self._transport.write(b"".join((head, length, close, b"\r\n", b"" if request.method == "HEAD" else body)))
        self._done(request)

    def fail(self, request: Request) -> None:
        """Answer for a fault of ours: with status 500, or as `cut` does where the answer has begun."""
        if self._is_begun:
            self.cut(request)
        elif self.current is request:
            request.keep_alive = False
            self.respond(request, *_FAULT)

    def begin(self, request: Request, head: bytes) -> None:
        """Open a streamed answer; an HTTP/1.0 client gets it up to the connection's end."""
        self._is_begun = True
        self._is_chunked = not request.is_old
        framing = b"transfer-encoding: chunked\r\n\r\n" if self._is_chunked else b"connection: close\r\n\r\n"
        self.write_now(head + framing)

    async def write(self, data: bytes) -> None:
        """Write a piece of a streamed answer, and wait while the client does not read; cancelling loses nothing."""
        self._write_piece(data)
        while self._drained is not None:
            if self._drained.cancelled():  # with an earlier wait
                self._drained = self.loop.create_future()
            await self._drained

    def _write_piece(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    def end(self, request: Request, last_words: bytes = b"") -> None:
        """End a streamed answer cleanly."""
        self._write_piece(last_words)
        if self._is_chunked:
            self.write_now(b"0\r\n\r\n")
        self._done(request)

    def cut(self, request: Request, last_words: bytes = b"") -> None:
        """End a streamed answer so that no client takes it for complete: what was written goes out, then it breaks.

        An HTTP/1.0 client tells a broken answer from a whole one only by a reset, which may overtake the last words.
        """
        if self.current is not request:
            return
        request.keep_alive = False
        if self._is_begun:
            self._write_piece(last_words)
            if not self._is_chunked:
                self._reset()
        self._done(request)

    def _reset(self) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is not None and not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _keeps(self, request: Request) -> bool:
        return request.keep_alive and request.is_whole and not self._port.is_draining

    # From one request to the next

    def _done(self, request: Request) -> None:
        if self.current is not request:
            return
        self.current = None
        self._is_started = self._is_begun = False
        if self._keeps(request):
            self._next()
        elif request.is_whole:
            self._close()
        else:
            self._linger()

    def _next(self) -> None:
        """Start the next request, refuse what is none, or wait for one; a client that does not read gets no more."""
        self._is_started = False
        if self._drained is not None:
            self.pause_reading()
        elif self._waiting:
            self.current, self._is_started = self._waiting.popleft(), True
            self.deadline_s = math.inf
            self.resume_reading()
            self._port.run(self, self.current)
        elif self._owes_refusal:
            head, body = _REFUSAL
            self.write_now(b"%bcontent-length: %d\r\nconnection: close\r\n\r\n%b" % (head, len(body), body))
            self._linger()
        else:
            self.deadline_s = self.loop.time() + (HEAD_S if self._reader.is_amid else KEEP_ALIVE_S)
            self.resume_reading()

    def _close(self) -> None:
        """Close once all is sent that was written; a client that does not take it has `STALLED_S`."""
        self._is_deaf = self._is_ending = True
        self._transport.close()
        self._stall()

    def _linger(self) -> None:
        """Close after the client has had time to read: closing on unread bytes would reset what was just written."""
        self._is_deaf = self._is_ending = True
        self._waiting.clear()
        self.resume_reading()
        if not self._transport.is_closing() and self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline_s = self.loop.time() + LINGER_S
        self._linger_end_s = self.loop.time() + LONGEST_LINGER_S

    def close_if_due(self, now_s: float) -> None:
        """Close a connection that is too slow, idle for too long or lingering; the server's sweep calls this."""
        if now_s < self.deadline_s:
            return
        unsent = self._transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:  # it reads slowly, but it reads
            self._unsent = unsent
            self.deadline_s = now_s + STALLED_S
        else:
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close a connection between two requests; one amid a request closes after its answer."""
        if self.current is None and not self._is_ending and not self._reader.is_amid:
            self._close()

    def abort(self) -> None:
        """Close at once, whatever is still to be sent."""
        self._transport.abort()
