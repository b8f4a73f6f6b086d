from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.account import Unit, account_name
from seawall.core.spending import SpendAlert, standing
from seawall.core.window import LIFETIME, Period, window_at

ALERT = SpendAlert("share 50 all@lifetime", "share 50 all@lifetime", "share", "notice", "all@lifetime", 5.0, "x", {})


@given(
    period=st.sampled_from(Period),
    unit=st.sampled_from(Unit),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
    at_s=st.integers(1_600_000_000, 2_000_000_000),
)
def test_a_name_says_everything_about_its_window(period: Period, unit: Unit, zone: str, at_s: int) -> None:
    tz = UTC if zone == "UTC" else ZoneInfo(zone)
    window = window_at(period, tz, at_s)

    seen = standing(account_name("team:a", unit, window), 10, 3)

    assert (seen.unit, seen.period, seen.window) == (unit, period, window)
    assert str(seen.zone) == (zone if period in (Period.DAY, Period.MONTH) else "UTC")
    assert seen.budget.startswith(f"team:a{unit.value}@{period.value}/")


def test_a_holder_is_of_a_kind() -> None:
    assert standing("all#calls@lifetime", 1, 0).kind == "all"
    assert standing("user:k_1/ab@lifetime", 1, 0).kind == "user"
    assert standing("user:k_1/ab@lifetime", 1, 0).holder == "user:k_1/ab"
    assert standing("all@lifetime", 1, 0).window == LIFETIME


def test_an_unknown_mark_is_a_part_of_the_name() -> None:
    assert standing("conversation:a#7@lifetime", 1, 0).unit is Unit.NUSD


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("team:a", id="no window"),
        pytest.param("@lifetime", id="no holder"),
        pytest.param("team:a@2026-11-21", id="no zone"),
        pytest.param("team:a@someday/UTC", id="no window's name"),
        pytest.param("team:a@2026-11-21/Nowhere/Land", id="no such zone"),
        pytest.param("team:a@2026-13/UTC", id="no such month"),
    ],
)
def test_what_is_no_account_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no account"):
        standing(name, 1, 0)


def test_an_alert_is_in_force_until_it_ends() -> None:
    assert ALERT.is_in_force(1e12)
    assert ALERT._replace(ended_at_s=10.0).is_in_force(9.0)
    assert not ALERT._replace(ended_at_s=10.0).is_in_force(10.0)
    assert ALERT.holder == "all"
