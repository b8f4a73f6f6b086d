"""Time as something that is asked for."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks that must not be mixed: one for lengths and deadlines, one for dates."""

    def monotonic_s(self) -> float:
        """Give seconds on a clock that never jumps; equal to the running event loop's `time()`."""

    def wall_s(self) -> float:
        """Give seconds since 1970, for records and windows only."""
