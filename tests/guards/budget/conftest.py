"""Workers over one ledger that can be slow, fail, or leave in doubt what it did."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal, TypeAlias, TypeVar

from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.core.receipt import Receipt
from seawall.core.window import LIFETIME
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt, Lease
from seawall.guards.budget.purse import Purse
from seawall.ports.ledger import Grant, Move, Short, Unsettled, Want
from seawall.stores.memory.ledger import MemoryLedger
from seawall.testing.clock import LoopClock

Fault: TypeAlias = Literal["before", "after"] | None
T = TypeVar("T")
ALL: Final = Account("all@lifetime", Unit.NUSD, 1_000_000)
TEAM: Final = Account("team:a@lifetime", Unit.NUSD, 300_000)


class ShakyLedger:
    """A memory ledger behind a slow and unreliable way; implements Ledger.

    `fault` is asked before each step: `before` fails it undone, `after` fails it although it was done.
    """

    def __init__(self) -> None:
        self.real = MemoryLedger()
        self.delay_s: Callable[[], float] = lambda: 0.0
        self.fault: Callable[[str], Fault] = lambda _: None
        self.steps: list[str] = []

    def lease(self, owner: str, asked: Sequence[Sequence[Want]], at_s: float) -> Awaitable[Sequence[Grant | Short]]:
        return self._step("lease", lambda: self.real.lease(owner, asked, at_s))

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> Awaitable[None]:
        return self._step("report", lambda: self.real.report(owner, number, moves, unsettled, at_s))

    def squeezed(self, owner: str) -> Awaitable[Sequence[str]]:
        return self._step("squeezed", lambda: self.real.squeezed(owner))

    def owners(self) -> Awaitable[Sequence[str]]:
        return self.real.owners()

    def bury(self, owner: str, at_s: float) -> Awaitable[int]:
        return self.real.bury(owner, at_s)

    async def _step(self, name: str, do: Callable[[], Awaitable[T]]) -> T:
        self.steps.append(name)
        fault = self.fault(name)
        await asyncio.sleep(self.delay_s())
        if fault == "before":
            raise LedgerUnavailable("the disk is full")
        result = await do()
        if fault == "after":
            raise LedgerUnavailable("the disk is full, perhaps")
        return result

    def settled(self, name: str = ALL.name) -> int:
        return sum(balance.settled for balance in self.real.balances(name))

    def leased(self, name: str = ALL.name) -> int:
        return sum(balance.leased for balance in self.real.balances(name))


class Worker:
    """A purse and its chore."""

    def __init__(self, ledger: ShakyLedger, name: str = "w1", clock: LoopClock | None = None) -> None:
        self.purse = Purse(ledger, name, clock or LoopClock())
        self.chore = asyncio.ensure_future(self.purse.tend())
        self.count = 0

    def leases(self, *accounts: Account) -> list[Lease]:
        return [self.purse.lease_of(account, LIFETIME) for account in accounts or (ALL,)]

    async def hold(self, amount: int, *accounts: Account) -> Receipt | Short:
        self.count += 1
        return await self.purse.hold(Attempt(f"a{self.count}", "p/m"), self.leases(*accounts), Amounts(amount))

    def try_hold(self, amount: int, *accounts: Account) -> Receipt | None:
        self.count += 1
        return self.purse.try_hold(Attempt(f"a{self.count}", "p/m"), self.leases(*accounts), Amounts(amount))

    async def close(self) -> None:
        await self.purse.aclose()
        await self.stop()

    async def stop(self) -> None:
        self.chore.cancel()
        await asyncio.wait({self.chore})


@asynccontextmanager
async def workers(ledger: ShakyLedger, count: int) -> AsyncIterator[list[Worker]]:
    """Start workers and close them in the end."""
    async with AsyncExitStack() as stack:
        found = [Worker(ledger, f"w{number}") for number in range(count)]
        for worker in found:
            stack.push_async_callback(worker.close)
        yield found


def held(result: Receipt | Short | None) -> Receipt:
    assert isinstance(result, Receipt)
    return result
