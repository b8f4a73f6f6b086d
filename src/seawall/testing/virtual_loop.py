"""An event loop on virtual time: a test of a 20-second timeout takes no time and always ends the same way.

When nothing is ready, the loop does not wait for its next timer; it sets its clock to it. Sockets and threads still
work, because time stands while they have something to say:

- What has arrived on a socket is handled before time moves. Peers on the same loop are therefore exact. A peer in
  another process gets `grace_s` of real time to answer before time moves on.
- While a call runs in an executor, time stands and the loop really waits for it.
- A loop with nothing ready, no timer and no socket waits really for `STUCK_S`, for a foreign thread may still wake it,
  and then raises `Stuck` where a usual loop would hang for ever.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from time import get_clock_info, monotonic
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from seawall.core.error import SeawallError

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

STUCK_S: Final = 2.0
_RESOLUTION_S: Final = get_clock_info("monotonic").resolution  # what asyncio allows a timer to be early


class Stuck(SeawallError):
    """Nothing is ready, no timer is set and nothing can arrive: whoever waits would wait for ever."""

    code = "testing.stuck"


class _JumpingSelector(selectors.BaseSelector):
    """Poll a real selector; where it would wait for a timer, move the clock instead."""

    def __init__(self, grace_s: float) -> None:
        self._real = selectors.DefaultSelector()
        self._grace_s = grace_s
        self.now_s = 0.0
        self.in_threads = 0

    def register(
        self, fileobj: Any, events: int, data: Any = None
    ) -> selectors.SelectorKey:  # as the base class has it
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:  # as the base class has it
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:  # as the base class has it
        return self._real.get_map() or {}

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        while self.in_threads:
            if ready := self._real.select(STUCK_S):
                return ready
        # One descriptor is the loop's own, by which signals and threads wake it.
        has_sockets = len(self.get_map()) > 1
        if timeout is None:
            return self._wait_for_a_wake_up(has_sockets=has_sockets)
        if has_sockets and self._grace_s and (ready := self._real.select(self._grace_s)):
            return ready
        self.now_s += timeout
        if math.ulp(self.now_s) > _RESOLUTION_S:
            # After some months asyncio's own allowance vanishes in rounding, and a timer due now would never be due.
            self.now_s = math.nextafter(self.now_s, math.inf)
        return []

    def _wait_for_a_wake_up(self, *, has_sockets: bool) -> list[tuple[selectors.SelectorKey, int]]:
        until = monotonic() + STUCK_S
        while (left_s := until - monotonic()) > 0:
            if ready := self._real.select(left_s):
                return ready
        if has_sockets:  # a server that serves until it is stopped is no fault; the test's own timeout ends it
            return []
        raise Stuck(f"nothing is ready after {self.now_s} virtual seconds, no timer is set and nothing can arrive")


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector event loop whose `time()` starts at 0 and jumps from timer to timer.

    `grace_s` is the real time for which a socket may still bring something before time moves on.
    """

    def __init__(self, *, grace_s: float = 0.0) -> None:
        self._jumping = _JumpingSelector(grace_s)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Give the virtual seconds since the loop was made."""
        return self._jumping.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function in a thread; time stands until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.in_threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:  # Python 3.12 has a timeout
        """Wait until every thread of the executor has ended; time stands until then."""
        self._jumping.in_threads += 1
        try:
            await super().shutdown_default_executor(*args, **kwargs)
        finally:
            self._jumping.in_threads -= 1

    def _thread_ended(self, future: asyncio.Future[Any]) -> None:  # whatever the function gave
        del future
        self._jumping.in_threads -= 1


def run_virtual(main: Coroutine[Any, Any, T], *, grace_s: float = 0.0) -> T:
    """Run a coroutine to its end on virtual time and give its result.

    Tasks that are left over are cancelled, and the loop is closed, as by `asyncio.run`.

    Raises:
        Stuck: the coroutine waits for something that cannot happen.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(grace_s=grace_s)) as runner:
        return runner.run(main)
