"""What the data port answers: from a request's head to its answer's last byte."""

import asyncio
import logging
import random
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httptools

from seawall.assembly.live import Live
from seawall.assembly.path import dialect_of
from seawall.core.error import BadRequest, Refused, SeawallError, UpstreamError
from seawall.core.money import usd_text
from seawall.gateway.connection import Connection
from seawall.gateway.head import error_head, reply_head
from seawall.gateway.request import Request
from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.stream import StreamReply
from seawall.pipeline.watchdog import HungUp, Kennel, Watchdog
from seawall.ports.clock import Clock

BODY_S: Final = 30.0
_QUERY_NAMES: Final = frozenset({"beta", "limit", "before_id", "after_id", "after", "order"})
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_PROBE_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_log = logging.getLogger("seawall.gateway")
_draw = random.Random()  # noqa: S311  # ids have to differ, not to be secret


def new_id(at_s: float) -> str:
    """Make a request id: 48 bits of milliseconds, so that ids sort by time, and 80 random ones (as UUID version 7)."""
    return f"req_{int(at_s * 1000):012x}{_draw.getrandbits(80):020x}"


class Gateway:
    """Answer calls, and the probes `/healthz` and `/readyz`.

    `scrub` clears a text of credentials; a provider's own error messages go through it before a client reads them.
    """

    def __init__(self, live: Live, kennel: Kennel, clock: Clock, scrub: Callable[[str], str]) -> None:
        self._live = live
        self._kennel = kennel
        self._clock = clock
        self._scrub = scrub
        self._loop = asyncio.get_running_loop()

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request.

        When the client is gone, the watchdog interrupts what is being waited for, and the call ends without an answer.
        """
        path, query = _split_url(request.url)
        if path in ("/healthz", "/readyz"):
            connection.respond(request, _PROBE_HEAD, b'{"status":"ok"}')
            return
        task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a request is answered in a task")
        watchdog = self._kennel.watch(task)
        request.on_lost = watchdog.hang_up
        exchange = self._exchange(request, path, query, watchdog)
        try:
            reply = await self._live.entry.call(exchange)
            head = reply_head(exchange, reply)
            if reply.stream is None:
                connection.respond(request, head, reply.body)
            else:
                connection.begin(request, head)
                await self._pump(exchange, reply.stream, connection, request)
        except HungUp:
            pass
        except SeawallError as error:
            self._note_failure(exchange, error)
            text = exchange.dialect.error_body(self._presentable(error), exchange.id)
            connection.respond(request, error_head(exchange, error), text)
        finally:
            request.on_lost = None
            watchdog.close()

    def _exchange(self, request: Request, path: str, query: bytes, watchdog: Watchdog) -> Exchange:
        headers = request.headers
        place = self._live.entry.paths.find(request.method, path)
        at_s = self._clock.wall_s()
        asked = Asked(
            dialect_of(place, headers),
            place.endpoint,
            headers,
            lambda limit: _read_body(request, limit),
            place.route,
            place.model_id,
            _forwarded_query(query) if query else "",
        )
        exchange = Exchange(new_id(at_s), at_s, watchdog, asked)
        traceparent = headers.get(b"traceparent")
        exchange.trace_id = (_trace_id(traceparent) if traceparent else "") or exchange.id[4:]
        return exchange

    async def _pump(self, exchange: Exchange, stream: StreamReply, connection: Connection, request: Request) -> None:
        """Send a stream to its end. A broken one gets one error event, and then the connection breaks."""
        try:
            await stream.pump(connection.write)
        except HungUp:
            raise
        except SeawallError as error:
            self._note_failure(exchange, error)
            await connection.write(exchange.dialect.error_frame(self._presentable(error), exchange.id))
            connection.cut(request)
            return
        if exchange.headers.get(b"x-seawall-trailer") == b"cost":
            cost_nusd = sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)
            await connection.write(f": x-seawall-cost-usd {usd_text(cost_nusd)}\n\n".encode())
        connection.end(request)
        await stream.drain()

    def _presentable(self, error: SeawallError) -> SeawallError:
        if isinstance(error, UpstreamError):
            error.args = (self._scrub(str(error)),)
        return error

    def _note_failure(self, exchange: Exchange, error: SeawallError) -> None:
        if not isinstance(error, Refused):
            _log.warning("call failed", extra={"fields": {"request_id": exchange.id, "error": error.code}})


async def _read_body(request: Request, limit: int) -> bytes:
    """Read the body whole.

    Raises:
        BodyTooLarge: it is longer than `limit`.
        BadRequest: it is compressed, or does not arrive within `BODY_S`.
        HungUp: the client left before its end.
    """
    if request.headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadRequest("content-encoding: expected an uncompressed body", code="request.encoding")
    if request.is_whole:
        return await request.read_body(limit)
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read_body(limit)
    except TimeoutError:
        raise BadRequest(f"the body took longer than {BODY_S:.0f} s to arrive", code="request.slow") from None


def _split_url(url: bytes) -> tuple[str, bytes]:
    """Split a request target (RFC 9112 §3.2), a proxy's absolute form too, into its path, still encoded, and query."""
    if not url.startswith(b"/"):
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            return "", b""
        return (parsed.path or b"/").decode("latin-1"), parsed.query or b""
    path, _, query = url.partition(b"?")
    return path.decode("latin-1"), query


def _forwarded_query(query: bytes) -> str:
    """Keep the parameters that the dialects define; anything else, a key in the wrong place too, stays here."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=32)
    except ValueError:
        return ""
    return urlencode([(name, value) for name, value in pairs if name in _QUERY_NAMES])


def _trace_id(traceparent: bytes) -> str:
    """Give the trace id of a W3C traceparent, or nothing for one that is not valid."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1].decode() if match and match[1] != b"0" * 32 else ""
