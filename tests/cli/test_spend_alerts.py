import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from seawall.cli import spend_alerts
from seawall.core.spending import SpendAlert
from seawall.ports.spending import SpendingTurn
from seawall.stores.sqlite.spending import FILE_NAME, SqliteSpending

Run = Callable[..., Result]
NOON_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
ACCOUNT = "team:a@2026-11-21/UTC"
RUNNING = SpendAlert("a2", "burn team:a", "burn", "page", ACCOUNT, NOON_S - 60, "team:a burns 20 x", {"burn": 20.0})
OVER = SpendAlert(
    "a1", "share team:a", "share", "ticket", ACCOUNT, NOON_S - 7200, "team:a has spent 80 %", {}, NOON_S - 3600
)


@pytest.fixture
def told(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep two alerts, one of which is over."""
    monkeypatch.setattr(spend_alerts, "now", lambda: NOON_S)

    state_dir.mkdir(parents=True, exist_ok=True)

    async def keep() -> None:
        store = SqliteSpending(state_dir / FILE_NAME)
        try:
            await store.keep(SpendingTurn(alerts=[OVER._replace(ended_at_s=None), RUNNING]), NOON_S)
            await store.keep(SpendingTurn(alerts=[OVER]), NOON_S)
        finally:
            store.close()

    asyncio.run(keep())
    return state_dir


@pytest.mark.usefixtures("told")
def test_the_newest_comes_first_and_says_until_when(run: Run) -> None:
    _, newest, oldest = run("spend", "alerts").stdout.splitlines()

    assert newest.split("  ")[0] == "2026-11-21 11:59:00"
    assert "now" in newest
    assert "team:a burns 20 x" in newest
    assert "2026-11-21 11:00:00" in oldest


@pytest.mark.usefixtures("told")
def test_those_that_are_over_can_be_left_out(run: Run) -> None:
    (line,) = run("spend", "alerts", "--in-force", "--json").stdout.splitlines()

    assert json.loads(line) == {
        "id": "a2",
        "at": "2026-11-21T11:59:00+00:00",
        "is_in_force": True,
        "severity": "page",
        "rule": "burn",
        "account": ACCOUNT,
        "holder": "team:a",
        "message": "team:a burns 20 x",
        "figures": {"burn": 20.0},
    }


@pytest.mark.usefixtures("told")
def test_what_is_not_shown_is_counted(run: Run) -> None:
    assert run("spend", "alerts", "--limit", "1").stdout.endswith("1 more: --limit shows more of them.\n")


@pytest.mark.parametrize(("words", "said"), [((), "There was no alert."), (("--in-force",), "No alert is in force.")])
def test_nothing_is_said_plainly(run: Run, words: tuple[str, ...], said: str) -> None:
    assert run("spend", "alerts", *words).stdout == f"{said}\n"


def test_a_store_that_cannot_be_read_is_an_error_of_the_command(run: Run, state_dir: Path) -> None:
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / FILE_NAME).write_bytes(b"no database" * 100)

    result = run("spend", "alerts")

    assert result.exit_code == 1
    assert FILE_NAME in result.stderr
