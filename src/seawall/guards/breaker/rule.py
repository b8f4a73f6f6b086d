"""Decide whether a target may be called; pure.

```
            too many failed or were slow                 open_s is over
   CLOSED ───────────────────────────────▶ OPEN ───────────────────────────▶ HALF_OPEN
     ▲       a provider's retry-after       ▲         one probe fails            │
     │                                      └────────────────────────────────────┤
     └─────────────────────── every probe came back ─────────────────────────────┘

   isolate: from anywhere to ISOLATED, where nothing is let through; release: from there to CLOSED
```

Every change begins a new generation, and a report of an older one changes nothing: what was sent before a target broke
says nothing of it afterwards.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, NamedTuple

from seawall.guards.breaker.settings import BreakerSettings

BUCKETS: Final = 10
# Workers open together, and come back not quite together.
JITTER: Final = 0.1


class State(Enum):
    """Where a breaker stands."""

    CLOSED = auto()
    OPEN = auto()
    HALF_OPEN = auto()
    ISOLATED = auto()


class Outcome(Enum):
    """How a call went: `UNKNOWN` is one that says nothing of the target."""

    GOOD = auto()
    FAILED = auto()
    SLOW = auto()
    UNKNOWN = auto()


# Members of an enum are looked up anew each time; these stand on the way of every call.
_CLOSED: Final = State.CLOSED
_HALF_OPEN: Final = State.HALF_OPEN
_GOOD: Final = Outcome.GOOD
_UNKNOWN: Final = Outcome.UNKNOWN


class Permit(NamedTuple):
    """The right to make one call, to be reported exactly once."""

    generation: int


def _never() -> float:
    return 0.0


class Breaker:
    """One target's breaker. All times are on one monotonic clock, in seconds, and never go back.

    `draw` gives numbers in [0, 1) for the jitter of the time that it stays open; by default there is none. Memory is
    bounded: the window is kept as counts in `BUCKETS` buckets.
    """

    __slots__ = (
        "_bucket",
        "_bucket_ends_s",
        "_buckets",
        "_draw",
        "_good",
        "_half_open_until_s",
        "_newest",
        "_open_for_s",
        "_out",
        "_permit",
        "_slow",
        "_sums",
        "_width_s",
        "open_until_s",
        "settings",
        "state",
    )

    def __init__(self, settings: BreakerSettings, draw: Callable[[], float] = _never) -> None:
        self.settings = settings
        self.state = State.CLOSED
        self.open_until_s = 0.0
        self._draw = draw
        self._width_s = settings.window_s / BUCKETS
        self._open_for_s = settings.open_s
        self._half_open_until_s = 0.0
        self._out = self._good = self._slow = 0
        self._permit = Permit(0)
        self._buckets: list[list[int]] = []
        self._sums: list[int] = []
        self._bucket: list[int] = []
        self._bucket_ends_s = 0.0
        self._newest = -1
        self._forget()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Give the window's calls, those of them that failed, and those that were slow, as of the last report."""
        calls, failed, slow = self._sums
        return calls, failed, slow

    def admit(self, now_s: float) -> Permit | None:
        """Give the right to make one call, or None where the target is left alone."""
        state = self.state
        if state is _CLOSED:
            return self._permit
        if state is State.ISOLATED or (state is State.OPEN and now_s < self.open_until_s):
            return None
        if state is State.OPEN or now_s >= self._half_open_until_s:
            # Probes that have not come back in the time that it was open are given up: a lost one must not keep the
            # target closed to everybody for ever.
            self._turn(State.HALF_OPEN)
            self._half_open_until_s = now_s + self._open_for_s
        if self._out + self._good + self._slow >= self.settings.probes:
            return None
        self._out += 1
        return self._permit

    def report(self, permit: Permit, outcome: Outcome, now_s: float) -> None:
        """Hear how a call went. Of a call that was let through before the last change it changes nothing."""
        if permit is not self._permit:  # there is one of each generation
            return
        if self.state is _HALF_OPEN:
            self._report_probe(outcome, now_s)
        elif outcome is not _UNKNOWN:
            self._count(outcome, now_s)

    def hold_open(self, until_s: float, now_s: float) -> None:
        """Leave the target alone until then, `longest_open_s` at most; what is open for longer stays so."""
        until_s = min(until_s, now_s + self.settings.longest_open_s)
        if until_s <= now_s or self.state is State.ISOLATED:
            return
        if self.state is State.OPEN:
            self.open_until_s = max(self.open_until_s, until_s)
            return
        self._turn(State.OPEN)
        self.open_until_s = until_s

    def isolate(self) -> None:
        """Let nothing through until `release`."""
        if self.state is not State.ISOLATED:
            self._turn(State.ISOLATED)

    def release(self) -> None:
        """End an isolation: the target begins anew, with nothing against it."""
        if self.state is State.ISOLATED:
            self._close()

    def opens_in_s(self, now_s: float) -> float | None:
        """Say after how many seconds a call may be let through; None while isolated."""
        if self.state is State.ISOLATED:
            return None
        if self.state is State.OPEN:
            return max(self.open_until_s - now_s, 0.0)
        return 0.0

    def _report_probe(self, outcome: Outcome, now_s: float) -> None:
        self._out -= 1
        if outcome is Outcome.FAILED:
            self._open_again(now_s)
        elif outcome is Outcome.GOOD:
            self._good += 1
        elif outcome is Outcome.SLOW:
            self._slow += 1
        probes = self.settings.probes
        if self.state is State.HALF_OPEN and self._good + self._slow >= probes:
            if self._slow and self._slow / probes >= self.settings.slow_ratio:
                self._open_again(now_s)
            else:
                self._close()

    def _count(self, outcome: Outcome, now_s: float) -> None:
        if now_s >= self._bucket_ends_s:
            self._begin_bucket(int(now_s // self._width_s))
        bucket, sums = self._bucket, self._sums
        bucket[0] += 1
        sums[0] += 1
        if outcome is not _GOOD:
            column = 1 if outcome is Outcome.FAILED else 2
            bucket[column] += 1
            sums[column] += 1
        if (sums[1] or sums[2]) and self._is_too_much():
            self._turn(State.OPEN)
            self._stay_open(now_s)

    def _begin_bucket(self, index: int) -> None:
        """Make place for a new bucket, and take what falls out of the window off the sums."""
        sums = self._sums
        for gone in range(max(self._newest + 1, index - BUCKETS + 1), index + 1):
            bucket = self._buckets[gone % BUCKETS]
            for i in (0, 1, 2):
                sums[i] -= bucket[i]
                bucket[i] = 0
        self._newest, self._bucket = index, self._buckets[index % BUCKETS]
        self._bucket_ends_s = (index + 1) * self._width_s

    def _is_too_much(self) -> bool:
        settings = self.settings
        calls, failed, slow = self._sums
        if calls < settings.min_calls:
            return False
        # Divided and not multiplied: 3 of 30 are a tenth, and 0.1 * 30 is more than 3.
        return (failed > 0 and failed / calls >= settings.failure_ratio) or (
            slow > 0 and slow / calls >= settings.slow_ratio
        )

    def _open_again(self, now_s: float) -> None:
        self._open_for_s = min(self._open_for_s * 2, max(self.settings.longest_open_s, self.settings.open_s))
        self._turn(State.OPEN)
        self._stay_open(now_s)

    def _stay_open(self, now_s: float) -> None:
        longest_s = max(self.settings.longest_open_s, self.settings.open_s)
        self.open_until_s = now_s + min(self._open_for_s * (1 + JITTER * self._draw()), longest_s)

    def _close(self) -> None:
        self._open_for_s = self.settings.open_s
        self._turn(State.CLOSED)

    def _turn(self, state: State) -> None:
        """Change, and begin a new generation with nothing counted."""
        self.state = state
        self._permit = Permit(self._permit.generation + 1)
        self._out = self._good = self._slow = 0
        self._forget()

    def _forget(self) -> None:
        self._buckets = [[0, 0, 0] for _ in range(BUCKETS)]
        self._sums = [0, 0, 0]
        self._bucket_ends_s = 0.0
        self._newest = -1
