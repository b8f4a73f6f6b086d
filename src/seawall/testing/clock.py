"""Clocks for tests: one that is moved by hand, one that follows the running event loop. Both fill the Clock port."""

import asyncio
from typing import Final

START_WALL_S: Final = 1_795_219_200.0  # 2026-11-21T00:00:00Z


class FakeClock:
    """A clock that stands still until it is moved; implements the Clock port.

    The two clocks move together by `advance`; `jump_wall` moves the wall clock alone, as an operator or a time server
    does.
    """

    def __init__(self, *, monotonic_s: float = 0.0, wall_s: float = START_WALL_S) -> None:
        self._monotonic_s = monotonic_s
        self._wall_s = wall_s

    def monotonic_s(self) -> float:
        """Give the seconds to which the clock was moved."""
        return self._monotonic_s

    def wall_s(self) -> float:
        """Give the date to which the clock was moved, in seconds since 1970."""
        return self._wall_s

    def advance(self, by_s: float) -> None:
        """Let time pass on both clocks.

        Raises:
            ValueError: `by_s` is negative; a monotonic clock never goes back.
        """
        if by_s < 0:
            raise ValueError(f"cannot advance by {by_s} s: expected zero or more; jump_wall moves a clock back")
        self._monotonic_s += by_s
        self._wall_s += by_s

    def jump_wall(self, by_s: float) -> None:
        """Set the wall clock forward or back while no time passes."""
        self._wall_s += by_s


class LoopClock:
    """A clock that follows the running event loop's `time()`; on a virtual loop both clocks are virtual."""

    def __init__(self, *, wall_at_zero_s: float = START_WALL_S) -> None:
        self._wall_at_zero_s = wall_at_zero_s

    def monotonic_s(self) -> float:
        """Give the loop's time.

        Raises:
            RuntimeError: no event loop is running.
        """
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        """Give the loop's time as a date, in seconds since 1970.

        Raises:
            RuntimeError: no event loop is running.
        """
        return self._wall_at_zero_s + self.monotonic_s()
