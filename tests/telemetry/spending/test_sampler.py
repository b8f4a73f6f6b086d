import asyncio
import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from seawall.core.account import Account, Unit
from seawall.core.error import Unavailable
from seawall.core.money import NUSD_PER_USD as USD
from seawall.core.spending import Standing, standing
from seawall.ports.ledger import Move, Want
from seawall.stores.sqlite.ledger import SqliteLedger
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.spending import SqliteSpending, read_spending
from seawall.telemetry.spending.reading import standings
from seawall.telemetry.spending.sampler import SpendSampler
from seawall.testing.clock import FakeClock, LoopClock
from seawall.testing.virtual_loop import run_virtual

TODAY = "team:a@2026-11-21/UTC"


class Ledger:
    """What budgets stand at, set by hand."""

    def __init__(self) -> None:
        self.spent_usd = 0
        self.error: Exception | None = None
        self.hangs = False
        self.looks = 0

    async def read(self) -> Sequence[Standing]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        if self.hangs:
            await asyncio.Event().wait()
        return [standing(TODAY, 100 * USD, self.spent_usd * USD)]


def _fields(records: Sequence[logging.LogRecord]) -> list[dict[str, Any]]:  # what the log formatter takes
    return [getattr(record, "fields", {}) for record in records]


async def test_what_began_is_logged_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger, clock, path = Ledger(), FakeClock(), tmp_path / "spending.db"
    store = SqliteSpending(path)
    sampler = SpendSampler(ledger.read, store, clock)
    await sampler.look()
    clock.advance(72_000.0)
    ledger.spent_usd = 50

    (alert,) = await sampler.look()
    assert await sampler.look() == ()
    store.close()

    (record,) = [record for record in caplog.records if record.name == "seawall.spending"]
    assert (record.levelno, record.getMessage()) == (logging.WARNING, "spend alert")
    assert _fields([record])[0] | {"rule": "share", "severity": "notice", "holder": "team:a"} == _fields([record])[0]
    assert [kept.id for kept in read_spending(path, clock.wall_s()).alerts] == [alert.id]
    assert alert in sampler.in_force


async def test_a_restart_tells_nothing_twice(tmp_path: Path) -> None:
    ledger, clock = Ledger(), FakeClock()
    ledger.spent_usd = 50
    for _ in range(2):
        store = SqliteSpending(tmp_path / "spending.db")
        sampler = SpendSampler(ledger.read, store, clock)
        told = await sampler.look()
        store.close()

    assert told == ()
    assert [alert.rule for alert in sampler.in_force] == ["share"]


async def test_two_processes_at_once_tell_a_trouble_once(tmp_path: Path) -> None:
    ledger, clock = Ledger(), FakeClock()
    stores = [SqliteSpending(tmp_path / "spending.db") for _ in range(2)]
    samplers = [SpendSampler(ledger.read, store, clock) for store in stores]
    for sampler in samplers:
        await sampler.look()
    ledger.spent_usd = 80

    told = [len(await sampler.look()) for sampler in samplers]
    for store in stores:
        store.close()

    assert told[0] > 0
    assert told[1] == 0


async def test_a_store_that_cannot_be_used_silences_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger, clock = Ledger(), FakeClock()
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "spending.db"
    store = SqliteSpending(path)
    sampler = SpendSampler(ledger.read, store, clock)
    ledger.spent_usd = 50
    assert [alert.rule for alert in await sampler.look()] == ["share"]
    await sampler.look()
    (tmp_path / "file").unlink()
    clock.advance(60.0)
    await sampler.look()
    store.close()

    assert [alert.rule for alert in read_spending(path, clock.wall_s()).alerts] == ["share"]
    said = [record.getMessage() for record in caplog.records if record.name == "seawall.spending"]
    assert said == ["spending cannot be watched in full", "spend alert", "spending can be watched again"]
    assert read_spending(path, clock.wall_s()).hours != []


async def test_a_ledger_that_cannot_be_read_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger, store = Ledger(), SqliteSpending(tmp_path / "spending.db")
    sampler = SpendSampler(ledger.read, store, FakeClock())
    ledger.error = Unavailable("no")
    await sampler.look()
    ledger.error = OSError("no")
    await sampler.look()
    ledger.error = None
    await sampler.look()
    store.close()

    assert [fields["what"] for fields in _fields(caplog.records)] == ["ledger", "ledger"]


def test_it_looks_every_ten_seconds_and_waits_for_no_ledger_longer_than_five(tmp_path: Path) -> None:
    async def main() -> tuple[int, int]:
        ledger, store = Ledger(), SqliteSpending(tmp_path / "spending.db")
        tend = asyncio.get_running_loop().create_task(SpendSampler(ledger.read, store, LoopClock()).tend())
        await asyncio.sleep(95.0)
        usual, ledger.hangs = ledger.looks, True
        await asyncio.sleep(150.0)
        tend.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tend
        store.close()
        return usual, ledger.looks - usual

    assert run_virtual(main()) == (10, 10)


def test_what_was_seen_is_kept_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "spending.db"

    async def main() -> None:
        ledger, store = Ledger(), SqliteSpending(path)
        tend = asyncio.get_running_loop().create_task(SpendSampler(ledger.read, store, LoopClock()).tend())
        await asyncio.sleep(5.0)
        ledger.spent_usd = 7
        await asyncio.sleep(10.0)
        tend.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tend
        store.close()

    run_virtual(main())

    past = read_spending(path, 1_795_219_215.0)
    assert [mark.spent for mark in past.marks] == [7 * USD]
    assert [hour.spent for hour in past.hours] == [7 * USD]


async def test_what_a_real_ledger_books_is_told(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "ledger.db"
    clock.advance(72_000.0)
    account = Account(TODAY, Unit.NUSD, 100 * USD)
    ledger, books, store = SqliteLedger(path), SqliteBooks(path), SqliteSpending(tmp_path / "spending.db")

    async def read() -> Sequence[Standing]:
        return standings(books.balances(), clock.wall_s())

    sampler = SpendSampler(read, store, clock)
    assert await sampler.look() == ()
    await ledger.lease("w1", [[Want(account, 60 * USD, 60 * USD)]], clock.wall_s())
    assert await sampler.look() == ()  # a lease is no spending
    await ledger.report("w1", 1, [Move(TODAY, 55 * USD, 5 * USD)], [], clock.wall_s())
    clock.advance(10.0)

    told = await sampler.look()

    assert {(alert.rule, alert.severity) for alert in told} == {("share", "notice"), ("burn", "page")}
    for each in (ledger, books, store):
        each.close()
