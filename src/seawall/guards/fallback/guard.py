"""The chain of targets: the route's model, its fallbacks after it, each with its own settings (row R2)."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.remedy import remedy_of
from seawall.core.target import Target
from seawall.dialects.dialect import MODELS, Endpoint
from seawall.dialects.json_object import JsonObject
from seawall.dialects.neutral.form import Form
from seawall.guards.fallback.continuation import ContinuedStream
from seawall.guards.fallback.rule import can_continue, continued_turns, goes_on, says_when, telling
from seawall.guards.fallback.splice import Partial
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.reply_stream import ReplyStream


@dataclass(frozen=True, slots=True)
class ChainedLeg:
    """One target and the pipeline that leads to it. `is_degraded` marks a cheaper model, no equal of the rest."""

    target: Target
    call: CallNext
    is_degraded: bool = False


@dataclass(frozen=True, slots=True)
class ChainSettings:
    """How far a chain goes.

    `max_attempts` bounds the attempts of the whole call. With `continues` a stream that breaks after its beginning was
    given out goes on at the next target; `forms` read and write the client's dialect for it.
    """

    max_attempts: int
    continues: bool
    forms: Mapping[Endpoint, Form]


class Fallback:
    """The end of a route's pipeline: send the exchange down one leg after the other until one brings an answer.

    `own` is the pipeline of a target that the exchange has already, since the client chose its model.
    """

    def __init__(self, legs: Sequence[ChainedLeg], own: CallNext, settings: ChainSettings) -> None:
        self._legs = tuple(legs)
        self._own = own
        self._settings = settings

    def __call__(self, exchange: Exchange) -> Awaitable[Reply]:
        """Bring the first answer that a leg gives, or the failure that says most.

        A leg that cannot carry the request is passed over before anything is sent. A failure of a leg leads to the next
        one only where the next may do better (`core/remedy.py`), and attempts are left.

        Raises:
            SeawallError: every leg failed, or one did in a way that no other leg can mend.
        """
        if not self._legs or exchange.endpoint is MODELS:
            return self._own(exchange)
        asked = exchange.body
        if not self._settings.continues or not exchange.wants_stream or asked is None:
            return self._first(exchange, asked, 0)
        can = can_continue(exchange.endpoint, asked.fields)
        return self._whole(exchange, asked) if can else self._first(exchange, asked, 0)

    async def _whole(self, exchange: Exchange, asked: JsonObject) -> Reply:
        """Bring the first answer's stream, which goes on at the next leg if it breaks."""
        partial = Partial(exchange.endpoint, self._settings.forms[exchange.endpoint])
        exchange.taps.append(partial.tap)
        reply = await self._first(exchange, asked, 0)
        if reply.stream is not None:
            reply.stream = self._continued(exchange, asked, reply.stream, partial)
        return reply

    async def _first(self, exchange: Exchange, asked: JsonObject | None, begin: int) -> Reply:
        """Give the first answer of the legs from `begin` on; `exchange.legs_left` tells which one it is from."""
        taps, last, keeps = len(exchange.taps), len(self._legs) - 1, self._settings.continues
        failure: SeawallError | None = None
        for number in range(begin, last + 1):
            leg = self._legs[number]
            exchange.target, exchange.legs_left = leg.target, last - number
            exchange.body = asked if asked is None or (number == last and not keeps) else asked.fork()
            del exchange.taps[taps:]
            try:
                reply = await leg.call(exchange)
            except SeawallError as error:
                failure = telling(failure, error)
                if not goes_on(error, len(exchange.attempts), self._settings.max_attempts):
                    break
            else:
                if leg.is_degraded:
                    exchange.degraded = "model"
                    exchange.note("degraded.model")
                return reply
        if failure is None:
            raise RuntimeError("a chain without legs was asked to fail")
        if len(exchange.attempts) > 1 and isinstance(failure, UpstreamError) and not says_when(failure):
            failure.should_retry = False  # a client that tries again by itself would only repeat what was done here
        raise failure

    def _continued(self, exchange: Exchange, asked: JsonObject, first: ReplyStream, partial: Partial) -> ReplyStream:
        """Let a stream go on at the legs after the one that it is from."""

        async def go_on(error: SeawallError) -> ReplyStream:
            attempts, begin = len(exchange.attempts), len(self._legs) - exchange.legs_left
            if begin == len(self._legs) or not remedy_of(error).elsewhere or attempts >= self._settings.max_attempts:
                raise error
            del exchange.taps[exchange.taps.index(partial.tap) :]
            rest = asked.fork()
            rest.set("messages", continued_turns(asked.fields["messages"], partial.text, self._legs[begin].target))
            try:
                reply = await self._first(exchange, rest, begin)
            except SeawallError as failure:
                raise telling(error, failure) from None
            if reply.stream is None:
                raise error
            exchange.note("stream.continued")
            return reply.stream

        options = asked.fields.get("stream_options")
        wants_usage = type(options) is dict and options.get("include_usage") is True
        return ContinuedStream(first, partial, go_on, wants_usage=wants_usage)
