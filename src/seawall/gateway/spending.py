"""What a gateway process spends and counts with, and who watches it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from seawall.assembly.clock import SystemClock
from seawall.core.spending import Standing
from seawall.gateway.options import ServeOptions
from seawall.guards.budget.burial import bury_the_dead
from seawall.guards.budget.purse import Purse
from seawall.guards.limits.till import Till
from seawall.stores.files.owners import FileOwners
from seawall.stores.sqlite.buckets import FILE_NAME as BUCKETS
from seawall.stores.sqlite.buckets import SqliteBuckets
from seawall.stores.sqlite.ledger import SqliteLedger
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME as LEDGER
from seawall.stores.sqlite.spending import FILE_NAME as SPENDING
from seawall.stores.sqlite.spending import SqliteSpending
from seawall.telemetry.spending.reading import standings
from seawall.telemetry.spending.sampler import SpendSampler

Chore: TypeAlias = Callable[[], Coroutine[Any, Any, object]]


class Spending(NamedTuple):
    """A worker's purse and till, and what has to run for them. `sampler` watches the spending, in one worker."""

    purse: Purse
    till: Till
    sampler: SpendSampler | None
    chores: tuple[tuple[str, Chore], ...]


def open_spending(options: ServeOptions, slot: int, clock: SystemClock, stack: AsyncExitStack) -> Spending:
    """Open the ledger and the buckets; what is leased goes back before they are closed.

    Raises:
        LedgerUnavailable: one of them cannot be opened.
    """
    owners = FileOwners(options.state_dir, slot)
    stack.callback(owners.close)
    ledger = SqliteLedger(options.state_dir / LEDGER)
    stack.callback(ledger.close)
    buckets = SqliteBuckets(options.state_dir / BUCKETS)
    stack.callback(buckets.close)
    purse, till = Purse(ledger, owners.owner, clock), Till(buckets, clock)
    stack.push_async_callback(till.aclose)
    stack.push_async_callback(purse.aclose)
    chores: list[tuple[str, Chore]] = [("purse", purse.tend), ("till", till.tend)]
    sampler = None
    if slot % options.workers == 0:
        owners.sweep()
        sampler = _open_sampler(options, clock, stack)
        chores += [
            ("burials", partial(bury_the_dead, ledger, owners.is_alive, clock)),
            ("spend watch", sampler.tend),
        ]
    return Spending(purse, till, sampler, tuple(chores))


def _open_sampler(options: ServeOptions, clock: SystemClock, stack: AsyncExitStack) -> SpendSampler:
    books = SqliteBooks(options.state_dir / LEDGER)
    stack.callback(books.close)
    reader = ThreadPoolExecutor(1, "seawall-books")
    stack.callback(reader.shutdown)
    store = SqliteSpending(options.state_dir / SPENDING)
    stack.callback(store.close)

    async def read() -> Sequence[Standing]:
        balances = await asyncio.get_running_loop().run_in_executor(reader, books.balances)
        return standings(balances, clock.wall_s())

    return SpendSampler(read, store, clock)
