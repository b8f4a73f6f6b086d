"""The clock over every exchange: one ticker for all of them, so that a call pays nothing for its timeouts.

A timer object a call and another a chunk would cost more than routing does. The ticker looks at every running
exchange each `TICK_S`; it runs only while there is one, and it makes a timeout late by at most `TICK_S`.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from seawall.core.error import DeadlineExceeded, SeawallError, UpstreamTimeout

TICK_S: Final = 0.02


class HungUp(SeawallError):
    """The client is gone; nobody will read an answer."""

    code = "client.hung_up"
    status = 499


class Watchdog:
    """Interrupt one exchange's task at its deadline, at the end of a phase, or when its client hangs up.

    An interruption is a cancellation of the task; whoever catches it takes the reason with `take`, which turns the
    cancellation into that error. A cancellation without a reason is somebody else's and goes on.
    `now_s()` reads the clock, `is_abandoned` says that the client is gone, `survives` that the exchange goes on all the
    same.
    """

    __slots__ = (
        "_kennel",
        "_phase",
        "_phase_end_s",
        "_phase_s",
        "_task",
        "_total_s",
        "deadline_s",
        "is_abandoned",
        "now_s",
        "reason",
        "started_s",
        "survives",
    )

    def __init__(self, kennel: "Kennel", task: "asyncio.Task[object]") -> None:
        self._kennel = kennel
        self._task = task
        self._phase = ""
        self._phase_s = self._total_s = 0.0
        self._phase_end_s = self.deadline_s = math.inf
        self.reason: SeawallError | None = None
        self.is_abandoned = self.survives = False
        self.now_s = kennel.time
        self.started_s = kennel.time()

    def limit(self, total_s: float) -> None:
        """Set the deadline of the whole exchange, counted from its start."""
        self._total_s = total_s
        self.deadline_s = self.started_s + total_s

    def allow(self, more_s: float) -> None:
        """Put the deadline off where less than this is left of it: what is here already wants to be handed out."""
        self.deadline_s = max(self.deadline_s, self._kennel.time() + more_s)

    def phase(self, name: str, after_s: float) -> None:
        """Begin a phase, such as waiting for the first token, that ends in an `UpstreamTimeout` by itself."""
        self._phase, self._phase_s = name, after_s
        self._phase_end_s = self._kennel.time() + after_s

    def extend(self) -> None:
        """Count the running phase anew from now; this is all that a chunk of a stream costs."""
        self._phase_end_s = self._kennel.time() + self._phase_s

    def end_phase(self) -> None:
        """End the phase in time."""
        self._phase_end_s = math.inf

    def pause(self) -> float:
        """Stop the phase's clock, and give the seconds that are left of it, for `resume`."""
        left_s = self._phase_end_s - self._kennel.time()
        self._phase_end_s = math.inf
        return left_s

    def resume(self, left_s: float) -> None:
        """Let the phase's clock go on with what was left of it."""
        self._phase_end_s = self._kennel.time() + left_s

    def interrupt(self, reason: SeawallError) -> None:
        """Cancel the task for this reason; the first reason stands."""
        if self.reason is None and not self._task.done():
            self.reason = reason
            self._task.cancel()

    def hang_up(self) -> None:
        """Say that the client is gone, which is the end of an exchange that does not survive it."""
        self.is_abandoned = True
        if not self.survives:
            self.interrupt(HungUp("the client closed its connection before the answer was complete"))

    def survive(self) -> None:
        """Let the exchange run to its own end, or its deadline, whether its client stays or not."""
        self.survives = True

    def take(self, kind: type[SeawallError]) -> SeawallError | None:
        """Give the reason of a cancellation just caught if it is of this kind, and end the cancellation.

        Where somebody else has cancelled the task as well, theirs goes on, and there is no reason to give.
        """
        reason = self.reason
        if not isinstance(reason, kind):
            return None
        self.reason = None
        return None if self._task.uncancel() else reason

    def look(self, now_s: float) -> None:
        """Interrupt if a limit has passed; the ticker's call."""
        if now_s >= self.deadline_s:
            self.interrupt(
                DeadlineExceeded(
                    f"the call took longer than the route's timeout_ms of {round(self._total_s * 1000)} ms"
                )
            )
        elif now_s >= self._phase_end_s:
            self.interrupt(UpstreamTimeout(self._phase, self._phase_s))

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        self._kennel.watching.discard(self)


class Kennel:
    """All watchdogs of one event loop and their ticker, which ends by itself after the last of them.

    `time` is the monotonic clock to measure by, the loop's own by default; uvloop's counts in whole milliseconds.
    """

    __slots__ = ("_loop", "_ticking", "time", "watching")

    def __init__(self, loop: asyncio.AbstractEventLoop, time: Callable[[], float] | None = None) -> None:
        self._loop = loop
        self._ticking = False
        self.time = time or loop.time
        self.watching: set[Watchdog] = set()

    def watch(self, task: "asyncio.Task[object]") -> Watchdog:
        """Begin to watch an exchange's task."""
        dog = Watchdog(self, task)
        self.watching.add(dog)
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_S, self._tick)
        return dog

    def _tick(self) -> None:
        if not self.watching:
            self._ticking = False
            return
        now_s = self.time()
        for dog in tuple(self.watching):
            dog.look(now_s)
        self._loop.call_later(TICK_S, self._tick)
