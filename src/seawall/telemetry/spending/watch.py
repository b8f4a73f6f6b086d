"""Look at all budgets again and again, and say what a person should hear of."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

from seawall.core.account import Unit
from seawall.core.holder import KINDS
from seawall.core.spending import HOUR_S, Mark, SpendAlert, SpendingPast, Standing
from seawall.core.window import Period
from seawall.ports.spending import SpendingTurn
from seawall.telemetry.spending.alarm import Alarm, Told, step
from seawall.telemetry.spending.rule.burn import Burn, burn_alert, burn_rate, burn_signal, levels_for
from seawall.telemetry.spending.rule.episode import Phase
from seawall.telemetry.spending.rule.part import largest_parts, part_alert, under_all
from seawall.telemetry.spending.rule.share import reached, share_alert
from seawall.telemetry.spending.rule.surge import expected, surge_alert, surge_signal
from seawall.telemetry.spending.settings import DAY_S, PERSONAL, SpendingSettings
from seawall.telemetry.spending.track import Moment, Track

_NOTHING: Final = SpendingPast()
_BACK_S: Final = 1.0  # a wall clock that is put back by less is only being kept right
_ORDER: Final = {kind: place for place, kind in enumerate(KINDS)}
# Of a holder's budgets one says whether its spending is unusual: the first of these.
_SURGE_ORDER: Final = (Period.MONTH, Period.DAY, Period.LIFETIME, Period.HOUR, Period.MINUTE)


class SpendWatch:
    """Turn what budgets stand at into alerts; no I/O and no clock. For one thread at a time.

    `past` is what earlier processes kept, so that a restart neither forgets an episode nor tells it twice.
    """

    def __init__(
        self,
        settings: SpendingSettings,
        past: SpendingPast = _NOTHING,
        now: Moment = Moment(0.0, 0.0),  # noqa: B008  # a frozen value; without a past it is not used
        shared_by: Callable[[str], Sequence[str]] = under_all,
    ) -> None:
        self._settings = settings
        self._shared_by = shared_by
        self._looked: Moment | None = None
        self._is_first = True
        self._marks = {mark.account: mark for mark in past.marks}
        self._tracks: dict[str, Track] = {}
        self._alarms: dict[str, Alarm] = {}
        self._told: dict[str, SpendAlert] = {}
        self._levels: dict[str, float] = {}
        self._restore(past, now)

    def look(self, standings: Sequence[Standing], now: Moment) -> Told:
        """Take what all budgets stand at now, and say what began and what changed."""
        self._take(standings, now)
        self._looked = now
        current = [seen for seen in standings if seen.window.starts_s <= now.wall_s < seen.window.ends_s]
        told = [self._shares(current, now.wall_s), self._parts(current, now.wall_s)]
        alive: set[str] = set()
        surging = self._most_telling()
        for budget, track in self._tracks.items():
            if track.seen is not None:
                told.append(self._burn(track, track.seen, now, alive))
                if budget in surging:
                    told.append(self._surge(track, track.seen, now, alive))
        told.append(self._end_orphans(alive, now.wall_s))
        self._forget(now.wall_s)
        return Told(tuple(a for t in told for a in t.began), tuple(a for t in told for a in t.changed))

    def in_force(self, at_s: float) -> tuple[SpendAlert, ...]:
        """Give every alert that has not ended, oldest first."""
        alarms = [alarm.alert for alarm in self._alarms.values() if alarm.alert is not None]
        every = [alert for alert in (*self._told.values(), *alarms) if alert.is_in_force(at_s)]
        return tuple(sorted(every, key=lambda alert: alert.at_s))

    def unkept(self) -> SpendingTurn:
        """Give the hours and marks that changed since this was last asked."""
        hours = [hour for budget, track in self._tracks.items() for hour in track.changed(budget)]
        return SpendingTurn(hours, list(self._marks.values()))

    def keep_again(self, turn: SpendingTurn) -> None:
        """Give hours once more at the next `unkept`, since they could not be kept."""
        for hour in turn.hours:
            self._tracks[hour.budget].change_again(hour.starts_s)

    def _restore(self, past: SpendingPast, now: Moment) -> None:
        if past.marks:
            looked_s = min(max(mark.at_s for mark in past.marks), now.wall_s)
            self._looked = Moment(looked_s, looked_s - now.wall_s + now.monotonic_s)
            ordered = sorted(past.hours)
            for budget, hours in groupby(ordered, key=lambda hour: hour.budget):
                self._tracks[budget] = Track.restored(hours, looked_s, now)
        for alert in past.alerts:
            if alert.is_in_force(now.wall_s):
                if alert.rule in ("share", "part"):
                    self._remember(alert)
                else:
                    levels = len(self._settings.burns) if alert.rule == "burn" else 1
                    self._alarms[_alarm_key(alert)] = Alarm((Phase.FIRING,) * levels, alert)

    def _take(self, standings: Iterable[Standing], now: Moment) -> None:
        """Add what was spent since the last look to the tracks."""
        before = self._looked
        is_back = before is None or now.wall_s < before.wall_s - _BACK_S
        first_since_s = before.wall_s if before is not None and self._is_first else float("inf")
        self._is_first = False
        spent: dict[str, int] = {}
        for seen in sorted(standings, key=lambda seen: _ORDER.get(seen.kind, len(_ORDER))):  # type: ignore[call-overload]  # any text may be asked for
            if seen.kind in PERSONAL or seen.window.ends_s <= now.wall_s - HOUR_S:
                continue
            budget = seen.budget
            if budget not in self._tracks:
                if len(self._tracks) >= self._settings.most_budgets:
                    continue
                self._tracks[budget] = Track(before or now)
            mark = self._marks.get(seen.account)
            # An account that was not there at the last look was filled since. At a first one, or when the clock was
            # put back, nobody knows when that was, and what is in it counts as old.
            is_old = is_back or seen.window.starts_s < first_since_s < float("inf")
            was = mark.spent if mark is not None else seen.spent if is_old else 0
            self._marks[seen.account] = Mark(seen.account, budget, seen.spent, now.wall_s)
            spent[budget] = spent.get(budget, 0) + seen.spent - was
            if seen.window.starts_s <= now.wall_s < seen.window.ends_s:
                self._tracks[budget].seen = seen
        for budget, track in self._tracks.items():
            track.add(spent.get(budget, 0), now)

    def _shares(self, current: Iterable[Standing], at_s: float) -> Told:
        began = []
        for seen in current:
            level = reached(self._settings.shares, seen)
            if level is not None and level.fraction > self._levels.get(seen.account, 0.0):
                began.append(share_alert(level, seen, at_s))
                self._remember(began[-1])
        return Told(tuple(began))

    def _parts(self, current: Iterable[Standing], at_s: float) -> Told:
        settings = self._settings.part
        found = (part_alert(settings, *pair, at_s) for pair in largest_parts(settings, current, self._shared_by))
        began = [alert for alert in found if alert.id not in self._told]
        for alert in began:
            self._remember(alert)
        return Told(tuple(began))

    def _burn(self, track: Track, seen: Standing, now: Moment, alive: set[str]) -> Told:
        levels = levels_for(self._settings, seen)
        if not levels:
            return Told()
        length_s = seen.window.ends_s - seen.window.starts_s

        def rate(lookback_s: float) -> float:
            return burn_rate(track.trail.spent_over(lookback_s, now.monotonic_s), lookback_s, seen)

        burns = [Burn(rate(level.long_s(length_s)), rate(level.short_s(length_s))) for level in levels]
        signals = [
            burn_signal(level, burn, seen, now.wall_s, self._settings.calm)
            for level, burn in zip(levels, burns, strict=True)
        ]

        def make(place: int) -> SpendAlert:
            return burn_alert(levels[place], burns[place], seen, now.wall_s)

        key = f"burn {seen.budget}"
        alive.add(key)
        alarm = self._alarms.setdefault(key, Alarm((Phase.QUIET,) * len(levels)))
        return step(alarm, signals, make, now.wall_s)

    def _surge(self, track: Track, seen: Standing, now: Moment, alive: set[str]) -> Told:
        settings = self._settings.surge
        key = f"surge {seen.budget}"
        alarm = self._alarms.get(key)
        if alarm is None and track.trail.spent_over(DAY_S, now.monotonic_s) <= settings.least_nusd:
            return Told()
        found = expected(settings, track.history(seen), now.wall_s)
        if found is None:
            return Told()
        spent = track.trail.spent_over(found.over_s, now.monotonic_s)
        signal = surge_signal(settings, found.nusd, spent, self._settings.calm)
        alive.add(key)
        alarm = self._alarms.setdefault(key, Alarm((Phase.QUIET,)))
        return step(alarm, [signal], lambda _: surge_alert(settings, found, spent, seen, now.wall_s), now.wall_s)

    def _most_telling(self) -> set[str]:
        """Name one budget of each holder that has any in money."""
        best: dict[str, Standing] = {}
        for track in self._tracks.values():
            seen = track.seen
            if seen is not None and seen.unit is Unit.NUSD:
                rival = best.setdefault(seen.holder, seen)
                if _SURGE_ORDER.index(seen.period) < _SURGE_ORDER.index(rival.period):
                    best[seen.holder] = seen
        return {seen.budget for seen in best.values()}

    def _end_orphans(self, alive: set[str], at_s: float) -> Told:
        """End what nobody judges any more: the budget is gone, or has no cap."""
        changed = []
        for key in self._alarms.keys() - alive:
            alert = self._alarms.pop(key).alert
            if alert is not None and alert.ended_at_s is None:
                changed.append(alert._replace(ended_at_s=at_s))
        return Told(changed=tuple(changed))

    def _remember(self, alert: SpendAlert) -> None:
        self._told[alert.id] = alert
        if alert.rule == "share":
            self._levels[alert.account] = max(self._levels.get(alert.account, 0.0), alert.figures["fraction"])

    def _forget(self, at_s: float) -> None:
        """Drop what windows long past left behind, and alarms that are quiet."""
        for key in [key for key, alarm in self._alarms.items() if alarm.is_quiet]:
            del self._alarms[key]
        for alert in [a for a in self._told.values() if a.ended_at_s is not None and a.ended_at_s < at_s - DAY_S]:
            del self._told[alert.id]
            self._levels.pop(alert.account, None)
        for mark in [mark for mark in self._marks.values() if mark.at_s < at_s - DAY_S]:
            del self._marks[mark.account]


def _alarm_key(alert: SpendAlert) -> str:
    """Give the alarm's key: the alert's own holds its severity besides."""
    words = alert.key.split(" ", 2)
    return f"burn {words[2]}" if alert.rule == "burn" else alert.key
