"""An alarm of one budget with one or more levels, and the one alert that its episode is; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from seawall.core.spending import Severity, SpendAlert
from seawall.telemetry.spending.rule.episode import Phase, Signal, next_phase

_RANK: Final[dict[Severity, int]] = {"notice": 0, "ticket": 1, "page": 2}


class Told(NamedTuple):
    """What is new to a person (`began`), and alerts of before that ended or came back (`changed`)."""

    began: tuple[SpendAlert, ...] = ()
    changed: tuple[SpendAlert, ...] = ()


@dataclass(slots=True)
class Alarm:
    """The phases of the levels, steepest first, and this episode's alert."""

    phases: tuple[Phase, ...]
    alert: SpendAlert | None = None

    @property
    def is_quiet(self) -> bool:
        """Say whether its episode is over."""
        return all(phase is Phase.QUIET for phase in self.phases)


def step(alarm: Alarm, signals: Sequence[Signal], make: Callable[[int], SpendAlert], at_s: float) -> Told:
    """Move an alarm on by one look; `make` writes the alert of a level.

    An episode makes one alert, and one more where it becomes graver (a ticket turns into a page). It is in force while
    a level of its severity or a graver one fires; it ends when none does, and comes back with the first that does
    before all levels are over. What fires below it is the same episode, which somebody has heard of.
    """
    alarm.phases = tuple(map(next_phase, alarm.phases, signals))
    was = alarm.alert
    seen = make(alarm.phases.index(Phase.FIRING)) if Phase.FIRING in alarm.phases else None
    if seen is not None and (was is None or _RANK[seen.severity] > _RANK[was.severity]):
        alarm.alert = seen
        return Told((seen,), () if was is None else _ended(was, at_s))
    if was is None:
        return Told()
    if seen is not None and seen.severity == was.severity:
        alarm.alert = was._replace(ended_at_s=None)
        return Told(changed=() if was.ended_at_s is None else (alarm.alert,))
    changed = _ended(was, at_s)
    alarm.alert = None if alarm.is_quiet else (*changed, was)[0]
    return Told(changed=changed)


def _ended(alert: SpendAlert, at_s: float) -> tuple[SpendAlert, ...]:
    return () if alert.ended_at_s is not None else (alert._replace(ended_at_s=at_s),)
