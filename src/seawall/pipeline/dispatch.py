"""The innermost call: one attempt at the exchange's target, over the only way out."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamError
from seawall.core.receipt import Receipt
from seawall.core.target import Target, Timeouts
from seawall.dialects.dialect import MODELS
from seawall.pipeline.exchange import Exchange, Headers, Reply
from seawall.pipeline.stream import StreamReply
from seawall.ports.upstream import Upstream, UpstreamReply, UpstreamRequest

MAX_ANSWER: Final = 64 * 1024 * 1024
MAX_ERROR: Final = 1024 * 1024
PATIENCE: Final = 0.6  # the share of the time left that a silent target gets while another one is left
_GOOD_STATUS: Final = range(200, 300)
_ERROR_STATUS: Final = 400

RenderHead: TypeAlias = Callable[[Target, Headers], bytes]
PickHeaders: TypeAlias = Callable[[list[tuple[bytes, bytes]]], list[tuple[bytes, bytes]]]


@dataclass(frozen=True, slots=True)
class Outlet:
    """What every dispatch needs of the house: the upstream, and what may cross over in either direction."""

    upstream: Upstream
    render_head: RenderHead
    pick_headers: PickHeaders


class Dispatch:
    """Send the exchange to its target and bring the answer back, whole or as a stream that has begun."""

    __slots__ = ("_hold_back_s", "_outlet", "_timeouts")

    def __init__(self, outlet: Outlet, timeouts: Timeouts, hold_back_s: float) -> None:
        self._outlet = outlet
        self._timeouts = timeouts
        self._hold_back_s = hold_back_s

    async def __call__(self, exchange: Exchange) -> Reply:
        """Make one attempt.

        Raises:
            UpstreamError: the provider failed, or refused; its headers that may be passed on are on the error.
            SeawallError: the watchdog's reason, where it interrupted.
        """
        watchdog = exchange.watchdog
        began_s = watchdog.now_s()
        answer: UpstreamReply | None = None
        try:
            request = self._request(exchange)
            if exchange.wants_stream:
                watchdog.phase("first_token", self._timeouts.first_token_s)
            elif (answer_s := self._answer_s(exchange)) is not None:
                watchdog.phase("answer", answer_s)
            answer = await self._outlet.upstream.send(_used(exchange), request)
            return await self._reply(exchange, answer)
        except BaseException as error:
            watchdog.end_phase()
            if answer is not None:
                answer.abort()
                if isinstance(error, UpstreamError):
                    error.headers = tuple(self._outlet.pick_headers(answer.headers))
            if isinstance(error, asyncio.CancelledError) and (reason := watchdog.take(SeawallError)):
                raise reason from None
            raise
        finally:
            exchange.provider_wait_s += watchdog.now_s() - began_s

    def _answer_s(self, exchange: Exchange) -> float | None:
        """Say how long an answer in one piece is waited for, before another target may be asked."""
        if self._timeouts.answer_s is not None or not exchange.legs_left:
            return self._timeouts.answer_s
        left_s = exchange.watchdog.deadline_s - exchange.watchdog.now_s()
        return PATIENCE * left_s if left_s < math.inf else None

    def _request(self, exchange: Exchange) -> UpstreamRequest:
        target, endpoint = exchange.target, exchange.sends
        if target is None or target.provider.dialect != exchange.speaks.name:
            raise RuntimeError("an attempt needs a target, and a request in its dialect")
        path = target.provider.path + endpoint.path
        if endpoint is MODELS and exchange.model_id:
            path = f"{path}/{exchange.model_id}"
        if exchange.query and exchange.translation is None:
            path = f"{path}?{exchange.query}"
        return UpstreamRequest(
            target.provider.origin,
            endpoint.method,
            path,
            self._outlet.render_head(target, exchange.headers),
            b"" if exchange.body is None else exchange.body.render(),
            self._timeouts,
        )

    async def _reply(self, exchange: Exchange, answer: UpstreamReply) -> Reply:
        if answer.status not in _GOOD_STATUS:
            if answer.status >= _ERROR_STATUS:
                raise exchange.speaks.read_error(answer.status, await answer.read_all(MAX_ERROR))
            raise UpstreamBroken(f"the provider answered with status {answer.status}; expected an answer or an error")
        headers, translation = self._outlet.pick_headers(answer.headers), exchange.translation
        if exchange.wants_stream:
            return Reply(answer.status, headers, stream=await self._stream(exchange, answer))
        body = await answer.read_all(MAX_ANSWER)
        exchange.watchdog.end_phase()
        facts = exchange.speaks.read_reply(exchange.sends, body)
        return Reply(answer.status, headers, body if translation is None else translation.whole(body), facts)

    async def _stream(self, exchange: Exchange, answer: UpstreamReply) -> StreamReply:
        kind = next((value for name, value in answer.headers if name == b"content-type"), b"")
        if not kind.lower().startswith(b"text/event-stream"):
            exchange.speaks.read_reply(exchange.sends, await answer.read_all(MAX_ANSWER))
            raise UpstreamBroken("the provider answered a request for a stream with something else")
        taps = exchange.taps[::-1]  # what was registered nearest to the provider sees its frames first
        if exchange.translation is not None:
            taps.insert(0, exchange.translation.tap())
        stream = StreamReply(answer, exchange.speaks.stream_reader(), taps, exchange.watchdog, self._timeouts.idle_s)
        exchange.facts = stream.facts
        await stream.open(self._hold_back_s)
        return stream


def _used(exchange: Exchange) -> Receipt:
    """Take the exchange's receipt: each is good for one dispatch."""
    receipt, exchange.receipt = exchange.receipt, None
    if receipt is None:
        raise RuntimeError("an attempt needs a receipt: nothing is sent before its worst case is held")
    return receipt
