"""Take no more calls into a worker than it can carry, over all targets."""

import asyncio
from typing import Final

from seawall.core.error import Overloaded
from seawall.core.verdict import Refuse
from seawall.guards.concurrency.rule import admit, retry_after_s
from seawall.guards.concurrency.settings import AdmissionSettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.ports.clock import Clock

LOOK_S: Final = 0.05
WEIGHT: Final = 0.2


class LoopLag:
    """How late the worker's event loop is: `lag_s` is a moving average, looked at each 50 ms."""

    __slots__ = ("lag_s",)

    def __init__(self) -> None:
        self.lag_s = 0.0

    async def watch(self, clock: Clock) -> None:
        """Measure until cancelled: how much later than asked for does a sleep end."""
        due_s = clock.monotonic_s() + LOOK_S
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = clock.monotonic_s()
            self.lag_s += WEIGHT * (max(now_s - due_s, 0.0) - self.lag_s)
            due_s = now_s + LOOK_S


class Admissions:
    """The calls that run in one worker; outlives policies."""

    __slots__ = ("in_flight", "lag")

    def __init__(self, lag: LoopLag) -> None:
        self.in_flight = 0
        self.lag = lag

    def leave(self, error: BaseException | None = None) -> None:
        """Give a place back, however the call ended."""
        del error
        self.in_flight -= 1


class AdmissionGuard:
    """Shed calls by class before any work is done for them; calls on once, or not at all.

    `admissions` are the worker's own.
    """

    __slots__ = ("_admissions", "_settings")

    def __init__(self, settings: AdmissionSettings, admissions: Admissions) -> None:
        self._settings = settings
        self._admissions = admissions

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Take a place, and give it back at the answer or at the stream's end.

        Raises:
            Overloaded: the worker carries all that this class may fill, or its event loop is late.
        """
        admissions = self._admissions
        verdict = admit(self._settings, admissions.in_flight, admissions.lag.lag_s, exchange.traffic_class)
        if isinstance(verdict, Refuse):
            shed = Overloaded(verdict.note)
            shed.retry_after_s = retry_after_s(exchange.traffic_class)
            raise shed
        admissions.in_flight += 1
        try:
            reply = await call_next(exchange)
        except BaseException:
            admissions.in_flight -= 1
            raise
        if reply.stream is None:
            admissions.in_flight -= 1
        else:
            reply.stream.on_end(admissions.leave)
        return reply
