from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.window import LIFETIME, Period, Window, window_at

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_S = 3600.0
ZONES = [UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _window(period: Period, text: str) -> Window:
    return window_at(period, BERLIN, _at(text))


@pytest.mark.parametrize(
    ("period", "name", "starts", "ends"),
    [
        (Period.MINUTE, "2026-11-21T13:05Z", "2026-11-21T14:05+01:00", "2026-11-21T14:06+01:00"),
        (Period.HOUR, "2026-11-21T13Z", "2026-11-21T14:00+01:00", "2026-11-21T15:00+01:00"),
        (Period.DAY, "2026-11-21/Europe/Berlin", "2026-11-21T00:00+01:00", "2026-11-22T00:00+01:00"),
        (Period.MONTH, "2026-11/Europe/Berlin", "2026-11-01T00:00+01:00", "2026-12-01T00:00+01:00"),
    ],
)
def test_a_window_is_named_after_its_beginning_and_its_zone(period: Period, name: str, starts: str, ends: str) -> None:
    assert _window(period, "2026-11-21T14:05:59.999+01:00") == Window(name, _at(starts), _at(ends))


def test_a_lifetime_has_no_end() -> None:
    assert _window(Period.LIFETIME, "2026-11-21T14:05+01:00") is LIFETIME


def test_the_day_that_loses_an_hour_has_23_and_the_day_that_gains_one_25() -> None:
    spring, autumn = _window(Period.DAY, "2026-03-29T12:00+02:00"), _window(Period.DAY, "2026-10-25T12:00+01:00")

    assert (spring.ends_s - spring.starts_s, autumn.ends_s - autumn.starts_s) == (23 * HOUR_S, 25 * HOUR_S)


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    first, second = _window(Period.HOUR, "2026-10-25T02:30+02:00"), _window(Period.HOUR, "2026-10-25T02:30+01:00")

    assert (first.name, second.name) == ("2026-10-25T00Z", "2026-10-25T01Z")
    assert first.ends_s == second.starts_s


def test_a_clock_set_back_by_an_hour_comes_to_the_window_of_that_time() -> None:
    at_s = _at("2026-11-22T00:30+01:00")
    before = window_at(Period.DAY, BERLIN, at_s - HOUR_S)

    assert before == _window(Period.DAY, "2026-11-21T23:30+01:00")
    assert window_at(Period.DAY, BERLIN, at_s).starts_s == before.ends_s


def test_a_leap_second_is_no_time_of_its_own() -> None:
    # POSIX time repeats the second before midnight (2016-12-31T23:59:60Z), so the day ends where it always does.
    last = window_at(Period.DAY, UTC, _at("2016-12-31T23:59:59.999+00:00"))

    assert last.ends_s == _at("2017-01-01T00:00+00:00")
    assert window_at(Period.DAY, UTC, last.ends_s).name == "2017-01-01/UTC"


def test_december_is_followed_by_january() -> None:
    assert _window(Period.MONTH, "2026-12-31T23:59+01:00").ends_s == _at("2027-01-01T00:00+01:00")


@given(
    period=st.sampled_from(Period),
    zone=st.sampled_from(ZONES),
    at_s=st.floats(_at("2000-01-01T00:00+00:00"), _at("2100-01-01T00:00+00:00")),
)
def test_every_moment_lies_in_its_window_and_the_next_begins_where_it_ends(
    period: Period, zone: ZoneInfo, at_s: float
) -> None:
    window = window_at(period, zone, at_s)

    assert window.starts_s <= at_s < window.ends_s
    if period is not Period.LIFETIME:
        assert window_at(period, zone, window.starts_s) == window
        following = window_at(period, zone, window.ends_s)
        assert following.starts_s == window.ends_s
        assert following.name != window.name


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_no_two_windows_of_a_year_have_one_name(zone: ZoneInfo) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for period, step in ((Period.HOUR, timedelta(minutes=30)), (Period.DAY, timedelta(hours=1))):
        seen: dict[str, float] = {}
        for number in range(int(timedelta(days=366) / step)):
            window = window_at(period, zone, (start + number * step).timestamp())
            assert seen.setdefault(window.name, window.starts_s) == window.starts_s
