"""The data port's ASGI application: from a request's head to its answer's last byte."""

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from seawall.assembly.live import Live
from seawall.assembly.path import dialect_of
from seawall.core.error import BadRequest, BodyTooLarge, Refused, SeawallError, UpstreamError
from seawall.core.money import usd_text
from seawall.gateway.answer import body, error_answer, reply_headers, start
from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.stream import StreamReply
from seawall.pipeline.watchdog import HungUp, Kennel, Watchdog
from seawall.ports.clock import Clock

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

BODY_S: Final = 30.0
_QUERY_NAMES: Final = frozenset({"beta", "limit", "before_id", "after_id", "after", "order"})
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*")
_log = logging.getLogger("seawall.gateway")
_draw = random.Random()  # noqa: S311  # ids have to differ, not to be secret


def new_id(at_s: float) -> str:
    """Make a request id: 48 bits of milliseconds, so that ids sort by time, and 80 random ones (as UUID version 7)."""
    return f"req_{int(at_s * 1000):012x}{_draw.getrandbits(80):020x}"


class Gateway:
    """Answer calls on the data port, and the probes `/healthz` and `/readyz`."""

    def __init__(self, live: Live, kennel: Kennel, clock: Clock, scrub: Callable[[str], str]) -> None:
        self._live = live
        self._kennel = kennel
        self._clock = clock
        self._scrub = scrub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3).

        When the client is gone, the watchdog cancels what is being waited for, and the call ends without an answer.
        """
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path in ("/healthz", "/readyz"):
            await _answer(send, 200, [(b"content-type", b"application/json")], b'{"status":"ok"}')
            return
        watchdog = self._kennel.watch(_running_task())
        connection = scope["extensions"]["seawall.connection"]["is"]
        connection.on_lost = watchdog.hang_up
        exchange = self._exchange(scope, receive, watchdog)
        try:
            reply = await self._live.entry.call(exchange)
            headers = reply_headers(exchange, reply)
            if reply.stream is None:
                await _answer(send, reply.status, headers, reply.body)
            else:
                await send(start(reply.status, headers))
                await self._pump(exchange, reply.stream, send)
        except HungUp:
            pass
        except SeawallError as error:
            await self._refuse(exchange, error, send)
        finally:
            connection.on_lost = None
            watchdog.close()

    def _exchange(self, scope: Scope, receive: Receive, watchdog: Watchdog) -> Exchange:
        headers = dict(scope["headers"])
        place = self._live.entry.paths.find(scope["method"], scope["path"])
        query = scope["query_string"]
        at_s = self._clock.wall_s()
        asked = Asked(
            dialect_of(place, headers),
            place.endpoint,
            headers,
            lambda limit: _read_body(headers, receive, limit),
            place.route,
            place.model_id,
            _forwarded_query(query) if query else "",
        )
        exchange = Exchange(new_id(at_s), at_s, watchdog, asked)
        exchange.trace_id = _trace_id(headers.get(b"traceparent")) or exchange.id[4:]
        return exchange

    async def _pump(self, exchange: Exchange, stream: StreamReply, send: Send) -> None:
        """Send a stream to its end. A broken one gets one error event and no clean end: the connection is closed."""

        async def write(chunk: bytes) -> None:
            await send(body(chunk, more=True))

        try:
            await stream.pump(write)
        except HungUp:
            return
        except SeawallError as error:
            self._note_failure(exchange, error)
            await write(exchange.dialect.error_frame(self._presentable(error), exchange.id))
            return  # without a last chunk; the server closes the connection, and no client takes it for complete
        if exchange.headers.get(b"x-seawall-trailer") == b"cost":
            cost_nusd = sum(attempt.cost_nusd or 0 for attempt in exchange.attempts)
            await write(b": x-seawall-cost-usd " + usd_text(cost_nusd).encode() + b"\n\n")
        await send(body(b""))
        await stream.drain()

    async def _refuse(self, exchange: Exchange, error: SeawallError, send: Send) -> None:
        self._note_failure(exchange, error)
        headers, text = error_answer(exchange, self._presentable(error))
        await _answer(send, error.status, headers, text)

    def _presentable(self, error: SeawallError) -> SeawallError:
        """Clear a provider's own words of credentials before a client reads them."""
        if isinstance(error, UpstreamError):
            error.args = (self._scrub(str(error)),)
        return error

    def _note_failure(self, exchange: Exchange, error: SeawallError) -> None:
        if not isinstance(error, Refused):
            _log.warning("call failed", extra={"fields": {"request_id": exchange.id, "error": error.code}})


def _running_task() -> "asyncio.Task[Any]":
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("an ASGI call runs in a task")
    return task


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], data: bytes) -> None:
    await send(start(status, headers))
    await send(body(data))


async def _read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """Read the whole body; by its announced length an oversized one is refused before a byte of it is read.

    Raises:
        BodyTooLarge: it is longer than `limit`.
        BadRequest: it is compressed, or does not arrive within `BODY_S`.
        HungUp: the client left before its end.
    """
    length = headers.get(b"content-length")
    if length is not None and int(length) > limit:
        raise BodyTooLarge(f"the body has {int(length)} bytes; expected at most {limit}")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise BadRequest("content-encoding: expected an uncompressed body", code="request.encoding")
    message = await receive()
    if not message.get("more_body", False) and message["type"] == "http.request":
        data: bytes = message["body"]
    else:
        try:
            async with asyncio.timeout(BODY_S):
                data = await _gather(message, receive, limit)
        except TimeoutError:
            raise BadRequest(f"the body took longer than {BODY_S:.0f} s to arrive", code="request.slow") from None
    if len(data) > limit:
        raise BodyTooLarge(f"the body is longer than {limit} bytes")
    return data


async def _gather(message: Message, receive: Receive, limit: int) -> bytes:
    pieces = bytearray()
    while message["type"] == "http.request":
        pieces += message["body"]
        if not message.get("more_body", False) or len(pieces) > limit:
            return bytes(pieces)
        message = await receive()
    raise HungUp("the client closed its connection in the middle of its body")


def _forwarded_query(query: bytes) -> str:
    """Keep the parameters that the dialects define; anything else, a key in the wrong place too, stays here."""
    pairs = parse_qsl(query.decode("latin-1"), max_num_fields=32)
    return urlencode([(name, value) for name, value in pairs if name in _QUERY_NAMES])


def _trace_id(traceparent: bytes | None) -> str:
    """Give the trace id of a W3C traceparent, or nothing for one that is not valid."""
    if traceparent is None:
        return ""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1].decode() if match and match[1] != b"0" * 32 else ""
