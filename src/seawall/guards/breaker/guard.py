"""Carry the breaker rule out."""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from seawall.core.error import DeadlineExceeded, TargetClosed, UpstreamError
from seawall.core.remedy import remedy_of
from seawall.core.retry_after import retry_after_s
from seawall.core.target import Target
from seawall.guards.breaker.register import Breakers, way_of
from seawall.guards.breaker.rule import Breaker, Outcome, Permit
from seawall.guards.breaker.settings import BreakerSettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.reply_stream import ReplyStream

# "Too many", "not now" and Anthropic's "overloaded": with these a provider may say when it wants to be asked again.
_SAYS_WHEN: Final = frozenset({429, 503, 529})
# What is shorter is the caller's to wait for: it would be over before the other workers heard of it.
SHORTEST_HOLD_S: Final = 1.0
_LEAST_RETRY_AFTER_S: Final = 1.0
_GOOD: Final = Outcome.GOOD  # a member of an enum is looked up anew each time, and this one on the way of every call
HANGING: Final = 0.5  # of a call's whole time without an answer: the target hangs


def nobody_is_held(target: Target) -> bool:
    """Say that no operator holds a target; where there is no kill switch to ask."""
    del target
    return False


class BreakerGuard:
    """Leave a target alone that fails or crawls; calls on once, or not at all.

    `breakers` are the worker's own and outlive the policy. `is_held` says whether an operator holds a target.
    """

    __slots__ = ("_breakers", "_is_held", "_settings", "_way")

    def __init__(
        self, settings: BreakerSettings, breakers: Breakers, is_held: Callable[[Target], bool] = nobody_is_held
    ) -> None:
        self._settings = settings
        self._breakers = breakers
        self._is_held = is_held
        self._way = way_of(settings)

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Make the attempt, and report how it went: a whole answer at once, a stream at its end.

        Raises:
            TargetClosed: the target is not to be called now; nothing was dispatched.
        """
        target = exchange.target
        if target is None:
            return await call_next(exchange)
        if self._is_held(target):
            raise TargetClosed(f"an operator holds {target.name}", retry_after_s=self._settings.open_s)
        breaker = self._breakers.of(target.name, self._settings, self._way)
        began_s = exchange.watchdog.now_s()
        permit = breaker.admit(began_s)
        if permit is None:
            raise self._closed(target, breaker, began_s)
        try:
            reply = await call_next(exchange)
        except BaseException as error:
            self._hear_failure(_Running(exchange, breaker, permit, began_s), error)
            raise
        if reply.stream is None:
            now_s = exchange.watchdog.now_s()
            breaker.report(permit, self._speed(now_s - began_s), now_s)
        else:
            running = _Running(exchange, breaker, permit, began_s)
            reply.stream.on_end(partial(self._hear_end, running, reply.stream))
        return reply

    def _closed(self, target: Target, breaker: Breaker, now_s: float) -> TargetClosed:
        left_s = breaker.opens_in_s(now_s)
        if left_s is None:
            return TargetClosed(f"{target.name} is isolated", retry_after_s=self._settings.open_s)
        return TargetClosed(
            f"{target.name} failed too often and is left alone", retry_after_s=max(left_s, _LEAST_RETRY_AFTER_S)
        )

    def _speed(self, took_s: float) -> Outcome:
        slow_s = self._settings.slow_s
        return _GOOD if slow_s is None or took_s <= slow_s else Outcome.SLOW

    def _late(self, exchange: Exchange, took_s: float, *, has_begun: bool) -> Outcome:
        """Judge an attempt that ran when the whole call's time was over: by its own share of that time.

        A stream that has begun may simply be long, or its reader slow.
        """
        total_s = exchange.watchdog.deadline_s - exchange.started_s
        if not has_begun and took_s >= HANGING * total_s:
            return Outcome.FAILED
        return Outcome.SLOW if self._speed(took_s) is Outcome.SLOW else Outcome.UNKNOWN

    def _hear_end(self, running: "_Running", stream: ReplyStream, error: BaseException | None) -> None:
        """Report a stream: its speed is that of its first content, which may be long ago."""
        if error is not None:
            self._hear_failure(running, error, has_begun=True)
            return
        now_s = running.exchange.watchdog.now_s()
        spoke_s = now_s if stream.first_content_s is None else stream.first_content_s
        running.breaker.report(running.permit, self._speed(spoke_s - running.began_s), now_s)

    def _hear_failure(self, running: "_Running", error: BaseException, *, has_begun: bool = False) -> None:
        """Report what was raised: what the provider is to blame for, and what it answered all the same.

        What came from elsewhere (a refusal, a client that left, a shutdown) says nothing of the target. The deadline
        of the whole call does where the attempt took most of the time, or was slow by the policy's measure.
        """
        exchange, breaker, permit, began_s = running
        now_s = exchange.watchdog.now_s()
        outcome = Outcome.UNKNOWN
        if remedy_of(error).is_outage:
            outcome = Outcome.FAILED
        elif isinstance(error, UpstreamError):
            outcome = self._speed(now_s - began_s)
        elif isinstance(error, DeadlineExceeded):
            outcome = self._late(exchange, now_s - began_s, has_begun=has_begun)
        breaker.report(permit, outcome, now_s)
        if outcome is Outcome.FAILED and isinstance(error, UpstreamError) and error.status in _SAYS_WHEN:
            wall_s = exchange.at_s + now_s - exchange.started_s
            hold_s = retry_after_s(error.headers, wall_s)
            if hold_s is not None and hold_s >= SHORTEST_HOLD_S:
                breaker.hold_open(now_s + hold_s, now_s)


class _Running(NamedTuple):
    """A call that a breaker has let through."""

    exchange: Exchange
    breaker: Breaker
    permit: Permit
    began_s: float
