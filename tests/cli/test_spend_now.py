import contextlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from seawall.cli.spend_account import account_state
from seawall.cli.spend_now import print_account_json, print_accounts, share_text
from seawall.core.account import Account, Unit, account_name, unit_of
from seawall.core.balance import Balance
from seawall.core.window import Period, window_at
from seawall.ports.ledger import Move, Unsettled, Want
from seawall.stores.sqlite.ledger_file import LedgerFile

Run = Callable[..., Result]
Ledger = Callable[[], contextlib.closing[LedgerFile]]
Capsys = pytest.CaptureFixture[str]

NOON_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
USD = 1_000_000_000
ALL = Account("all@lifetime", Unit.NUSD, 200 * USD)
TEAM = Account("team:a@lifetime", Unit.NUSD, 20 * USD)


def balance(name: str, cap: int, settled: int, leased: int = 0, unsettled: int = 0) -> Balance:
    return Balance(name, unit_of(name), cap, settled, leased, unsettled)


def spend(ledger: Ledger, *accounts: Account, nusd: int = 1) -> None:
    now_s = datetime.now(UTC).timestamp()
    with ledger() as file:
        file.lease("w1", [[Want(account, 2 * nusd, 2 * nusd) for account in accounts]], now_s)
        file.report("w1", 1, [Move(account.name, nusd, 0) for account in accounts], [], now_s)


def rows(text: str) -> list[list[str]]:
    return [re.split("  +", line.strip()) for line in text.splitlines()]


def test_every_budget_stands_beside_its_cap(capsys: Capsys) -> None:
    balances = [
        balance("all@2026-11-21/UTC", 200 * USD, 12_345_678_901, 6 * USD, 12_300_000),
        balance("team:a@2026-11-21T12Z", 20 * USD, 0),
        balance("team:a#tokens@lifetime", 50_000, 4100, 900),
        balance("team:b@2026-11-20/Europe/Berlin", 10 * USD, 10 * USD),
        balance("user:b@when/Nobody/Knows", 0, 5),
    ]

    print_accounts([account_state(each, NOON_S) for each in balances], NOON_S, None)

    assert rows(capsys.readouterr().out) == [
        ["HOLDER", "WINDOW", "CAP", "SETTLED", "LEASED", "UNSETTLED", "SHARE", "FORECAST", "RENEWS IN"],
        ["all", "day", "$200", "$12.3457", "$6.0000", "$0.0123", "6 %", "$24.6914", "12h"],
        ["team:a", "hour", "$20", "$0", "$0", "$0", "0 %", "-", "1h"],
        ["team:a", "lifetime", "50000 tokens", "4100", "900", "0", "8 %", "-", "never"],
        ["team:b", "2026-11-20/Europe/Berlin", "$10", "$10.0000", "$0", "$0", "100 %", "-", "over"],
        ["user:b", "when/Nobody/Knows", "$0", "$0.0001", "$0", "$0", "-", "-", "?"],
    ]


def test_whoever_comes_to_a_cap_is_named_with_the_moment(capsys: Capsys) -> None:
    balances = [
        balance("all@2026-11-21/UTC", 100, 75),
        balance("team:a@2026-11-21/Asia/Tokyo", 100, 100),
        *(balance(f"user:{number}@2026-11-21/UTC", 100, 75) for number in range(10)),
    ]

    print_accounts([account_state(each, NOON_S) for each in balances], NOON_S, None)

    said = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert said[0] == "all (day) reaches its cap in 4h, at 16:00 UTC, if this goes on."
    assert said[1] == "team:a (day) is at its cap."
    assert (len(said), said[-1]) == (11, "So do 2 more.")


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (None, "HOLDER WINDOW CAP SETTLED LEASED UNSETTLED SHARE FORECAST RENEWS IN"),
        (120, "HOLDER WINDOW CAP SETTLED LEASED UNSETTLED SHARE FORECAST RENEWS IN"),
        (80, "HOLDER WINDOW CAP SETTLED LEASED SHARE FORECAST RENEWS IN"),
        (10, "HOLDER WINDOW CAP SETTLED SHARE RENEWS IN"),
    ],
)
def test_a_narrow_terminal_gets_fewer_columns_and_is_told_which(
    width: int | None, columns: str, capsys: Capsys
) -> None:
    state = account_state(balance("team:support@2026-11-21/UTC", 200 * USD, 12 * USD, USD, USD), NOON_S)

    print_accounts([state], NOON_S, width)

    head, _, *rest = capsys.readouterr().out.splitlines()
    assert head.split() == columns.split()
    assert bool(rest) is (width in (10, 80))
    if width == 80:
        assert rest == ["", "A wider terminal shows more: UNSETTLED."]


def test_json_says_everything_of_an_account(capsys: Capsys) -> None:
    print_account_json(account_state(balance("team:a@2026-11-21/UTC", 100, 75, 5, 1), NOON_S), NOON_S)

    assert json.loads(capsys.readouterr().out) == {
        "account": "team:a@2026-11-21/UTC",
        "holder": "team:a",
        "unit": "nusd",
        "period": "day",
        "cap": 100,
        "settled": 75,
        "leased": 5,
        "unsettled": 1,
        "free": 20,
        "share": 0.75,
        "forecast": 150,
        "cap_usd": "0.0000001",
        "settled_usd": "0.000000075",
        "leased_usd": "0.000000005",
        "unsettled_usd": "0.000000001",
        "starts_at": "2026-11-21T00:00:00Z",
        "renews_at": "2026-11-22T00:00:00Z",
        "is_over": False,
        "reaches_cap_at": "2026-11-21T16:00:00Z",
    }


def test_json_of_a_lifetime_has_no_ends(capsys: Capsys) -> None:
    print_account_json(account_state(balance("team:a#tokens@lifetime", 0, 0), NOON_S), NOON_S)

    said = json.loads(capsys.readouterr().out)
    assert (said["unit"], said["starts_at"], said["renews_at"], said["share"]) == ("tokens", None, None, None)
    assert "cap_usd" not in said


@pytest.mark.parametrize(
    ("settled", "text"), [(0, "0 %"), (1, "<1 %"), (999, "99 %"), (1000, "100 %"), (1100, "110 %")]
)
def test_a_share_is_whole_only_when_all_is_spent(settled: int, text: str) -> None:
    assert share_text(settled, 1000) == text


def test_without_a_period_the_accounts_are_shown(run: Run, ledger: Ledger) -> None:
    spend(ledger, ALL, TEAM, nusd=USD)

    assert rows(run("spend").stdout) == [
        ["HOLDER", "WINDOW", "CAP", "SETTLED", "LEASED", "SHARE", "FORECAST", "RENEWS IN"],
        ["all", "lifetime", "$200", "$1.0000", "$1.0000", "<1 %", "-", "never"],
        ["team:a", "lifetime", "$20", "$1.0000", "$1.0000", "5 %", "-", "never"],
    ]


def test_one_holder_can_be_asked_for(run: Run, ledger: Ledger) -> None:
    spend(ledger, ALL, TEAM)

    (line,) = run("spend", "--holder", "team:*", "--json").stdout.splitlines()

    assert json.loads(line)["account"] == TEAM.name
    assert run("spend", "--holder", "team:b").stdout.startswith("No account of team:b has been used")


def test_windows_that_are_over_are_hidden_and_counted(run: Run, ledger: Ledger) -> None:
    yesterday = window_at(Period.DAY, UTC, (datetime.now(UTC) - timedelta(days=2)).timestamp())
    over = Account(account_name("all", Unit.NUSD, yesterday), Unit.NUSD, USD)
    spend(ledger, over)

    hidden = run("spend").stdout
    spend(ledger, ALL)

    assert "Nothing was spent or leased in a window of now." in hidden
    assert "1 more in windows that are over: --all shows them." in hidden
    assert "1 more in windows that are over" in run("spend").stdout
    assert rows(run("spend", "--all").stdout)[1][:2] == ["all", yesterday.name]


def test_what_is_unsettled_is_said_below(run: Run, ledger: Ledger) -> None:
    with ledger() as file:
        file.lease("w1", [[Want(ALL, USD, USD)]], NOON_S)
        doubt = Unsettled("req_1-1", NOON_S, "unknown", "p/m", ((ALL.name, 5),))
        file.report("w1", 1, [Move(ALL.name, 5, 0)], [doubt], NOON_S)

    assert run("spend").stdout.splitlines()[-1] == (
        "Unsettled: 1 charge, up to $0.000000005. "
        "`seawall spend unsettled` lists, `seawall spend reconcile` puts right."
    )


def test_without_a_ledger_the_journal_is_shown_and_none_is_made(run: Run, state_dir: Path) -> None:
    plain, as_json = run("spend"), run("spend", "--json")

    assert plain.stdout.startswith(f"No budget was used yet in {state_dir}")
    assert plain.stdout.splitlines()[2].startswith("FEATURE  CALLS")
    assert (as_json.stdout, "No budget was used yet" in as_json.stderr) == ("", True)
    assert not state_dir.exists()


def test_a_period_goes_with_no_account(run: Run, ledger: Ledger) -> None:
    spend(ledger, ALL)

    result = run("spend", "--holder", "all", "--since", "today")

    assert result.exit_code == 2
    assert "--holder is for the accounts as they are now" in result.stderr


def test_the_state_directory_may_stand_before_or_after_the_subcommand(
    run: Run, ledger: Ledger, state_dir: Path, tmp_path: Path
) -> None:
    spend(ledger, ALL)
    before = ("spend", "--state-dir", str(tmp_path / "other"), "check")

    assert run(*before).exit_code == 0, "the fixture names it after, which counts"
    assert run("spend", "check").stdout.startswith("Checked: 1 account")
    assert not (tmp_path / "other").exists()
    assert state_dir.exists()
