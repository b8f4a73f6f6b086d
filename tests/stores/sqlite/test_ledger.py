import asyncio
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Grant
from seawall.stores.sqlite.ledger import SqliteLedger
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.testing.ledger import CHECKS, TEAM, LedgerUnderTest, check_ledger, differences, exactly, standing


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], LedgerUnderTest]]:
    opened: list[SqliteLedger | SqliteBooks] = []

    def fresh() -> LedgerUnderTest:
        path = tmp_path / str(len(opened)) / "ledger.db"
        ledger, beside, books = SqliteLedger(path), SqliteLedger(path), SqliteBooks(path)
        opened.extend((ledger, beside, books))
        return LedgerUnderTest(ledger, beside, books)

    yield fresh
    for each in opened:
        each.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.db"


@pytest.mark.parametrize("check", CHECKS)
async def test_sqlite_keeps_the_contract_of_ledgers(
    make: Callable[[], LedgerUnderTest], check: Callable[[LedgerUnderTest], Awaitable[None]]
) -> None:
    under = make()

    await check(under)

    assert differences(under.books) == []


async def test_the_whole_suite_runs_in_one_call(make: Callable[[], LedgerUnderTest]) -> None:
    await check_ledger(make)


async def test_a_lease_outlives_its_ledger(path: Path) -> None:
    first = SqliteLedger(path)
    assert await exactly(first, "w1", TEAM, 1000) == Grant((1000,))
    first.close()

    second = SqliteLedger(path)
    owners, more = await second.owners(), await exactly(second, "w2", TEAM, 601)
    second.close()

    assert list(owners) == ["w1"]
    assert not isinstance(more, Grant)


async def test_a_cancelled_wait_leaves_the_step_in_the_queue(path: Path) -> None:
    ledger, books = SqliteLedger(path), SqliteBooks(path)
    waiting = asyncio.ensure_future(exactly(ledger, "w1", TEAM, 100))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.to_thread(ledger.close)
    ledger.close()

    assert standing(books, TEAM).leased == 100
    books.close()


async def test_a_closed_ledger_says_so(path: Path) -> None:
    ledger = SqliteLedger(path)
    ledger.close()

    with pytest.raises(LedgerUnavailable, match="is closed"):
        await ledger.owners()


async def test_the_file_is_its_owners_alone(path: Path) -> None:
    ledger = SqliteLedger(path)
    await exactly(ledger, "w1", TEAM, 100)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    ledger.close()

    assert modes == {0o600}


async def test_a_write_that_fails_is_no_lease(path: Path) -> None:
    ledger, books = SqliteLedger(path), SqliteBooks(path)
    db = apsw.Connection(str(path))
    db.execute("CREATE TRIGGER full BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")

    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        await exactly(ledger, "w1", TEAM, 100)

    db.execute("DROP TRIGGER full")
    db.close()
    assert books.balances() == []
    assert await exactly(ledger, "w1", TEAM, 100) == Grant((100,))
    ledger.close()
    books.close()
