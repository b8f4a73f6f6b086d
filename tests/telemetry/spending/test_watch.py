from collections.abc import Callable, Iterator, Sequence
from datetime import UTC

import pytest

from seawall.core.money import NUSD_PER_USD as USD
from seawall.core.spending import HOUR_S, HourSpend, SpendAlert, SpendingPast, Standing, standing
from seawall.core.window import Period, window_at
from seawall.ports.spending import SpendingTurn
from seawall.telemetry.spending.settings import DAY_S, SpendingSettings
from seawall.telemetry.spending.track import Moment
from seawall.telemetry.spending.watch import SpendWatch

APRIL_S = 1_806_537_600  # 2027-04-01T00:00Z, a Thursday; April has 30 days
CAP = 3000 * USD
EVEN = CAP / (30 * DAY_S)  # a second, so that the budget lasts to the end of April
QUIET = SpendingSettings(shares=())  # rates alone


class House:
    """Budgets that are spent from as time goes by, and the watch over them."""

    def __init__(self, settings: SpendingSettings = QUIET, *, step_s: float = 60.0, holder: str = "team:a") -> None:
        self.watch = SpendWatch(settings)
        self.now = Moment(APRIL_S, 0.0)
        self.spent: dict[str, float] = {}
        self.period, self.cap, self.holder = Period.MONTH, CAP, holder
        self.began: list[tuple[float, SpendAlert]] = []
        self.ended: list[tuple[float, SpendAlert]] = []
        self._step_s = step_s

    def standings(self) -> list[Standing]:
        return [standing(name, self.cap, round(spent)) for name, spent in self.spent.items()]

    def run(self, length_s: float, burn: Callable[[float], float] | float, even: float = EVEN) -> None:
        """Let time pass; `burn` times the even pace is spent, as a function of the monotonic time or always."""
        for _ in range(round(length_s / self._step_s)):
            at_s = self.now.monotonic_s
            now = Moment(self.now.wall_s + self._step_s, at_s + self._step_s)
            window = window_at(self.period, UTC, self.now.wall_s)
            name = f"{self.holder}@{window.name}"
            rate = burn(at_s) if callable(burn) else burn
            self.spent = {name: self.spent.get(name, 0.0) + rate * even * self._step_s}
            self.now = now
            self.look(self.standings())

    def look(self, standings: Sequence[Standing]) -> None:
        told = self.watch.look(standings, self.now)
        self.began += [(self.now.monotonic_s, alert) for alert in told.began]
        self.ended += [(self.now.monotonic_s, alert) for alert in told.changed if alert.ended_at_s is not None]

    def rules(self, rule: str = "burn") -> list[tuple[float, str]]:
        return [(at_s, alert.severity) for at_s, alert in self.began if alert.rule == rule]

    def in_force(self) -> list[str]:
        return [alert.rule for alert in self.watch.in_force(self.now.wall_s)]


def test_a_steady_pace_under_the_budget_never_fires_in_thirty_days() -> None:
    house = House(step_s=150.0)
    house.run(30 * DAY_S, 0.9)

    assert house.began == []


def test_an_office_that_stays_within_its_month_fires_nothing() -> None:
    house = House(step_s=300.0)
    house.run(29 * DAY_S, lambda at_s: 2.5 if 9 <= at_s % DAY_S / HOUR_S < 17 and at_s // DAY_S % 7 < 5 else 0.02)

    assert house.rules() == []


@pytest.mark.parametrize("quiet_days", [0, 5])
def test_two_percent_in_an_hour_page_within_five_minutes(quiet_days: int) -> None:
    house = House(step_s=10.0 if not quiet_days else 60.0)
    house.run(quiet_days * DAY_S, 0.05)
    began_s = house.now.monotonic_s
    house.run(1.1 * HOUR_S, 14.4)

    at_s, severity = house.rules()[0]
    assert severity == "page"
    assert began_s + HOUR_S - 120 <= at_s <= began_s + HOUR_S + 300


def test_a_page_resets_within_the_short_window() -> None:
    house = House()
    house.run(1.2 * HOUR_S, 20.0)
    assert "burn" in house.in_force()
    stopped_s = house.now.monotonic_s
    house.run(1800, 0.0)

    assert "burn" not in house.in_force()
    assert [at_s - stopped_s <= 300 for at_s, alert in house.ended if alert.rule == "burn"] == [True]


def test_a_fast_burn_that_becomes_a_slow_one_is_over_when_that_is() -> None:
    house = House()
    house.run(6 * HOUR_S, 20.0)
    stopped_s = house.now.monotonic_s
    house.run(HOUR_S, 0.0)

    assert len(house.rules()) == 1
    assert [at_s - stopped_s <= 1800 for at_s, alert in house.ended if alert.rule == "burn"] == [True]


def test_five_percent_in_six_hours_page() -> None:
    house = House()
    house.run(7 * HOUR_S, 6.5)

    (found,) = house.rules()
    assert found[1] == "page"
    assert 5 * HOUR_S <= found[0] <= 6 * HOUR_S


def test_ten_percent_in_three_days_are_a_ticket() -> None:
    house = House()
    house.run(4 * DAY_S, 1.2)

    (found,) = house.rules()
    assert found[1] == "ticket"
    assert found[0] <= 3 * DAY_S


def test_bursts_within_one_episode_are_one_event() -> None:
    house = House()
    house.run(5 * HOUR_S, lambda at_s: 90.0 if at_s % 1200 < 300 else 0.0)

    assert len(house.rules()) == 1


def test_the_next_day_is_another_episode() -> None:
    house = House()
    house.run(2 * DAY_S, lambda at_s: 20.0 if at_s % DAY_S < 1.2 * HOUR_S else 0.0)

    pages = [at_s for at_s, severity in house.rules() if severity == "page"]
    assert len(pages) == 2


def test_a_days_budget_pages_for_the_night_and_not_for_one_call() -> None:
    house = House(step_s=10.0)
    house.period, house.cap = Period.DAY, 20 * USD
    even = house.cap / DAY_S
    house.run(HOUR_S, lambda at_s: 720.0 if at_s == 600 else 0.0, even)  # one call of 8 % of it
    assert house.rules() == []

    house.run(1800, 15.0, even)
    assert house.rules()[-1][1] == "page"


def test_a_burn_does_not_stop_where_a_window_does() -> None:
    house = House()
    house.now = Moment(APRIL_S + 30 * DAY_S - 7200, 0.0)
    house.run(5400, 0.1)
    house.run(3600, 30.0)

    assert [severity for _, severity in house.rules()] == ["page"]


def test_each_level_of_a_budget_is_told_once_a_window() -> None:
    house = House(SpendingSettings(burns=()), step_s=1800.0)
    house.run(30 * DAY_S, 1.1)
    house.run(16 * DAY_S, 1.0)

    told = [alert.figures["fraction"] for _, alert in house.began if alert.rule == "share"]
    assert told == [0.5, 0.8, 1.0, 0.5]


def test_a_lower_level_is_not_told_after_a_higher_one() -> None:
    house = House()
    house.watch = SpendWatch(SpendingSettings())
    for spent in (90, 55, 79):  # a reconciliation gave some back
        house.look([standing("team:a@2027-04/UTC", 100 * USD, spent * USD)])

    assert [alert.figures["fraction"] for _, alert in house.began] == [0.8]


def test_a_surge_in_the_first_weeks_is_against_earlier_days() -> None:
    house = House()
    house.run(4 * DAY_S, 0.1)
    house.run(6 * HOUR_S, 0.8)

    assert [severity for _, severity in house.rules("surge")] == ["ticket"]
    assert house.began[0][1].figures["is_seasonal"] is False


def test_a_surge_later_is_against_the_same_hour_of_the_week() -> None:
    def office(at_s: float) -> float:
        return 0.5 if 9 <= at_s % DAY_S / HOUR_S < 17 else 0.01

    house = House(step_s=300.0)
    house.run(16 * DAY_S + 3 * HOUR_S, office)
    after_s = house.now.monotonic_s
    assert all(at_s < 14 * DAY_S for at_s, _ in house.rules("surge"))
    house.run(HOUR_S, 0.5)  # what is usual at noon, at three in the morning
    house.run(3 * HOUR_S, office)

    (night,) = [alert for at_s, alert in house.began if at_s > after_s and alert.rule == "surge"]
    assert night.figures["is_seasonal"] is True
    assert [alert.id for _, alert in house.ended][-1] == night.id


def test_one_user_with_most_of_a_shared_account_is_told_once() -> None:
    house = House()
    everybody = [standing(f"user:{name}@2027-04-01/UTC", CAP, spent * USD) for name, spent in zip("abc", (8, 1, 1))]  # noqa: B905  # three and three
    standings = [standing("all@2027-04-01/UTC", CAP, 10 * USD), *everybody]
    house.look(standings)
    house.look(standings)

    assert [(alert.rule, alert.severity) for _, alert in house.began] == [("part", "ticket")]


def test_a_restart_neither_forgets_an_episode_nor_tells_it_twice() -> None:
    house = House(SpendingSettings())
    house.run(20 * HOUR_S, 20.0)
    kept = house.watch.unkept()
    alerts = house.watch.in_force(house.now.wall_s)
    assert {alert.rule for alert in alerts} == {"burn", "share"}
    before = len(house.began)

    restarted = Moment(house.now.wall_s + 30.0, 0.0)
    house.watch = SpendWatch(SpendingSettings(), SpendingPast(kept.hours, kept.marks, alerts), restarted)
    house.now = restarted
    house.run(600, 20.0)
    assert len(house.began) == before
    house.run(HOUR_S, 0.0)

    assert "burn" not in house.in_force()
    assert [alert.id for _, alert in house.ended][-1] == next(a.id for a in alerts if a.rule == "burn")


def test_what_was_there_before_the_first_look_counts_as_old() -> None:
    house = House()
    house.look([standing("team:a@2027-04/UTC", CAP, CAP // 10)])
    house.run(600, 0.0)

    assert house.rules() == []


def test_an_account_that_comes_into_being_was_filled_since_the_last_look() -> None:
    house = House()
    house.now = Moment(APRIL_S + DAY_S, 0.0)
    house.look([])
    house.now = Moment(APRIL_S + DAY_S + 10, 10.0)
    house.look([standing("team:a@2027-04/UTC", CAP, CAP // 40)])

    assert [severity for _, severity in house.rules()] == ["page"]


def test_a_restart_takes_no_unknown_account_for_new() -> None:
    house = House()
    past = SpendingPast(marks=SpendWatch(QUIET).unkept().marks, hours=[HourSpend("x", APRIL_S, 1)])
    house.look([standing("all@2027-04/UTC", CAP, 5)])
    past = SpendingPast(past.hours, house.watch.unkept().marks)
    house.watch = SpendWatch(QUIET, past, house.now)
    house.look([standing("team:a@2027-04/UTC", CAP, CAP // 40), standing("all@2027-04/UTC", CAP, 5)])

    assert house.began == []


def test_a_clock_that_is_put_back_makes_nothing_new() -> None:
    house = House()
    house.now = Moment(APRIL_S + DAY_S, 0.0)
    house.look([standing("team:a@2027-04-02/UTC", CAP, 5 * USD)])
    house.now = Moment(APRIL_S + DAY_S - HOUR_S, 10.0)
    house.look([standing("team:a@2027-04-01/UTC", CAP, CAP // 2), standing("team:a@2027-04-02/UTC", CAP, 5 * USD)])

    assert house.began == []


def test_a_budget_that_goes_away_ends_its_alarm() -> None:
    house = House()
    house.run(2 * HOUR_S, 20.0)
    house.cap = 0
    house.run(60, 0.0)

    assert house.in_force() == []
    assert house.ended[-1][1].rule == "burn"


def test_users_are_watched_by_their_caps_alone() -> None:
    house = House(SpendingSettings(), holder="user:ab12")
    house.run(DAY_S, 20.0)

    assert {(alert.rule, alert.severity) for _, alert in house.began} == {("share", "notice")}
    assert house.watch.unkept() == SpendingTurn([], [])


def test_rates_are_kept_for_so_many_budgets_the_widest_first() -> None:
    house = House(SpendingSettings(most_budgets=2))
    house.look([standing(f"{holder}@2027-04/UTC", CAP, 1) for holder in ("team:b", "key:k", "all", "team:a")])

    assert {hour.budget for hour in house.watch.unkept().hours} == {"all@month/UTC", "team:b@month/UTC"}


def test_of_a_holders_budgets_one_says_that_it_is_unusual() -> None:
    house = House(step_s=300.0)

    def both() -> Iterator[Standing]:
        yield standing("all@2027-04/UTC", CAP, round(total))
        yield standing(f"all@{window_at(Period.DAY, seen.zone, house.now.wall_s).name}", CAP, round(total - midnight))

    seen = standing("all@2027-04/UTC", CAP, 0)
    total = midnight = 0.0
    for step in range(5 * 288):
        if step % 288 == 0:
            midnight = total
        house.look(list(both()))
        total += EVEN * 300 * (0.1 if step < 4 * 288 else 0.9)
        house.now = Moment(house.now.wall_s + 300, house.now.monotonic_s + 300)

    assert [alert.key for _, alert in house.began] == ["surge all@month/UTC"]


def test_hours_that_could_not_be_kept_are_given_again() -> None:
    house = House()
    house.run(120, 1.0)
    turn = house.watch.unkept()
    assert house.watch.unkept().hours == []

    house.watch.keep_again(turn)

    assert house.watch.unkept().hours == turn.hours


def test_what_is_long_over_is_forgotten() -> None:
    house = House(SpendingSettings(burns=()), step_s=1800.0)
    house.period, house.cap = Period.DAY, 20 * USD
    house.run(4 * DAY_S, 0.9, house.cap / DAY_S)

    assert len(house.watch._told) <= 5  # white box: memory is bounded and shows nowhere else
    assert len(house.watch._levels) <= 3
    assert len(house.watch._marks) <= 3
