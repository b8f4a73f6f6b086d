from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from seawall.cli.spend_compare import Day, compare_days
from seawall.core.account import unit_of
from seawall.core.balance import Balance
from seawall.core.record import CallRecord
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.query import Archive

MIDNIGHT_S = datetime(2026, 10, 2, tzinfo=UTC).timestamp()


def balance(name: str, settled: int = 0, unsettled: int = 0) -> Balance:
    return Balance(name, unit_of(name), 1000, settled, 0, unsettled)


def test_a_day_goes_by_its_own_zone(state_dir: Path, journal: Callable[..., None]) -> None:
    journal(
        CallRecord("req_1", MIDNIGHT_S - 3600, route="/a", cost_nusd=5),
        CallRecord("req_2", MIDNIGHT_S, route="/a", cost_nusd=70),
        CallRecord("req_3", MIDNIGHT_S + 23 * 3600, route="/b", cost_nusd=900),
    )
    balances = [balance("all@2026-10-02/UTC", 980, 7), balance("all@2026-10-02/Europe/Berlin", 75)]

    days = compare_days(balances, Archive(state_dir / JOURNAL_DIR), 10)

    assert days == [
        Day("all@2026-10-02/UTC", 980, 7, 0, 970),
        Day("all@2026-10-02/Europe/Berlin", 75, 0, 0, 75),
    ]
    assert [day.difference for day in days] == [3, 0]


def test_the_newest_days_of_all_and_of_routes_come_first(state_dir: Path) -> None:
    names = [
        "all@2026-10-02/UTC",
        "route:/a@2026-10-02/UTC",
        "all@2026-10-01/UTC",
        "all@2026-10/UTC",
        "all@lifetime",
        "all#calls@2026-10-02/UTC",
        "team:a@2026-10-02/UTC",
        "all@2026-10-02/Nobody/Knows",
    ]
    balances = [balance(name) for name in sorted(names)]

    assert [day.account for day in compare_days(balances, Archive(state_dir), 10)] == names[:3]
    assert [day.account for day in compare_days(balances, Archive(state_dir), 1)] == names[:1]
