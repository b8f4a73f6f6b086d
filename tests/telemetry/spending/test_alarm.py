from seawall.core.spending import Severity, SpendAlert
from seawall.telemetry.spending.alarm import Alarm, Told, step
from seawall.telemetry.spending.rule.episode import Phase, Signal

ON = Signal(is_on=True, is_calm=False, is_over=False)
OUT = Signal(is_on=False, is_calm=True, is_over=False)
OVER = Signal(is_on=False, is_calm=True, is_over=True)
SEVERITIES: tuple[Severity, ...] = ("page", "page", "ticket")


class Levels:
    """Two levels that page over one that is a ticket, moved by hand."""

    def __init__(self) -> None:
        self.alarm = Alarm((Phase.QUIET,) * 3)
        self._at_s = 0.0

    def step(self, *signals: Signal) -> Told:
        self._at_s += 1
        return step(self.alarm, signals, self._make, self._at_s)

    def _make(self, place: int) -> SpendAlert:
        severity = SEVERITIES[place]
        return SpendAlert(f"{severity} {self._at_s}", severity, "burn", severity, "all@lifetime", self._at_s, "", {})


def test_an_episode_is_one_alert() -> None:
    levels = Levels()

    assert [alert.id for alert in levels.step(ON, OVER, OVER).began] == ["page 1.0"]
    assert levels.step(ON, ON, ON) == Told()
    assert [alert.ended_at_s for alert in levels.step(OUT, OUT, OUT).changed] == [3.0]
    assert levels.step(OUT, OUT, OUT) == Told()
    assert [(alert.id, alert.ended_at_s) for alert in levels.step(OUT, ON, OUT).changed] == [("page 1.0", None)]
    assert [alert.ended_at_s for alert in levels.step(OVER, OVER, OVER).changed] == [6.0]
    assert levels.alarm.is_quiet
    assert levels.alarm.alert is None
    assert [alert.id for alert in levels.step(ON, OVER, OVER).began] == ["page 7.0"]


def test_a_ticket_that_turns_into_a_page_is_told_again() -> None:
    levels = Levels()

    assert [alert.id for alert in levels.step(OVER, OVER, ON).began] == ["ticket 1.0"]
    told = levels.step(OVER, ON, ON)

    assert [alert.id for alert in told.began] == ["page 2.0"]
    assert [(alert.id, alert.ended_at_s) for alert in told.changed] == [("ticket 1.0", 2.0)]


def test_a_page_after_a_ticket_that_went_out_ends_nothing_twice() -> None:
    levels = Levels()
    levels.step(OVER, OVER, ON)
    levels.step(OVER, OVER, OUT)

    told = levels.step(ON, OVER, OUT)

    assert [alert.id for alert in told.began] == ["page 3.0"]
    assert told.changed == ()


def test_a_page_ends_though_what_is_below_it_still_fires() -> None:
    levels = Levels()
    levels.step(ON, OVER, ON)

    assert [alert.ended_at_s for alert in levels.step(OVER, OVER, ON).changed] == [2.0]
    assert levels.step(OVER, OVER, ON) == Told()


def test_an_alarm_that_was_never_on_tells_nothing() -> None:
    levels = Levels()

    assert levels.step(OVER, OUT, OVER) == Told()
