from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.period import DAY_S, Period, length_s, moment_s, moment_text, utc_day

NOW = datetime(2026, 11, 21, 8, 15, 30, tzinfo=UTC)
NOW_S = NOW.timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("now", NOW, id="now"),
        pytest.param("today", datetime(2026, 11, 21, tzinfo=UTC), id="today"),
        pytest.param("Yesterday", datetime(2026, 11, 20, tzinfo=UTC), id="yesterday, however it is written"),
        pytest.param("45s", NOW - timedelta(seconds=45), id="seconds"),
        pytest.param("30m", NOW - timedelta(minutes=30), id="minutes"),
        pytest.param("2h", NOW - timedelta(hours=2), id="hours"),
        pytest.param("7d", NOW - timedelta(days=7), id="days"),
        pytest.param("2w", NOW - timedelta(weeks=2), id="weeks"),
        pytest.param("2026-11-19", datetime(2026, 11, 19, tzinfo=UTC), id="date"),
        pytest.param("2026-11-19T10:00", datetime(2026, 11, 19, 10, tzinfo=UTC), id="time without an offset"),
        pytest.param("2026-11-19 10:00:01.5", datetime(2026, 11, 19, 10, 0, 1, 500_000, tzinfo=UTC), id="fraction"),
        pytest.param("2026-11-19t10:00:00z", datetime(2026, 11, 19, 10, tzinfo=UTC), id="RFC 3339"),
        pytest.param("2026-11-19T10:00:00+02:00", datetime(2026, 11, 19, 8, tzinfo=UTC), id="offset"),
    ],
)
def test_a_moment_is_understood(text: str, expected: datetime) -> None:
    assert moment_s(text, NOW_S) == expected.timestamp()


@pytest.mark.parametrize("text", ["", "tomorrow", "7", "d", "-2h", "7y", "2026-13-01", "2026-02-30", "99:99", "9" * 30])
def test_what_is_no_moment_is_named_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="names no moment: expected today, yesterday"):
        moment_s(text, NOW_S)


@given(text=st.text())
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        moment_s(text, NOW_S)
    except ValueError:
        return


def test_days_begin_at_midnight_where_the_person_is() -> None:
    zone = ZoneInfo("Europe/Berlin")

    assert moment_s("today", NOW_S, zone) == datetime(2026, 11, 20, 23, tzinfo=UTC).timestamp()
    assert moment_s("2026-07-01", NOW_S, zone) == datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp()
    assert moment_s("2026-07-01T12:00", NOW_S, zone) == datetime(2026, 7, 1, 10, tzinfo=UTC).timestamp()


def test_yesterday_is_a_whole_day_also_when_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    monday = datetime(2026, 10, 26, 9, tzinfo=zone).timestamp()

    assert moment_s("today", monday, zone) - moment_s("yesterday", monday, zone) == 25 * 3600


def test_a_late_evening_elsewhere_is_another_day() -> None:
    zone = timezone(timedelta(hours=14))

    assert moment_text(moment_s("today", datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp(), zone), zone) == (
        "2026-11-21 00:00:00"
    )


@pytest.mark.parametrize(("text", "seconds"), [("1s", 1), ("90m", 5400), ("24h", 86_400), (" 90D ", 7_776_000)])
def test_a_length_is_understood(text: str, seconds: int) -> None:
    assert length_s(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "1.5h", "-1h", "1000000000d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no length: expected a number and its unit"):
        length_s(text)


@given(at_s=st.floats(-6.2e10, 2.5e11))
def test_a_utc_day_is_what_the_calendar_says(at_s: float) -> None:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(at_s // DAY_S) * DAY_S)

    assert utc_day(at_s) == f"{day.year:04d}{day.month:02d}{day.day:02d}"


@pytest.mark.parametrize("at_s", [float("nan"), float("inf"), float("-inf"), 1e300, -1e12])
def test_a_moment_outside_the_calendar_has_no_day(at_s: float) -> None:
    with pytest.raises(ValueError, match=r"outside the calendar|NaN|out of range|integer"):
        utc_day(at_s)


def test_a_period_names_the_days_it_touches() -> None:
    assert Period(NOW_S - DAY_S, NOW_S).days("20991231") == ("20261120", "20261121")
    assert Period(NOW_S).days("20261123") == ("20261121", "20261123")
