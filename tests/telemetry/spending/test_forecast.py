from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from seawall.core.spending import HOUR_S
from seawall.core.window import LIFETIME, Period, Window, window_at
from seawall.telemetry.spending.forecast import SpendHistory, forecast_nusd, usual, usual_between

DAY_S = 24 * HOUR_S
MONDAY_S = 1_795_392_000  # 2026-11-23T00:00Z
DAY = Window("2026-11-23/UTC", MONDAY_S, MONDAY_S + DAY_S)
MONTH = Window("a month", MONDAY_S - 10 * DAY_S, MONDAY_S + 20 * DAY_S)


def _history(weeks: float, spent: int = 0) -> SpendHistory:
    """Make an office: ten an hour from nine to five on weekdays."""
    since_s = MONDAY_S - round(weeks * 7 * DAY_S)
    hours = {}
    for starts_s in range(since_s, MONDAY_S, HOUR_S):
        day, hour = divmod((starts_s - MONDAY_S) // HOUR_S, 24)
        if day % 7 < 5 and 9 <= hour < 17:
            hours[starts_s] = 10
    return SpendHistory(spent, hours, since_s)


def test_a_lifetime_has_no_forecast() -> None:
    assert forecast_nusd(_history(5), LIFETIME, MONDAY_S) is None


def test_a_window_that_has_hardly_begun_has_none() -> None:
    assert forecast_nusd(SpendHistory(50), DAY, MONDAY_S + 3599) is None
    assert forecast_nusd(SpendHistory(50), DAY, MONDAY_S - 5) is None


def test_without_history_the_pace_of_the_window_goes_on() -> None:
    assert forecast_nusd(SpendHistory(50), DAY, MONDAY_S + DAY_S / 4) == 200


def test_a_few_days_go_on_as_they_were() -> None:
    history = SpendHistory(7, dict.fromkeys(range(MONDAY_S - 3 * DAY_S, MONDAY_S, HOUR_S), 2), MONDAY_S - 3 * DAY_S)

    assert forecast_nusd(history, DAY, MONDAY_S) == 7 + 48


def test_after_two_weeks_every_hour_is_like_its_own() -> None:
    assert forecast_nusd(_history(2), DAY, MONDAY_S) == 80
    assert forecast_nusd(_history(3, spent=30), DAY, MONDAY_S + 12 * HOUR_S) == 30 + 50
    assert forecast_nusd(_history(3), DAY._replace(ends_s=MONDAY_S + 9.5 * HOUR_S), MONDAY_S) == 5


def test_weeks_to_come_are_like_the_next() -> None:
    assert forecast_nusd(_history(4, spent=400), MONTH, MONDAY_S) == 400 + 2 * 400 + 400
    assert forecast_nusd(_history(4, spent=400), MONTH._replace(ends_s=MONDAY_S + 14 * DAY_S), MONDAY_S) == 1200


def test_a_window_that_is_over_took_what_it_took() -> None:
    assert forecast_nusd(SpendHistory(50), DAY, MONDAY_S + 2 * DAY_S) == 50
    assert forecast_nusd(_history(3, spent=50), DAY._replace(ends_s=MONDAY_S - 1), MONDAY_S) == 50


def test_what_is_usual_needs_two_weeks_of_it() -> None:
    assert usual(SpendHistory(0), MONDAY_S) is None
    assert usual(_history(1), MONDAY_S + 9 * HOUR_S) is None
    assert usual(_history(2), MONDAY_S + 9 * HOUR_S) == 10
    assert usual_between(_history(1), MONDAY_S, MONDAY_S + 60) is None


def test_no_more_than_ten_weeks_count() -> None:
    old = _history(11)
    hours = {at_s: spent for at_s, spent in old.hours.items() if at_s < MONDAY_S - 70 * DAY_S}

    assert usual(old._replace(hours=hours), MONDAY_S + 9 * HOUR_S) == 0


def test_nine_in_the_morning_stays_nine_when_summer_time_ends() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    nines = {round(datetime(2026, 10, day, 9, tzinfo=berlin).timestamp()): 10 for day in (9, 16, 23)}
    history = SpendHistory(0, nines, min(nines), berlin)

    assert usual(history, round(datetime(2026, 10, 30, 9, tzinfo=berlin).timestamp())) == 10


@given(spent=st.integers(0, 10**15), at=st.floats(0, 1), weeks=st.floats(0, 12))
def test_a_forecast_is_never_less_than_what_is_spent(spent: int, at: float, weeks: float) -> None:
    window = window_at(Period.MONTH, ZoneInfo("UTC"), MONDAY_S)
    now_s = window.starts_s + at * (window.ends_s - window.starts_s)

    forecast = forecast_nusd(_history(weeks, spent), window, now_s)

    assert forecast is None or forecast >= spent
