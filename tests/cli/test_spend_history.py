import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from seawall.cli.spend_account import account_state
from seawall.cli.spend_history import read_histories
from seawall.core.account import Unit
from seawall.core.balance import Balance
from seawall.core.spending import HOUR_S, HourSpend
from seawall.ports.spending import SpendingTurn
from seawall.stores.sqlite.spending import FILE_NAME, SqliteSpending

NOON_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
DAY = Balance("all@2026-11-21/UTC", Unit.NUSD, 1000, 10, 0, 0)


async def keep(state_dir: Path, hours: list[HourSpend]) -> None:
    store = SqliteSpending(state_dir / FILE_NAME)
    try:
        await store.keep(SpendingTurn(hours=hours), NOON_S)
    finally:
        store.close()


def test_a_forecast_knows_the_hours_of_earlier_weeks(state_dir: Path) -> None:
    # Three weeks in which nothing was spent but 7 in the hour after noon.
    first_s = int(NOON_S) - 21 * 24 * HOUR_S
    hours = [HourSpend("all@day/UTC", first_s + day * 24 * HOUR_S, 7) for day in range(21)]
    asyncio.run(keep(state_dir, hours))

    found = account_state(DAY, NOON_S, read_histories(state_dir, NOON_S).of)

    assert found.forecast == 17
    assert account_state(DAY, NOON_S).forecast == 20, "by the window alone, nights are like days"


def test_a_budget_that_was_never_watched_goes_by_its_window(state_dir: Path) -> None:
    asyncio.run(keep(state_dir, [HourSpend("team:a@day/UTC", int(NOON_S) - HOUR_S, 7)]))

    assert account_state(DAY, NOON_S, read_histories(state_dir, NOON_S).of).forecast == 20


def test_reading_makes_no_file(state_dir: Path) -> None:
    assert account_state(DAY, NOON_S, read_histories(state_dir, NOON_S).of).forecast == 20
    assert not state_dir.exists()


def test_what_cannot_be_read_is_said_and_done_without(
    state_dir: Path, run: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir.mkdir()
    (state_dir / FILE_NAME).write_bytes(b"no database" * 500)

    read_histories(state_dir, NOON_S)

    assert "forecasts go by the running window alone" in capsys.readouterr().err
    assert run("spend").exit_code == 0
