from datetime import UTC, datetime

import pytest

from seawall.cli.spend_account import AccountState, account_state, holder_filter, root_to_leaf
from seawall.core.account import Unit, unit_of
from seawall.core.balance import Balance

NOON_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
HASH = "0123456789abcdef0123456789abcdef"


def state(name: str, settled: int = 10, cap: int = 100, now_s: float = NOON_S) -> AccountState:
    return account_state(Balance(name, unit_of(name), cap, settled, 5, 0), now_s)


def test_a_running_day_is_forecast_to_its_end() -> None:
    found = state("team:a@2026-11-21/UTC")

    assert (found.holder, found.forecast, found.reaches_cap_at_s) == ("team:a", 20, None)
    assert found.is_running(NOON_S)


def test_the_moment_of_the_cap_is_named_where_it_comes_before_the_end() -> None:
    assert state("all@2026-11-21/UTC", 75).reaches_cap_at_s == NOON_S + 4 * 3600
    assert state("all@2026-11-21/UTC", 50).reaches_cap_at_s is None, "exactly the cap at the end"
    assert state("all@2026-11-21/UTC", 100).reaches_cap_at_s == NOON_S
    assert state("all@2026-11-21/UTC", 0, 0).reaches_cap_at_s is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("all@2026-11-20/UTC", id="over"),
        pytest.param("all@2026-11-22/UTC", id="to come, for a clock that jumped back"),
        pytest.param("all@lifetime", id="without end"),
        pytest.param("all@2026-11-21T12:00Z", id="a minute"),
        pytest.param("all@2026-11-21/Middle/Earth", id="unknown"),
    ],
)
def test_nothing_is_forecast_where_nothing_can_be(name: str) -> None:
    assert state(name).forecast is None


def test_a_window_that_ended_is_over() -> None:
    assert state("all@2026-11-20/UTC").is_over(NOON_S)
    assert not state("all@2026-11-22/UTC").is_over(NOON_S)
    assert not state("all@2026-11-22/UTC").is_running(NOON_S)
    assert not state("all@2026-11-21/Middle/Earth").is_over(NOON_S), "what is unknown is not hidden"


def test_the_unit_is_no_part_of_the_holder() -> None:
    found = state("conversation:k/ab#tokens@lifetime")

    assert (found.holder, found.balance.unit) == ("conversation:k/ab", Unit.TOKENS)


def test_accounts_stand_from_the_root_to_the_leaf() -> None:
    names = [
        "all@2026-11-21/UTC",
        "all@2026-11/UTC",
        "all@lifetime",
        "team:a@2026-11-20/UTC",
        "team:a@2026-11-21/UTC",
        "team:a#calls@2026-11-21/UTC",
        "team:b@2026-11-21/UTC",
        "user:a@2026-11-21/UTC",
        "conversation:a@lifetime",
        "moon:a@lifetime",
    ]

    assert [found.balance.name for found in root_to_leaf(map(state, sorted(names)))] == names


@pytest.mark.parametrize(
    ("wanted", "holder", "fits"),
    [
        ("", "team:a", True),
        ("team:a", "team:a", True),
        ("team:a", "team:ab", False),
        ("team:*", "team:ab", True),
        ("user:anna", f"user:{HASH}", True),
        ("user:anna", f"user:key_1/{HASH}", True),
        ("user:anna", "user:key_1/other", False),
        ("user:key_01…/0123…", f"user:key_012345/{HASH}", True),
        ("team:anna", f"team:{HASH}", False),
    ],
)
def test_holders_are_found_by_their_plain_names(wanted: str, holder: str, fits: bool) -> None:
    assert holder_filter(wanted, lambda name: HASH if name == "anna" else name)(holder) is fits
