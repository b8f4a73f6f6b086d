"""A worker's purse and till over a directory of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from seawall.assembly.clock import SystemClock
from seawall.core.account import Account, Unit
from seawall.core.receipt import Receipt
from seawall.core.window import LIFETIME
from seawall.gateway.options import ServeOptions
from seawall.gateway.spending import Spending, open_spending
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME

ALL = Account("all@lifetime", Unit.NUSD, 1_000)


async def _open(state_dir: Path, stack: AsyncExitStack, slot: int = 0) -> Spending:
    """Open a worker's, with its chores running until the stack closes."""
    options = ServeOptions(policy=state_dir / "policy.yaml", state_dir=state_dir, workers=2)
    spending = open_spending(options, slot, SystemClock(), stack)
    chores = [asyncio.ensure_future(begin()) for _, begin in spending.chores]

    async def end() -> None:
        for chore in chores:
            chore.cancel()
        await asyncio.wait(chores)

    stack.push_async_callback(end)
    return spending


async def _spend(spending: Spending, nusd: int) -> None:
    purse = spending.purse
    receipt = await purse.hold(Attempt("req_1-1"), [purse.lease_of(ALL, LIFETIME)], Amounts(nusd))
    assert isinstance(receipt, Receipt)
    purse.settle(receipt, Amounts(nusd))


async def test_what_was_leased_and_not_spent_is_given_back_at_the_end(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        spending = await _open(tmp_path, stack)
        await _spend(spending, 40)

    with closing(SqliteBooks(tmp_path / FILE_NAME)) as books:
        (balance,) = books.balances()
    assert (balance.settled, balance.leased) == (40, 0)


async def test_one_worker_watches_for_all(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, second = await _open(tmp_path, stack), await _open(tmp_path, stack, slot=1)

        assert [name for name, _ in first.chores] == ["purse", "till", "burials", "spend watch"]
        assert [name for name, _ in second.chores] == ["purse", "till"]
        assert first.sampler is not None
        assert second.sampler is None


@pytest.mark.parametrize("slot", [0, 1])
async def test_two_workers_share_an_account(tmp_path: Path, slot: int) -> None:
    async with AsyncExitStack() as stack:
        both = [await _open(tmp_path, stack), await _open(tmp_path, stack, slot=1)]
        await _spend(both[slot], 900)
        other = both[1 - slot].purse
        hold: Callable[[int], Awaitable[object]] = lambda nusd: other.hold(  # noqa: E731  # one line, used twice
            Attempt("req_2-1"), [other.lease_of(ALL, LIFETIME)], Amounts(nusd)
        )

        refused, receipt = await hold(101), await hold(100)

        assert not isinstance(refused, Receipt)
        assert isinstance(receipt, Receipt)
        other.settle(receipt, Amounts(0))
