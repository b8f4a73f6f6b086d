"""How much was spent up to which moment, finely for what is recent and coarsely for what is long ago."""

from bisect import bisect_right
from typing import Final

_PARTS: Final = 30  # between two points lies at most this part of their age
_SLACK: Final = 64


class Trail:
    """The running total of a budget's spending over time; some 300 points for three days of a look every 10 seconds.

    Times are monotonic seconds. Between two points spending is taken to be even, so that what is said of a lookback is
    right to a thirtieth of its length. What was spent before the first point is not known, and counts as nothing.
    """

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._at_s: list[float] = []
        self._totals: list[int] = []
        self._thin_at = _SLACK

    def add(self, at_s: float, spent: int) -> None:
        """Add what was spent since the last point; a moment that is not after it changes the last point."""
        total = (self._totals[-1] if self._totals else 0) + spent
        if self._at_s and at_s <= self._at_s[-1]:
            self._totals[-1] = total
            return
        self._at_s.append(at_s)
        self._totals.append(total)
        if len(self._at_s) >= self._thin_at:
            self._thin()
            self._thin_at = len(self._at_s) + _SLACK

    def spent_over(self, lookback_s: float, now_s: float) -> int:
        """Give what was spent from `lookback_s` ago until now, 0 where more was given back than spent."""
        if not self._at_s:
            return 0
        return max(0, self._totals[-1] - self._total_at(now_s - lookback_s))

    def __len__(self) -> int:
        return len(self._at_s)

    def _total_at(self, at_s: float) -> int:
        after = bisect_right(self._at_s, at_s)
        if after == 0:
            return self._totals[0]
        if after == len(self._at_s):
            return self._totals[-1]
        begin_s, end_s = self._at_s[after - 1], self._at_s[after]
        before, behind = self._totals[after - 1], self._totals[after]
        return before + round((behind - before) * (at_s - begin_s) / (end_s - begin_s))

    def _thin(self) -> None:
        """Leave points out where the gap stays under its part of their age, and everything that is too old."""
        now_s = self._at_s[-1]
        kept = [len(self._at_s) - 1]
        for here in range(len(self._at_s) - 2, 0, -1):
            age_s = now_s - self._at_s[here]
            if age_s > self._keep_s:
                kept.append(here)  # one point beyond the end, so that the oldest lookback has where to begin
                break
            if self._at_s[kept[-1]] - self._at_s[here - 1] > age_s / _PARTS:
                kept.append(here)
        else:
            kept.append(0)
        kept.reverse()
        self._at_s = [self._at_s[here] for here in kept]
        self._totals = [self._totals[here] for here in kept]
