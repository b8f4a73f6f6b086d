"""The machine's own clocks."""

import time


class SystemClock:
    """Implement `Clock`; the monotonic one is also the event loop's."""

    monotonic_s = staticmethod(time.monotonic)
    wall_s = staticmethod(time.time)  # noqa: TID251  # this is the clock that everybody else asks
