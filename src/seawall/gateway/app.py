"""What the data port answers: from a request's head to its answer's last byte."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import httptools

from seawall.assembly.arrival import forwarded_query, new_exchange
from seawall.assembly.failure import presentable
from seawall.assembly.head import error_head, reply_head
from seawall.assembly.live import Live
from seawall.assembly.path import dialect_of
from seawall.core.error import BadRequest, Refused, SeawallError, Stopping
from seawall.core.money import usd_text
from seawall.gateway.connection import Connection
from seawall.gateway.request import Request
from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.watchdog import HungUp, Kennel, Watchdog
from seawall.ports.clock import Clock

BODY_S: Final = 30.0
_PROBE_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_NOT_READY_HEAD: Final = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
_log = logging.getLogger("seawall.gateway")


class Gateway:
    """Answer calls, and the probes `/healthz` and `/readyz`.

    `scrub` clears a text of credentials; error messages go through it before a client reads them. `can_hold` says
    whether budgets can be held now; without it, that is not asked.
    """

    def __init__(
        self,
        live: Live,
        kennel: Kennel,
        clock: Clock,
        scrub: Callable[[str], str],
        can_hold: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._live = live
        self._can_hold = can_hold
        self._kennel = kennel
        self._clock = clock
        self._scrub = scrub
        self._loop = asyncio.get_running_loop()

    async def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request.

        When the client is gone, the watchdog interrupts what is being waited for, and the call ends without an answer.
        """
        if request.is_lost:
            return
        path, query = _split_url(request.url)
        if path in ("/healthz", "/readyz"):
            lack = await self._lack(connection) if path == "/readyz" else ""
            head = _NOT_READY_HEAD if lack else _PROBE_HEAD
            connection.respond(request, head, b'{"status":"%b"}' % (lack or "ok").encode())
            return
        task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a request is answered in a task")
        watchdog = self._kennel.watch(task)
        try:
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
                text = exchange.dialect.error_body(presentable(error, self._scrub), exchange.id)
                connection.respond(request, error_head(exchange, error), text)
        finally:
            request.on_lost = None
            watchdog.close()

    def interrupt(self) -> None:
        """Ask every running call to end now, with an error that its client understands."""
        for watchdog in tuple(self._kennel.watching):
            watchdog.interrupt(
                Stopping("the gateway stops, and the call was not complete at the end of its grace time")
            )

    async def _lack(self, connection: Connection) -> str:
        """Say why no call should be sent here, if there is a reason."""
        if self._can_hold is not None and self._live.entry.policy.budgets and not await self._can_hold():
            return "ledger unavailable"
        return "draining" if connection.is_draining else ""

    def _exchange(self, request: Request, path: str, query: bytes, watchdog: Watchdog) -> Exchange:
        headers = request.headers
        place = self._live.entry.paths.find(request.method, path)
        at_s = self._clock.wall_s()
        asked = Asked(
            dialect_of(place, headers),
            place.endpoint,
            headers,
            partial(_read_body, request),
            place.route,
            place.model_id,
            forwarded_query(query) if query else "",
        )
        return new_exchange(at_s, watchdog, asked)

    async def _pump(self, exchange: Exchange, stream: ReplyStream, connection: Connection, request: Request) -> None:
        """Send a stream to its end. A broken one gets one error event, and then the connection breaks."""
        try:
            await stream.pump(connection.write)
        except HungUp:
            raise
        except SeawallError as error:
            self._note_failure(exchange, error)
            connection.cut(request, exchange.dialect.error_frame(presentable(error, self._scrub), exchange.id))
            return
        connection.end(request, _cost_comment(exchange))
        await stream.drain()

    def _note_failure(self, exchange: Exchange, error: SeawallError) -> None:
        if not isinstance(error, Refused):
            _log.warning("call failed", extra={"fields": {"request_id": exchange.id, "error": error.code}})


def _cost_comment(exchange: Exchange) -> bytes:
    """Give the trailing comment event of a client that asked for it, or nothing."""
    if exchange.headers.get(b"x-seawall-trailer") != b"cost":
        return b""
    cost_nusd = sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)
    return f": x-seawall-cost-usd {usd_text(cost_nusd)}\n\n".encode()


def _read_body(request: Request, limit: int) -> Awaitable[bytes]:
    """Read the body whole.

    Raises:
        BodyTooLarge: it is longer than `limit`.
        BadRequest: it is compressed, or does not arrive within `BODY_S`.
        HungUp: the client left before its end.
    """
    if request.headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadRequest("content-encoding: expected an uncompressed body", code="request.encoding")
    return request.read_body(limit) if request.is_whole else _read_in_time(request, limit)


async def _read_in_time(request: Request, limit: int) -> bytes:
    """Read a body of which something has still to come."""
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
