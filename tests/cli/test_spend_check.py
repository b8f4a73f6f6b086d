import contextlib
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from click.testing import Result

from seawall.core.account import Account, Unit
from seawall.core.record import CallRecord
from seawall.ports.ledger import Move, Want
from seawall.stores.sqlite.ledger_file import LedgerFile

Run = Callable[..., Result]
Ledger = Callable[[], contextlib.closing[LedgerFile]]

DAY = Account("all@2026-10-02/UTC", Unit.NUSD, 1_000_000_000)
ROUTE = Account("route:/a@2026-10-02/UTC", Unit.NUSD, 1_000_000_000)
AT_S = datetime(2026, 10, 2, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def spent(ledger: Ledger) -> Ledger:
    with ledger() as file:
        file.lease("w1", [[Want(DAY, 100, 100), Want(ROUTE, 100, 100)]], AT_S)
        file.report("w1", 1, [Move(DAY.name, 60, 0), Move(ROUTE.name, 60, 0)], [], AT_S)
    return ledger


def test_a_good_ledger_is_said_to_be_good(run: Run, spent: Ledger) -> None:
    del spent

    result = run("spend", "check", "--days", "0")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Checked: 2 accounts against 4 lines of history, 2 leases of 1 worker, 0 unsettled charges.",
        "Every balance is what its history comes to.",
    ]


def test_every_difference_is_named_and_the_exit_code_says_so(run: Run, spent: Ledger) -> None:
    with spent() as file:
        file.db.execute("UPDATE accounts SET settled = settled - 1 WHERE name = ?", (DAY.name,))

    result = run("spend", "check", "--days", "0")
    *found, checked = map(json.loads, run("spend", "check", "--days", "0", "--json").stdout.splitlines())

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].split() == [DAY.name, "settled", "59", "60", "-"]
    assert [(each["account"], each["what"]) for each in found] == [(DAY.name, "settled")]
    assert (checked["differences"], checked["is_good"]) == (1, False)


def test_days_stand_beside_the_journal(run: Run, spent: Ledger, journal: Callable[..., None]) -> None:
    del spent
    journal(
        CallRecord("req_1", AT_S, route="/a", cost_nusd=50),
        CallRecord("req_2", AT_S, route="/b", cost_nusd=20),
        CallRecord("req_3", AT_S + 86_400, route="/a", cost_nusd=7),
    )

    result = run("spend", "check")
    *days, _ = map(json.loads, run("spend", "check", "--json").stdout.splitlines())

    assert result.exit_code == 0, "a difference from the journal is information"
    assert [line.split() for line in result.stdout.splitlines()[-2:]] == [
        [DAY.name, "$0.00000006", "$0", "$0.00000007", "-$0.00000001"],
        [ROUTE.name, "$0.00000006", "$0", "$0.00000005", "$0.00000001"],
    ]
    assert [(day["recorded"], day["difference"]) for day in days] == [(70, -10), (50, 10)]


def test_without_a_ledger_there_is_nothing_to_check(run: Run) -> None:
    result = run("spend", "check")

    assert result.exit_code == 2
    assert "there is no ledger in" in result.stderr
