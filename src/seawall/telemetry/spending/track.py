"""What is remembered of one budget while it is watched: its recent spending finely, its weeks by the hour."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from seawall.core.spending import HOUR_S, HourSpend, Standing
from seawall.telemetry.spending.forecast import WEEKS, SpendHistory
from seawall.telemetry.spending.settings import DAY_S
from seawall.telemetry.spending.trail import Trail

KEEP_S: Final = WEEKS * 7 * DAY_S
_TRAIL_S: Final = 3.2 * DAY_S  # the longest lookback, that of a month of 31 days, and a little more


class Moment(NamedTuple):
    """One moment on both clocks: dates go by `wall_s`, lengths by `monotonic_s`."""

    wall_s: float
    monotonic_s: float


class Track:
    """One budget's spending, across its windows. `seen` is the newest standing of its running window."""

    def __init__(self, since: Moment) -> None:
        self.since_s = since.wall_s
        self.trail = Trail(_TRAIL_S)
        self.trail.add(since.monotonic_s, 0)
        self.hours: dict[int, int] = {_hour(since.wall_s): 0}
        self.seen: Standing | None = None
        self._changed: set[int] = set(self.hours)

    def add(self, spent: int, now: Moment) -> None:
        """Add what was spent since the last look; less than nothing where something was given back."""
        self.trail.add(now.monotonic_s, spent)
        hour = _hour(now.wall_s)
        if spent:
            if hour not in self.hours:
                self._forget(hour)
            self.hours[hour] = max(0, self.hours.get(hour, 0) + spent)
            self._changed.add(hour)

    def history(self, seen: Standing) -> SpendHistory:
        """Give what a forecast needs."""
        return SpendHistory(seen.spent, self.hours, self.since_s, seen.zone)

    def changed(self, budget: str) -> list[HourSpend]:
        """Give the hours that are not kept yet; each is given once."""
        found = [HourSpend(budget, hour, self.hours[hour]) for hour in sorted(self._changed) if hour in self.hours]
        self._changed.clear()
        return found

    def change_again(self, hour: int) -> None:
        """Give an hour once more, since it could not be kept."""
        self._changed.add(hour)

    @classmethod
    def restored(cls, hours: Iterable[HourSpend], looked_s: float, now: Moment) -> "Track":
        """Build a track from hours in their order; within an hour spending is taken to have been even."""
        known = list(hours)
        track = cls(Moment(known[0].starts_s, known[0].starts_s - now.wall_s + now.monotonic_s))
        track.hours = {hour.starts_s: hour.spent for hour in known}
        track._changed.clear()
        for hour in known:
            ends_s = max(min(hour.starts_s + HOUR_S, looked_s, now.wall_s), hour.starts_s)
            for at_s, spent in ((hour.starts_s, 0), (ends_s, hour.spent)):
                track.trail.add(at_s - now.wall_s + now.monotonic_s, spent)
        return track

    def _forget(self, hour: int) -> None:
        """Drop hours that are too old to say anything."""
        oldest = hour - KEEP_S
        for old in [each for each in self.hours if each < oldest]:
            del self.hours[old]
        self.since_s = max(self.since_s, oldest)


def _hour(at_s: float) -> int:
    return int(at_s // HOUR_S) * HOUR_S
