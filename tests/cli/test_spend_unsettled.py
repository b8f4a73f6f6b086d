import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from seawall.core.account import Account, Unit
from seawall.ports.ledger import Move, Unsettled, Want
from seawall.stores.sqlite.ledger_file import LedgerFile

Run = Callable[..., Result]
Ledger = Callable[[], contextlib.closing[LedgerFile]]

ALL = Account("all@lifetime", Unit.NUSD, 1_000_000_000)
TEAM = Account("team:a#tokens@lifetime", Unit.TOKENS, 1000)
AT_S = 1_790_899_200.0


def spend(ledger: Ledger) -> None:
    charges = ((ALL.name, 12_300_000), (TEAM.name, 100))
    with ledger() as file:
        file.lease("w1", [[Want(ALL, 20_000_000, 20_000_000), Want(TEAM, 500, 500)]], AT_S)
        doubt = Unsettled("req_1-1", AT_S, "hung_up", "p/m", charges)
        file.report("w1", 1, [Move(name, amount, 0) for name, amount in charges], [doubt], AT_S)
        file.bury("w1", AT_S + 60)


def test_every_charge_says_when_why_and_what_it_costs(run: Run, ledger: Ledger) -> None:
    spend(ledger)

    head, *rows = run("spend", "unsettled").stdout.splitlines()

    assert head.split() == ["ID", "WHEN", "REASON", "TARGET", "CHARGED", "ACCOUNTS"]
    assert [re.split("  +", row) for row in rows] == [
        ["req_1-1", "2026-10-02 00:00:00", "hung_up", "p/m", "$0.0123, 100 tokens", "all, team:a#tokens"],
        ["crashed:w1", "2026-10-02 00:01:00", "crashed", "-", "$0.0077, 400 tokens", "all, team:a#tokens"],
        [""],
        ["Unsettled: 2 charges, up to $0.02. `seawall spend reconcile` puts right."],
    ]


def test_json_has_every_account_with_its_amount(run: Run, ledger: Ledger) -> None:
    spend(ledger)

    first, _ = run("spend", "unsettled", "--json").stdout.splitlines()

    assert json.loads(first) == {
        "id": "req_1-1",
        "at": "2026-10-02T00:00:00.000Z",
        "reason": "hung_up",
        "target": "p/m",
        "worker": "w1",
        "charged_nusd": 12_300_000,
        "charged_usd": "0.0123",
        "accounts": [
            {"account": "all@lifetime", "unit": "nusd", "charged": 12_300_000},
            {"account": "team:a#tokens@lifetime", "unit": "tokens", "charged": 100},
        ],
    }


def test_accounts_of_a_dead_worker_have_an_amount_each(run: Run, ledger: Ledger) -> None:
    other = Account("user:b@lifetime", Unit.NUSD, 1_000_000_000)
    with ledger() as file:
        file.lease("w1", [[Want(ALL, 20_000_000, 20_000_000), Want(other, 5_000_000, 5_000_000)]], AT_S)
        file.bury("w1", AT_S)

    row = run("spend", "unsettled").stdout.splitlines()[1]

    assert re.split("  +", row)[-2:] == ["$0.02", "all@lifetime $0.0200, user:b@lifetime $0.0050"]


def test_a_long_list_is_cut_and_says_so(run: Run, ledger: Ledger) -> None:
    spend(ledger)

    lines = run("spend", "unsettled", "--limit", "1").stdout.splitlines()

    assert lines[1].startswith("req_1-1")
    assert "1 more: --limit shows more of them." in lines


def test_looking_makes_no_ledger(run: Run, state_dir: Path) -> None:
    assert run("spend", "unsettled").stdout == "Nothing is unsettled.\n"
    assert run("spend", "unsettled", "--decided").stdout == "No charge was ever put right by a decision.\n"
    assert not state_dir.exists()


def test_what_was_decided_is_listed_with_who_and_why(run: Run, ledger: Ledger) -> None:
    spend(ledger)
    run("spend", "reconcile", "req_1-1", "--nothing", "--why", "asked them", "--by", "anna")

    _, row = run("spend", "unsettled", "--decided").stdout.splitlines()
    said = json.loads(run("spend", "unsettled", "--decided", "--json").stdout)

    cells = re.split("  +", row)
    assert (cells[0], cells[4:6], cells[7:]) == (
        "req_1-1",
        ["$0.0123, 100 tokens", "$0, 0 tokens"],
        ["anna", "asked them"],
    )
    assert (said["decision"]["by"], said["decision"]["why"]) == ("anna", "asked them")
    assert [account["actual"] for account in said["accounts"]] == [0, 0]
