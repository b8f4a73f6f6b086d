"""What holds for every schedule: a cap is never exceeded, nothing leaks, every hold ends once."""

import asyncio
import random
from collections import Counter
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.core.receipt import Receipt
from seawall.core.window import LIFETIME
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ALL, Fault, ShakyLedger, Worker, workers

ACCOUNTS: Final = (
    Account("all@lifetime", Unit.NUSD, 100_000),
    Account("team:a@lifetime", Unit.NUSD, 40_000),
    Account("team:b@lifetime", Unit.NUSD, 30_000),
    Account("user:u#tokens@lifetime", Unit.TOKENS, 20_000),
)


class Fuzz:
    """Callers with their own chance at several workers; `spent` is what the provider billed, by account."""

    def __init__(self, seed: int, *, faults: bool) -> None:
        self.random = random.Random(seed)  # noqa: S311  # a schedule, no secret
        self.ledger = ShakyLedger()
        self.ledger.delay_s = lambda: self.random.choice((0.0, 0.001, 0.02))
        self.faults = faults
        self.spent: Counter[str] = Counter()
        self.open: Counter[str] = Counter()
        self.receipts = 0
        self.doubted = False

    def fault(self, step: str) -> Fault:
        fault: Fault = self.random.choice(("before", "after", None, None))
        # What a lease in doubt granted stays with its owner until he is buried.
        self.doubted = self.doubted or (step == "lease" and fault == "after")
        return fault

    async def run(self) -> None:
        found = [Worker(self.ledger, f"w{number}") for number in range(3)]
        callers = [asyncio.ensure_future(self.caller(worker)) for worker in found for _ in range(6)]
        if self.faults:
            asyncio.get_running_loop().call_later(0.3, setattr, self.ledger, "fault", self.fault)
            asyncio.get_running_loop().call_later(0.8, setattr, self.ledger, "fault", lambda _: None)
        for _ in range(10):
            await asyncio.sleep(0.1)
            self.random.choice(callers).cancel()
            self.check()
        await asyncio.wait(callers)
        for worker in found:
            await worker.close()
            assert not worker.purse._is_broken
            assert all(lease.is_sound() and lease.held == 0 for lease in worker.purse._leases.values())
        self.check()
        if not self.doubted:
            assert self.ledger.real.leases() == []

    def check(self) -> None:
        """No account has more settled, leased or billed than its cap."""
        for balance in self.ledger.real.balances():
            assert balance.settled + balance.leased <= balance.cap
            assert self.spent[balance.name] + self.open[balance.name] <= balance.cap

    async def caller(self, worker: Worker) -> None:
        for number in range(12):
            accounts = [ACCOUNTS[0], *self.random.sample(ACCOUNTS[1:], self.random.randint(0, 3))]
            leases = worker.leases(*accounts)
            need = Amounts(self.random.randint(1, 4000), self.random.randint(0, 900))
            try:
                result = await worker.purse.hold(Attempt(f"{id(self)}-{number}", "p/m"), leases, need)
            except LedgerUnavailable:
                continue
            if not isinstance(result, Receipt):
                continue
            self.receipts += 1
            await self.attempt(worker, accounts, result, need)

    async def attempt(self, worker: Worker, accounts: list[Account], receipt: Receipt, need: Amounts) -> None:
        """Bill anything up to the worst case, settle it, and sometimes twice."""
        cost = Amounts(self.random.randint(0, need.nusd), self.random.randint(0, need.tokens))
        names = [(account.name, 1 if account.unit is Unit.TOKENS else 0) for account in accounts]
        self.open.update({name: need[part] for name, part in names})
        try:
            await asyncio.sleep(self.random.choice((0.0, 0.01, 0.2)))
        except asyncio.CancelledError:
            cost = need
            raise
        finally:
            self.open.subtract({name: need[part] for name, part in names})
            self.spent.update({name: cost[part] for name, part in names})
            worker.purse.settle(receipt, cost, "unknown" if cost == need else None)
            worker.purse.settle(receipt, need)


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_no_schedule_exceeds_a_cap_or_leaks(seed: int) -> None:
    fuzz = Fuzz(seed, faults=False)
    run_virtual(fuzz.run())

    assert fuzz.receipts
    for account in ACCOUNTS:
        assert fuzz.ledger.settled(account.name) == fuzz.spent[account.name]


@given(st.integers(0, 2**32))
@settings(max_examples=40)
def test_no_failure_of_the_ledger_exceeds_a_cap_or_books_twice(seed: int) -> None:
    fuzz = Fuzz(seed, faults=True)
    run_virtual(fuzz.run())

    assert fuzz.receipts
    for account in ACCOUNTS:
        assert fuzz.ledger.settled(account.name) == fuzz.spent[account.name]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("price", [100, 5000, 125_000])
def test_where_the_price_divides_the_cap_exactly_the_cap_is_spent(seed: int, price: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a schedule, no secret
    ledger = ShakyLedger()
    ledger.delay_s = lambda: chance.choice((0.0, 0.001, 0.004))

    async def caller(worker: Worker) -> int:
        spent = 0
        while isinstance(receipt := await worker.hold(price), Receipt):
            await asyncio.sleep(chance.random() * 0.02)
            worker.purse.settle(receipt, Amounts(price))
            spent += price
        return spent

    async def scene() -> int:
        async with workers(ledger, 4) as found:
            return sum(await asyncio.gather(*[caller(worker) for worker in found for _ in range(8)]))

    assert run_virtual(scene()) == ALL.cap
    assert (ledger.settled(), ledger.leased()) == (ALL.cap, 0)


def test_what_a_dead_worker_held_is_charged_and_no_more_than_the_cap_is_spent() -> None:
    ledger = ShakyLedger()

    async def scene() -> int:
        dead = Worker(ledger, "dead")
        spent = 0
        for _ in range(20):
            receipt = await dead.hold(5000)
            assert isinstance(receipt, Receipt)
            spent += 5000
            if spent % 10_000:
                dead.purse.settle(receipt, Amounts(5000))
            else:
                receipt.is_settled = True  # type: ignore[attr-defined]  # it dies with the worker
        await dead.stop()
        await ledger.bury("dead", 0.0)
        async with workers(ledger, 2) as found:
            for worker in found * 100:
                receipt = await worker.hold(10_000)
                if isinstance(receipt, Receipt):
                    spent += 10_000
                    worker.purse.settle(receipt, Amounts(10_000))
        return spent

    assert run_virtual(scene()) <= ALL.cap
    assert ALL.cap - 10_000 < ledger.settled() <= ALL.cap


def test_users_are_forgotten_when_they_are_gone() -> None:
    ledger = ShakyLedger()

    async def scene() -> tuple[int, int]:
        worker = Worker(ledger)

        async def user(number: int) -> None:
            account = Account(f"user:{number}@lifetime", Unit.NUSD, 10**9)
            receipt = await worker.purse.hold(
                Attempt(f"u{number}"), [worker.purse.lease_of(account, LIFETIME)], Amounts(1000)
            )
            assert isinstance(receipt, Receipt)
            worker.purse.settle(receipt, Amounts(10))

        for begin in range(0, 2000, 500):
            await asyncio.gather(*[user(number) for number in range(begin, begin + 500)])
        most = len(worker.purse._leases)
        await asyncio.sleep(20.0)
        left = len(worker.purse._leases)
        await worker.close()
        return most, left

    most, left = run_virtual(scene())

    assert most > 500
    assert left == 0
    assert ledger.leased("user") == 0
    assert ledger.settled("user") == 2000 * 10
