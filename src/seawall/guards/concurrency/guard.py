"""Carry the limit of a target out."""

from functools import partial
from typing import Final

from seawall.core.error import Overloaded, UpstreamRefused, UpstreamTimeout
from seawall.core.remedy import remedy_of
from seawall.guards.concurrency.register import TargetLimits
from seawall.guards.concurrency.rule import GradientLimit, Kind, retry_after_s
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.reply_stream import ReplyStream

# "Not now" and Anthropic's "overloaded".
_FULL: Final = frozenset({503, 529})
_WHOLE: Final = Kind.WHOLE  # a member of an enum is looked up anew each time, and this one on the way of every call


class ConcurrencyGuard:
    """Send a target no more calls at once than it can carry; calls on once, or not at all.

    Nobody queues here: a call that finds no place may find one at another target, or come back. `limits` are the
    worker's own and outlive the policy.
    """

    __slots__ = ("_limits",)

    def __init__(self, limits: TargetLimits) -> None:
        self._limits = limits

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Take a place, and give it back at the answer or at the stream's end.

        Raises:
            Overloaded: there is no place for a call of this class; nothing was dispatched.
        """
        target = exchange.target
        if target is None:
            return await call_next(exchange)
        limit = self._limits.of(target)
        if not limit.enter(exchange.traffic_class):
            full = Overloaded(f"{target.name} has as many calls as it can carry")
            full.retry_after_s = retry_after_s(exchange.traffic_class)
            raise full
        began_s = exchange.watchdog.now_s()
        try:
            reply = await call_next(exchange)
        except BaseException as error:
            _leave_failed(limit, exchange, error)
            raise
        stream = reply.stream
        if stream is None:
            now_s = exchange.watchdog.now_s()
            limit.leave(exchange.traffic_class)
            limit.measure(_WHOLE, now_s - began_s, now_s)
            return reply
        spoke_s = stream.first_content_s
        if spoke_s is not None:
            limit.measure(Kind.STREAM, spoke_s - began_s, exchange.watchdog.now_s())
            stream.on_end(partial(_leave_stream, limit, exchange))
        else:
            stream.on_end(partial(_leave_late_stream, limit, exchange, stream, began_s))
        return reply


def _leave_failed(limit: GradientLimit, exchange: Exchange, error: BaseException) -> None:
    limit.leave(exchange.traffic_class)
    is_full = isinstance(error, UpstreamTimeout) or (isinstance(error, UpstreamRefused) and error.status in _FULL)
    if is_full or remedy_of(error).is_throttle:
        limit.drop(exchange.watchdog.now_s())


def _leave_stream(limit: GradientLimit, exchange: Exchange, error: BaseException | None) -> None:
    if error is None:
        limit.leave(exchange.traffic_class)
    else:
        _leave_failed(limit, exchange, error)


def _leave_late_stream(
    limit: GradientLimit, exchange: Exchange, stream: ReplyStream, began_s: float, error: BaseException | None
) -> None:
    """Hear the end of a stream that was promised before its first content came."""
    if stream.first_content_s is not None:
        limit.measure(Kind.STREAM, stream.first_content_s - began_s, exchange.watchdog.now_s())
    _leave_stream(limit, exchange, error)
