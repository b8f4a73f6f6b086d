"""Decide how many calls run at the same time; pure.

The limit of a target follows its latency (after Netflix' Gradient2). A window's mean latency is compared with a long
average: while it is within the tolerance the limit grows a little, beyond it the limit shrinks in proportion. What the
provider throws back, or does not answer in time, shrinks it at once.

Unlike Gradient2, the long average hardly follows while the limit is in use: under overload the latency that we see is
our own doing, and an average that believes in it would let the limit grow without end.
"""

from enum import IntEnum
from typing import Final

from seawall.core.verdict import ALLOW, Allow, Refuse
from seawall.guards.concurrency.settings import SHARES, AdmissionSettings, ConcurrencySettings

TOLERANCE: Final = 1.5
LEAST_GRADIENT: Final = 0.5
# What a window adds to a limit that is in use, and how much of the gradient's shrinking it carries out.
GROWTH: Final = 0.8
SHRINKING: Final = 0.5
# A window has both: latencies scatter, and calls that end together tell of one moment.
WINDOW_CALLS: Final = 20
WINDOW_S: Final = 0.1
# How long the long average takes to believe what it sees, when the target is idle and when it is busy.
IDLE_MEMORY_S: Final = 30.0
BUSY_MEMORY_S: Final = 600.0
# How far the first class may go over the limit while lower classes hold places: those become free soon, and go to
# nobody else, but a burst of them must not send the first class away meanwhile.
OVERDRAFT: Final = 1.2
CUT: Final = 0.8
CUT_EVERY_S: Final = 1.0
# The event loop's lag, in seconds, from which a class is sent away.
LAG_LIMITS_S: Final = {"analysis": 0.05, "automation": 0.1, "interactive": 0.25}
# Those who can wait longest are asked to come back last.
RETRY_AFTER_S: Final = {"interactive": 1.0, "automation": 2.0, "analysis": 5.0}

# Read on the way of every call.
_share: Final = dict(SHARES).get
_LOWER: Final = frozenset(name for name, share in SHARES.items() if share < 1.0)
_SHED: Final = "overload.shed"


class Kind(IntEnum):
    """What a latency measures: the wait for a stream's first content, or for an answer in one piece."""

    STREAM = 0
    WHOLE = 1


class Latency:
    """One kind's latency: the window that is being filled, and the long average."""

    __slots__ = ("_began_s", "_calls", "_sum_s", "_updated_s", "long_s")

    def __init__(self) -> None:
        self.long_s: float | None = None
        self._calls = 0
        self._sum_s = self._began_s = self._updated_s = 0.0

    def add(self, latency_s: float, now_s: float) -> float | None:
        """Count one call, and give the window's mean where that fills it."""
        if not self._calls:
            self._began_s = now_s
        self._calls += 1
        self._sum_s += latency_s
        if self._calls < WINDOW_CALLS or now_s - self._began_s < WINDOW_S:
            return None
        mean_s = self._sum_s / self._calls
        self._calls, self._sum_s = 0, 0.0
        return mean_s

    def learn(self, mean_s: float, now_s: float, *, is_busy: bool) -> float:
        """Move the long average towards a window's mean, and give it."""
        long_s = self.long_s
        if long_s is None:
            long_s = mean_s
        else:
            memory_s = IDLE_MEMORY_S
            if is_busy and mean_s > long_s:
                memory_s, mean_s = BUSY_MEMORY_S, min(mean_s, 2 * long_s)
            long_s += (mean_s - long_s) * min((now_s - self._updated_s) / memory_s, 1.0)
        self.long_s, self._updated_s = long_s, now_s
        return long_s


class GradientLimit:
    """How many calls one target gets at the same time; times are on one monotonic clock, in seconds.

    Streams and whole answers have long averages of their own, for their latencies are of different sizes.
    """

    __slots__ = ("_cut_s", "_kinds", "_lower", "_peak", "_settings", "in_flight", "limit")

    def __init__(self, settings: ConcurrencySettings) -> None:
        self._settings = settings
        self._kinds = (Latency(), Latency())
        self._cut_s = -CUT_EVERY_S
        self._peak = self._lower = 0
        self.in_flight = 0
        self.limit = 0.0
        self.follow(settings)

    def follow(self, settings: ConcurrencySettings) -> None:
        """Take other settings on; a limit that was found stays as far as they allow."""
        if not settings.is_adaptive:
            self.limit = float(settings.most)
        elif not self.limit or not self._settings.is_adaptive:
            self.limit = float(min(max(settings.first, settings.least), settings.most))
        else:
            self.limit = min(max(self.limit, settings.least), settings.most)
        self._settings = settings

    def enter(self, traffic_class: str) -> bool:
        """Take a place for a call of this class, or say that there is none for it."""
        in_flight, limit, share = self.in_flight, self.limit, _share(traffic_class, 1.0)
        if in_flight >= limit * share and (share < 1.0 or not self._lower or in_flight >= limit * OVERDRAFT):
            return False
        if share < 1.0:
            self._lower += 1
        self.in_flight = in_flight = in_flight + 1
        if in_flight > self._peak:  # noqa: PLR1730  # to call max costs as much as all the rest
            self._peak = in_flight
        return True

    def leave(self, traffic_class: str) -> None:
        """Give back a place that a call of this class took."""
        self.in_flight -= 1
        if traffic_class in _LOWER:
            self._lower -= 1

    def measure(self, kind: Kind, latency_s: float, now_s: float) -> None:
        """Hear how long a good call took."""
        latency = self._kinds[kind]
        mean_s = latency.add(latency_s, now_s)
        if mean_s is None:
            return
        settings, limit = self._settings, self.limit
        is_busy = self._peak * 2 >= limit
        long_s = latency.learn(mean_s, now_s, is_busy=is_busy)
        self._peak = self.in_flight
        if is_busy and settings.is_adaptive:
            gradient = 1.0 if mean_s <= long_s else max(LEAST_GRADIENT, min(1.0, TOLERANCE * long_s / mean_s))
            limit += GROWTH - SHRINKING * limit * (1.0 - gradient)
            self.limit = min(max(limit, settings.least), settings.most)

    def drop(self, now_s: float) -> None:
        """Hear that the target threw a call back for being too many, or did not answer in time.

        Those that come together count once.
        """
        if self._settings.is_adaptive and now_s - self._cut_s >= CUT_EVERY_S:
            self._cut_s = now_s
            self.limit = max(self.limit * CUT, self._settings.least)


def admit(settings: AdmissionSettings, in_flight: int, lag_s: float, traffic_class: str) -> Allow | Refuse:
    """Say whether a worker takes one more call of this class, with so many running and its event loop so late."""
    if in_flight >= settings.most * settings.shares.get(traffic_class, 1.0):
        return Refuse(_SHED, f"{in_flight} calls are running, which is all that this class of traffic may fill")
    if lag_s > LAG_LIMITS_S["analysis"] and lag_s > LAG_LIMITS_S.get(traffic_class, LAG_LIMITS_S["interactive"]):
        return Refuse(
            _SHED, f"the gateway is {round(lag_s * 1000)} ms behind, which is too much for this class of traffic"
        )
    return ALLOW


def retry_after_s(traffic_class: str) -> float:
    """Say after how many seconds a class may come back."""
    return RETRY_AFTER_S.get(traffic_class, RETRY_AFTER_S["interactive"])
