from seawall.core.account import Unit
from seawall.core.balance import Balance
from seawall.telemetry.spending.reading import standings

NOON_S = 1_795_262_400.0  # 2026-11-21T12:00Z


def _balance(name: str) -> Balance:
    return Balance(name, Unit.NUSD, cap=100, settled=40, leased=7, unsettled=0)


def test_what_is_settled_counts_and_not_what_is_leased() -> None:
    (seen,) = standings([_balance("all@2026-11-21/UTC")], NOON_S)

    assert (seen.spent, seen.cap, seen.is_short) == (40, 100, False)


def test_windows_long_past_and_strange_names_are_left_out() -> None:
    names = ["all@2026-11-20/UTC", "all@2026-11-21T10Z", "all@2026-11-21T11Z", "all@lifetime", "nothing at all"]

    seen = standings(map(_balance, names), NOON_S + 60)

    assert [each.account for each in seen] == ["all@2026-11-21T11Z", "all@lifetime"]


def test_accounts_that_calls_came_short_of_are_marked() -> None:
    (seen,) = standings([_balance("all@lifetime")], NOON_S, short={"all@lifetime"})

    assert seen.is_short
