import asyncio
from pathlib import Path
from typing import Final

import pytest

from seawall.assembly.clock import SystemClock
from seawall.client.desk import Desk
from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.core.receipt import Receipt
from seawall.core.window import LIFETIME
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt
from seawall.guards.budget.purse import Purse
from seawall.stores.files.owners import OWNERS_DIR
from seawall.stores.sqlite.ledger_books import SqliteBooks

ALL: Final = Account("all@lifetime", Unit.NUSD, 1000)


async def _spend(desk: Desk, nusd: int) -> None:
    receipt = await desk.purse.hold(Attempt("req_1-1"), [desk.purse.lease_of(ALL, LIFETIME)], Amounts(nusd))
    assert isinstance(receipt, Receipt)
    desk.purse.settle(receipt, Amounts(nusd))


async def test_what_was_leased_and_not_spent_is_given_back_at_the_end(state_dir: Path, books: SqliteBooks) -> None:
    desk = Desk(state_dir, SystemClock())
    await _spend(desk, 40)

    await desk.aclose()

    (balance,) = books.balances()
    assert (balance.settled, balance.leased) == (40, 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_without_a_directory_it_keeps_its_own_books(state_dir: Path) -> None:
    desk = Desk(None, SystemClock())

    await _spend(desk, 900)
    short = await desk.purse.hold(Attempt("req_2-1"), [desk.purse.lease_of(ALL, LIFETIME)], Amounts(101))

    assert not isinstance(short, Receipt)
    await desk.aclose()
    assert not state_dir.exists()  # noqa: ASYNC240  # nothing runs any more


async def test_a_chore_that_fails_says_so(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: Purse) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Purse, "tend", fail)
    desk = Desk(None, SystemClock())

    await asyncio.wait(desk._chores, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0)

    assert caplog.messages == ["purse failed"]
    await desk.aclose()


async def test_files_of_dead_owners_are_taken_away(state_dir: Path, books: SqliteBooks) -> None:
    dead = state_dir / OWNERS_DIR / "w64-1-dead"
    dead.parent.mkdir()
    dead.touch()

    desk = Desk(state_dir, SystemClock())

    assert len(list(dead.parent.iterdir())) == 1
    await desk.aclose()
    assert books.balances() == []


async def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LedgerUnavailable, match="file"):
        Desk(tmp_path / "file", SystemClock())
