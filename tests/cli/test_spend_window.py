from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.spend_window import read_window
from seawall.core.account import Unit, account_name
from seawall.core.window import Period, window_at

ZONES = [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "America/Santiago"))]


@given(
    period=st.sampled_from(Period),
    zone=st.sampled_from([*ZONES, timezone(timedelta(hours=-3, minutes=-30))]),
    at_s=st.floats(0, 4e9),
)
def test_every_name_of_a_window_is_read_back(period: Period, zone: tzinfo, at_s: float) -> None:
    window = window_at(period, zone, at_s)

    found = read_window(account_name("team:a", Unit.TOKENS, window))

    assert found is not None
    assert (found.window, found.period) == (window, period)


def test_the_hour_that_comes_twice_is_two_windows() -> None:
    first, second = (read_window(f"all@2026-10-25T02+0{offset}00/Europe/Berlin") for offset in (2, 1))

    assert first is not None
    assert second is not None
    assert first.window.ends_s == second.window.starts_s == datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "name",
    [
        "all",
        "all@",
        "all@2026-11-21",
        "all@2026-11-21/Middle/Earth",
        "all@2026-11-21/../../etc",
        "all@2026-13-01/UTC",
        "all@2026-1-1/UTC",
        "all@2026-10-25T02+0500/Europe/Berlin",
        "all@9999-12-31/UTC",
    ],
)
def test_a_name_that_is_none_of_ours_has_no_window(name: str) -> None:
    assert read_window(name) is None
