import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from seawall.core.account import Account, Unit
from seawall.core.record import AttemptRecord, CallRecord
from seawall.ports.ledger import Move, Unsettled, Want
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_file import LedgerFile
from seawall.stores.sqlite.ledger_schema import FILE_NAME

Run = Callable[..., Result]
Ledger = Callable[[], contextlib.closing[LedgerFile]]
Journal = Callable[..., None]
Balances = Callable[[], dict[str, tuple[int, int]]]

ALL = Account("all@lifetime", Unit.NUSD, 1_000_000_000)
TOKENS = Account("team:a#tokens@lifetime", Unit.TOKENS, 10_000)
AT_S = 1_790_899_200.0  # 2026-10-02T00:00:00Z
MODEL = "claude-haiku-4-5"
POLICY = """
version: 1
providers:
  anthropic: {dialect: anthropic, base_url: "https://api.anthropic.com", api_key: env:ANTHROPIC_API_KEY}
routes:
  /ai/chat: {model: claude-haiku-4-5, max_tokens: 100}
"""


@pytest.fixture
def charged(ledger: Ledger) -> None:
    """Book two attempts of unknown outcome and a worker that died."""
    charges = ((ALL.name, 12_300_000), (TOKENS.name, 1000))
    ids = ("req_1-1", "req_1-2")
    with ledger() as file:
        file.lease("w1", [[Want(ALL, 50_000_000, 50_000_000), Want(TOKENS, 3000, 3000)]], AT_S)
        doubts = [Unsettled(charge_id, AT_S, "unknown", f"anthropic/{MODEL}", charges) for charge_id in ids]
        moves = [Move(ALL.name, 24_600_000, 25_400_000), Move(TOKENS.name, 2000, 1000)]
        file.report("w1", 1, moves, doubts, AT_S)
        file.lease("w2", [[Want(ALL, 5_000_000, 5_000_000)]], AT_S)
        file.bury("w2", AT_S)


@pytest.fixture
def recorded(journal: Journal) -> None:
    """Keep the call's record, whose attempts had an answer begun."""
    attempts = tuple(
        AttemptRecord("anthropic", MODEL, 0.0, 1.0, provider_request_id=f"req_theirs_{number}") for number in (1, 2)
    )
    journal(CallRecord("req_1", AT_S - 1, attempts=attempts))


@pytest.fixture
def balances(state_dir: Path) -> Balances:
    """Read what is settled and unsettled, by account."""

    def read() -> dict[str, tuple[int, int]]:
        with contextlib.closing(SqliteBooks(state_dir / FILE_NAME)) as books:
            return {balance.name: (balance.settled, balance.unsettled) for balance in books.balances()}

    return read


BEFORE = {ALL.name: (29_600_000, 29_600_000), TOKENS.name: (2000, 2000)}


@pytest.mark.usefixtures("charged")
@pytest.mark.parametrize(
    ("words", "money", "tokens"),
    [
        pytest.param(["--nothing"], 17_300_000, 1000, id="nothing was billed"),
        pytest.param(["--usd", "0.0042"], 21_500_000, 2000, id="the money is known"),
        pytest.param(["--usd", "$0.0042", "--tokens", "300"], 21_500_000, 1300, id="the tokens, too"),
        pytest.param(["--all-charged"], 29_600_000, 2000, id="the worst case is accepted"),
    ],
)
def test_a_decision_puts_every_account_right(
    run: Run, balances: Balances, words: list[str], money: int, tokens: int
) -> None:
    result = run("spend", "reconcile", "req_1-1", *words, "--why", "their support said so")

    assert result.exit_code == 0
    assert balances() == {ALL.name: (money, 17_300_000), TOKENS.name: (tokens, 1000)}
    assert run("spend", "check").exit_code == 0


@pytest.mark.usefixtures("charged")
def test_the_same_decision_again_changes_nothing_and_another_is_refused(run: Run, balances: Balances) -> None:
    decide = ("spend", "reconcile", "req_1-1", "--why", "x", "--by", "anna")
    run(*decide, "--usd", "0.0042")
    after = balances()

    again = run(*decide, "--usd", "0.0042")
    other = run(*decide, "--nothing")

    assert (again.exit_code, other.exit_code) == (0, 2)
    assert "was decided so already" in again.stdout
    assert "req_1-1 was decided by anna: $0.0042, 1000 tokens (x). That is final" in other.stderr
    assert balances() == after


@pytest.mark.usefixtures("charged")
def test_several_charges_are_decided_alike_and_told_as_json(run: Run, balances: Balances) -> None:
    words = ("spend", "reconcile", "req_1-1", "req_1-2", "req_1-1", "--nothing", "--why", "x", "--json")

    said = [json.loads(line) for line in run(*words).stdout.splitlines()]

    assert [(one["kind"], one["id"], one["freed_usd"], one["was_before"], one["dry_run"]) for one in said] == [
        ("charge", "req_1-1", "0.0123", False, False),
        ("charge", "req_1-2", "0.0123", False, False),
    ]
    assert [account["actual"] for account in said[0]["accounts"]] == [0, 0]
    assert balances() == {ALL.name: (5_000_000, 5_000_000), TOKENS.name: (0, 0)}


@pytest.mark.usefixtures("charged")
def test_a_dry_run_shows_all_and_changes_nothing(run: Run, balances: Balances) -> None:
    result = run("spend", "reconcile", "req_1-2", "--nothing", "--why", "x", "--dry-run")

    rows = [re.split("  +", line) for line in result.stdout.splitlines()]
    assert rows == [
        ["ID", "CHARGED", "WAS", "FREE AGAIN"],
        ["req_1-2", "$0.0123, 1000 tokens", "$0, 0 tokens", "$0.0123"],
        [""],
        ["A dry run: nothing was changed."],
    ]
    assert balances() == BEFORE


@pytest.mark.usefixtures("charged")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["req_1-1", "--why", "x"], "say one of --nothing, --usd, --all-charged, --export"),
        (["req_1-1", "--nothing", "--usd", "1", "--why", "x"], "not --nothing and --usd"),
        (["--nothing", "--why", "x"], "say which charges"),
        (["req_1-1", "req_1-2", "--usd", "0.001", "--why", "x"], "name one ID"),
        (["req_1-1", "--nothing", "--tokens", "5", "--why", "x"], "--tokens goes with --usd"),
        (["req_1-1", "--nothing"], "say how you know with --why"),
        (["req_1-1", "--usd", "lots", "--why", "x"], "'lots' is not an amount of dollars"),
        (["req_1-1", "--usd", "-1", "--why", "x"], "expected no less than 0"),
        (["req_1-1", "--usd", "0.5", "--why", "x"], "was charged $0.0123, its worst case, and cannot have been $0.5"),
        (["req_1", "--nothing", "--why", "x"], "'req_1' fits 2 charges: give more of it"),
        (["req_2", "--nothing", "--why", "x"], "'req_2' names no unsettled charge"),
        (["", "--nothing", "--why", "x"], "'' names no unsettled charge"),
        (["--export", "nowhere.csv", "--why", "x"], "nowhere.csv: No such file or directory"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_changes(
    run: Run, balances: Balances, words: list[str], said: str
) -> None:
    result = run("spend", "reconcile", *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert balances() == BEFORE


def test_there_is_nothing_to_put_right_without_a_ledger(run: Run, state_dir: Path) -> None:
    result = run("spend", "reconcile", "req_1-1", "--nothing", "--why", "x")

    assert (result.exit_code, "there is no ledger in" in result.stderr) == (2, True)
    assert not state_dir.exists()


@pytest.mark.usefixtures("charged", "recorded")
def test_an_export_settles_what_its_request_ids_prove(run: Run, balances: Balances, tmp_path: Path) -> None:
    export = tmp_path / "usage.csv"
    export.write_text(
        "request_id,timestamp,model,cost_usd\n"
        f"req_theirs_1,2026-10-02T00:00:00Z,{MODEL}-20251001,0.0042\n"
        "req_of_another_call,2026-10-02T00:00:00Z,x,0.01\n"
        f",2026-10-02,{MODEL},1.5\n"
    )

    result = run("spend", "reconcile", "--export", str(export), "--why", "console, October")

    assert [re.split("  +", line) for line in result.stdout.splitlines()] == [
        ["3 lines read: 1 used, 1 about calls that are not unsettled, 1 that prove nothing:"],
        ["", "line 4: no request id: the totals of a model and a time prove nothing about one call"],
        [""],
        ["Not settled by it: 2 charges."],
        ["ID", "WHY"],
        ["crashed:w2", "the leases of a worker that died are no single request"],
        ["req_1-2", "no line has its request id"],
        [""],
        ["ID", "CHARGED", "WAS", "FREE AGAIN"],
        ["req_1-1", "$0.0123, 1000 tokens", "$0.0042, 1000 tokens", "$0.0081", "line 2"],
    ]
    assert balances()[ALL.name] == (21_500_000, 17_300_000)


@pytest.mark.usefixtures("charged", "recorded")
def test_the_same_export_again_changes_nothing(run: Run, balances: Balances, tmp_path: Path) -> None:
    export = tmp_path / "usage.jsonl"
    export.write_text('{"request_id": "req_theirs_1", "cost_usd": 0.0042}\n')
    run("spend", "reconcile", "--export", str(export), "--why", "x")
    after = balances()

    result = run("spend", "reconcile", "--export", str(export), "--why", "x")

    assert (result.exit_code, balances()) == (0, after)


@pytest.mark.usefixtures("charged", "recorded")
def test_tokens_of_an_export_are_priced_by_the_policy(run: Run, balances: Balances, tmp_path: Path) -> None:
    policy, export = tmp_path / "seawall.yaml", tmp_path / "usage.json"
    policy.write_text(POLICY)
    usage = {"input_tokens": 100, "cache_read_input_tokens": 0, "output_tokens": 200}
    export.write_text(json.dumps([{"request_id": "req_theirs_2", "model": MODEL, "usage": usage}]))
    words = ("spend", "reconcile", "--export", str(export), "--why", "x")

    without = run(*words, "--policy", str(tmp_path / "none.yaml"))
    unchanged = balances()
    run(*words, "--policy", str(policy))

    assert "says tokens and no cost_usd: name a good policy with --policy to price them" in without.stdout
    assert unchanged == BEFORE
    # 100 tokens at $1 a million, 200 at $5: a tenth of a cent and a bit.
    assert balances() == {
        ALL.name: (29_600_000 - 12_300_000 + 1_100_000, 17_300_000),
        TOKENS.name: (1300, 1000),
    }


@pytest.mark.usefixtures("charged", "recorded")
def test_a_line_above_the_worst_case_is_no_proof(run: Run, balances: Balances, tmp_path: Path) -> None:
    export = tmp_path / "usage.csv"
    export.write_text("request_id,cost_usd\nreq_theirs_1,7\n")

    *_, line, left, _, _ = map(
        json.loads, run("spend", "reconcile", "--export", str(export), "--why", "x", "--json").stdout.splitlines()
    )

    assert (line["kind"], line["line"]) == ("line", 2)
    assert "cannot have been $7" in line["why"]
    assert left["kind"] == "left"
    assert balances() == BEFORE


@pytest.mark.usefixtures("charged")
def test_a_charge_that_the_journal_does_not_know_stays(run: Run, balances: Balances, tmp_path: Path) -> None:
    export = tmp_path / "usage.csv"
    export.write_text("request_id,cost_usd\nreq_theirs_1,0.001\n")

    result = run("spend", "reconcile", "req_1-1", "--export", str(export), "--why", "x")

    assert result.stdout.splitlines()[-1].split("  ") == ["req_1-1", "the journal has no record of the attempt"]
    assert balances() == BEFORE


@pytest.mark.usefixtures("charged")
def test_an_attempt_without_an_answer_cannot_be_proved(run: Run, journal: Journal, tmp_path: Path) -> None:
    other = AttemptRecord("openai", "gpt", 0.0, 1.0, provider_request_id="req_theirs_2")
    journal(CallRecord("req_1", AT_S, attempts=(AttemptRecord("anthropic", MODEL, 0.0, 1.0), other)))
    export = tmp_path / "usage.csv"
    export.write_text("request_id,cost_usd\nreq_theirs_2,0.001\n")

    lines = run("spend", "reconcile", "--export", str(export), "--why", "x").stdout.splitlines()

    why = "the provider never told a request id, so that no export can prove it"
    assert [re.split("  +", line)[1] for line in lines if line.startswith("req_1")] == [why, why], (
        "nor by another target's"
    )
