"""The floor: the least a Python gateway must do, on uvicorn and a thin keep-alive pool, without a single guard.

It parses the request, finds the upstream by model, forwards, passes the answer on as it comes, reads the usage and
writes one log line. No keys, policy, deadline, price, limit on sizes, TLS or care for broken peers: what Seawall costs
above this is what those cost.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

import httptools
import orjson
import uvicorn

Message = dict[str, Any]  # Any: ASGI's messages are open dictionaries
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
HOP: Final = frozenset({b"connection", b"transfer-encoding", b"keep-alive"})
LOG_EVERY: Final = 64


class Exchange(asyncio.Protocol):
    """One kept-alive connection to the upstream; the one reader waits on a future for the next bytes."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._lost = False
        self._transport: Any = None  # Any: uvloop's transport is no subclass of asyncio's
        self.is_complete = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Feed the parser and wake the reader."""
        self._parser.feed_data(data)
        self._wake()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Wake the reader, who finds the answer incomplete."""
        self._lost = True
        self._wake()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header that is not only about this connection."""
        name = name.lower()
        if name not in HOP:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note the status."""
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True

    def begin(self, request: bytes) -> None:
        """Send a request and make ready for its answer."""
        self.status, self.headers, self.is_complete = 0, [], False
        self._parser: Any = httptools.HttpResponseParser(self)  # Any: the library gives no types
        self._transport.write(request)

    async def head(self) -> None:
        """Wait for status and headers."""
        while not self.status:
            await self._wait()

    async def read(self) -> bytes:
        """Wait for the next bytes; `is_complete` says whether they were the last, and the connection is given back."""
        while not self._pieces and not self.is_complete:
            await self._wait()
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        if self.is_complete:
            self._pool.idle.append(self)
        return body

    async def _wait(self) -> None:
        if self._lost:
            raise ConnectionError("the upstream closed the connection")
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Pool:
    """Idle connections to one upstream, last in, first out."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.idle: list[Exchange] = []

    async def send(self, request: bytes) -> Exchange:
        """Send on an idle connection or on a new one, and wait for the head of the answer."""
        if self.idle:
            exchange = self.idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, exchange = await loop.create_connection(lambda: Exchange(self), "127.0.0.1", self._port)
        exchange.begin(request)
        await exchange.head()
        return exchange


class Log:
    """One JSON line a call, written in batches."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lines: list[bytes] = []

    def add(self, **fields: Any) -> None:
        """Keep a line; every so many are written."""
        self._lines.append(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))
        if len(self._lines) >= LOG_EVERY:
            self._out.write(b"".join(self._lines))
            self._lines.clear()


class Bare:
    """The ASGI application."""

    def __init__(self, upstream_port: int, log: Log) -> None:
        self._pools = {"claude-haiku-5-5": Pool(upstream_port)}
        self._log = log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Forward one call."""
        if scope["type"] != "http":
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body", False):
            message = await receive()
            body += message["body"]
        model = orjson.loads(body)["model"]
        request = (
            b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: sk-ant-bench\r\n"
            b"anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        ) % (len(body), body)
        exchange = await self._pools[model].send(request)
        status = exchange.status
        await send({"type": "http.response.start", "status": status, "headers": exchange.headers})
        tail, more = b"", True
        while more:
            piece = await exchange.read()
            more = not exchange.is_complete
            tail = piece if b"usage" in piece else tail
            await send({"type": "http.response.body", "body": piece, "more_body": more})
        self._log.add(model=model, status=status, usage=_usage(tail))


def _usage(tail: bytes) -> Any:  # Any: whatever the provider counted
    if tail.startswith(b"{"):
        return orjson.loads(tail)["usage"]
    for line in tail.splitlines():
        if line.startswith(b"data:") and b'"usage"' in line:
            return orjson.loads(line[5:]).get("usage")
    return None


def main() -> None:
    """Serve until told to stop."""
    settings = json.loads(sys.argv[1])
    with Path(settings["log"]).open("wb") as out:
        uvicorn.run(
            Bare(settings["upstream_port"], Log(out)),
            host="127.0.0.1",
            port=settings["port"],
            loop="uvloop",
            http="httptools",
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            access_log=False,
            log_level="warning",
        )


if __name__ == "__main__":
    main()
