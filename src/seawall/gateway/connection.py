"""One client connection of the data port: HTTP/1.1 (RFC 9112) over llhttp, one request at a time.

llhttp refuses what request smuggling is mostly made of: lengths beside transfer codings, doubled or odd lengths, folded
fields, control characters, bare line feeds. Added here: exactly one Host and a plain one, no coding but `chunked`, no
second credential, bounds on the head, on the body and on pipelined requests. Why this is ours and no server library's:
docs/decisions/0006-data-port.md.
"""

import asyncio
import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import httptools

from seawall.gateway.request import HIGH_WATER, Request

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 128
MAX_PIPELINED: Final = 16
HEAD_S: Final = 10.0
KEEP_ALIVE_S: Final = 75.0
STALLED_S: Final = 60.0
LINGER_S: Final = 2.0

_HOST: Final = re.compile(rb"[A-Za-z0-9._~-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_SINGLE: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"authorization", b"x-api-key"})
_REFUSAL: Final = (
    b'{"error":{"message":"the request is not one that HTTP/1.1 allows in only one reading",'
    b'"type":"invalid_request_error","param":null,"code":"request.http"}}'
)


class RefusedHead(Exception):
    """Two servers could read this head in two ways, or it is too large; the parser makes it its own error."""


@dataclass(slots=True)
class Port:
    """What a connection needs of its server: how to run a request, and the set of open connections to be in."""

    loop: asyncio.AbstractEventLoop
    run: Callable[["Connection", Request], None]
    open: set["Connection"]
    max_connections: int
    is_draining: bool = False


class Connection(asyncio.Protocol):
    """Parse requests, run them one after the other, and write their answers.

    A request is answered by `respond`, or by `begin`, `write` … and then `end` or `cut`; the next one starts then.
    `deadline_s`, on the loop's clock, is when the server's sweep closes the connection.
    """

    def __init__(self, port: Port) -> None:
        self.loop = port.loop
        self.deadline_s = math.inf
        self.current: Request | None = None
        self._port = port
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)  # until connection_made
        self._incoming = Request(self)
        self._waiting: deque[Request] = deque()
        self._head_size = 0
        self._is_paused = False
        self._is_started = False
        self._is_deaf = False  # nothing that still comes is read as a request
        self._drained: asyncio.Future[None] | None = None
        self._is_chunked = False

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
        """Tell the running request that nobody will read its answer."""
        del exc
        self._port.open.discard(self)
        self._is_deaf = True
        self.deadline_s = math.inf
        self._waiting.clear()
        self.resume_writing()
        if self.current is not None:
            self.current.lose()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and start the request whose head is complete."""
        if self._is_deaf:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse()
        if self.current is not None and not self._is_started:
            self._is_started = True
            self._port.run(self, self.current)

    def _refuse(self) -> None:
        """Answer what is no request and close; a request that is being answered keeps its answer."""
        self._is_deaf = True
        if self.current is not None and self._is_started and self.current.is_whole:
            self.current.keep_alive = False
            return
        if self.current is not None:
            self.current.lose()
        self._waiting.clear()
        self.current = None
        length = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(_REFUSAL)
        self._transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n" + length + _REFUSAL)
        self._linger()

    # The parser's calls

    def on_message_begin(self) -> None:
        """Begin a request; its head has `HEAD_S` to arrive."""
        self._incoming = Request(self)
        self._head_size = 0
        if self.current is None:
            self.deadline_s = self.loop.time() + HEAD_S

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._grow(len(url))
        self._incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field."""
        self._grow(len(name) + len(value))
        name = name.lower()
        headers = self._incoming.headers
        if name in headers:
            if name in _SINGLE:
                raise RefusedHead
            value = headers[name] + b", " + value
        headers[name] = value

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD or len(self._incoming.headers) >= MAX_FIELDS:
            raise RefusedHead

    def on_headers_complete(self) -> None:
        """Refuse what two servers could read in two ways (RFC 9112 §3.2, §6.1), and queue the rest."""
        request, parser = self._incoming, self._parser
        host = request.headers.get(b"host")
        if host is None or not _HOST.fullmatch(host):
            raise RefusedHead
        coding = request.headers.get(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":
            raise RefusedHead
        request.method = parser.get_method().decode("ascii")
        request.is_old = parser.get_http_version() != "1.1"
        request.keep_alive = not request.is_old and parser.should_keep_alive()
        if self.current is None:
            self.current = request
            self.deadline_s = math.inf
        elif len(self._waiting) < MAX_PIPELINED:
            self._waiting.append(request)
            self.pause_reading()
        else:
            raise RefusedHead

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._incoming.take(body)

    def on_message_complete(self) -> None:
        """Note that a request is whole."""
        self._incoming.complete()

    # Flow

    def pause_reading(self) -> None:
        """Stop taking bytes from the client."""
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes from the client again."""
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """Hold writers back: the client does not read. It has `STALLED_S` to go on."""
        self._drained = self.loop.create_future()
        self.deadline_s = self.loop.time() + STALLED_S

    def resume_writing(self) -> None:
        """Let writers go on."""
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None
            self.deadline_s = math.inf

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

    def begin(self, request: Request, head: bytes) -> None:
        """Open a streamed answer; an HTTP/1.0 client gets it up to the connection's end."""
        self._is_chunked = not request.is_old
        framing = b"transfer-encoding: chunked\r\n\r\n" if self._is_chunked else b"connection: close\r\n\r\n"
        self.write_now(head + framing)

    async def write(self, data: bytes) -> None:
        """Write a piece of a streamed answer, and wait while the client does not read."""
        if self._transport.is_closing():
            return
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        if self._drained is not None:
            await self._drained

    def end(self, request: Request) -> None:
        """End a streamed answer cleanly."""
        if self._is_chunked:
            self.write_now(b"0\r\n\r\n")
        self._done(request)

    def cut(self, request: Request) -> None:
        """End a streamed answer so that no client takes it for complete: what was written goes out, then it breaks."""
        request.keep_alive = False
        if not self._is_chunked and not self._transport.is_closing():
            self._transport.abort()  # an HTTP/1.0 client tells a broken answer only by a reset
        self._is_chunked = False
        self._done(request)

    def _keeps(self, request: Request) -> bool:
        return request.keep_alive and request.is_whole and not self._port.is_draining

    def _done(self, request: Request) -> None:
        """Start the next request, wait for one, or close."""
        if self.current is not request:
            return
        self.current, self._is_started = None, False
        if not self._keeps(request):
            self._is_deaf = True
            if request.is_whole:
                self._transport.close()
            else:
                self._linger()
        elif self._waiting:
            self.current, self._is_started = self._waiting.popleft(), True
            self._port.run(self, self.current)
        else:
            self.deadline_s = self.loop.time() + KEEP_ALIVE_S
            if self._is_paused:
                self.resume_reading()

    def _linger(self) -> None:
        """Close after the client has had time to read: closing on unread bytes would reset what was just written."""
        if self._transport.is_closing():
            return
        self.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.deadline_s = self.loop.time() + LINGER_S

    def close_if_due(self, now_s: float) -> None:
        """Close a connection that is too slow, idle for too long or lingering; the server's sweep calls this."""
        if now_s >= self.deadline_s:
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close a connection between two requests; one that is being answered closes after its answer."""
        if self.current is None and not self._is_deaf:
            self._transport.close()
