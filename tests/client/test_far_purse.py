import asyncio
from pathlib import Path
from typing import Final

from seawall.assembly.clock import SystemClock
from seawall.client.far_purse import FarPurse, FarTill
from seawall.client.spending import Spending
from seawall.core.account import Account, Unit
from seawall.core.rate import Bucket, Rate
from seawall.core.receipt import Receipt
from seawall.core.window import LIFETIME
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.any_purse import AnyPurse
from seawall.guards.budget.lease import Attempt
from seawall.guards.limits.any_till import AnyTill
from seawall.guards.limits.till import Demand
from seawall.stores.sqlite.ledger_books import SqliteBooks

ALL: Final = Account("all@lifetime", Unit.NUSD, 1000)
BUCKET: Final = Bucket("all", Rate(per_minute=1, burst=10))


def _far(state_dir: Path | None) -> tuple[AnyPurse, AnyTill, Spending]:
    clock = SystemClock()
    spending = Spending(state_dir, clock)
    return FarPurse(spending, clock.wall_s), FarTill(spending), spending


async def test_it_holds_settles_and_comes_short_as_a_purse_does(state_dir: Path, books: SqliteBooks) -> None:
    purse, _, spending = _far(state_dir)
    lease, attempt = purse.lease_of(ALL, LIFETIME), Attempt("req_1-1", "anthropic/m")

    assert purse.try_hold(attempt, [lease], Amounts(1)) is None
    held = await purse.hold(attempt, [lease], Amounts(600))
    short = await purse.hold(attempt, [lease], Amounts(600))
    assert isinstance(held, Receipt)
    assert not isinstance(short, Receipt)
    assert short.account == ALL
    purse.settle(held, Amounts(300))
    purse.settle(held, Amounts(300))
    last = await purse.hold(attempt, [lease], Amounts(700))
    assert isinstance(last, Receipt)
    purse.settle(last, Amounts(700), "unknown")
    assert await purse.can_hold()
    await asyncio.to_thread(spending.close)

    (balance,) = books.balances()
    assert (balance.settled, balance.leased, balance.unsettled) == (1000, 0, 700)


async def test_a_running_call_of_an_older_policy_goes_by_the_newest_cap() -> None:
    purse, _, spending = _far(None)
    older, newer = purse.lease_of(ALL, LIFETIME, 1), purse.lease_of(ALL._replace(cap=500), LIFETIME, 2)

    held = await purse.hold(Attempt("req_1-1"), [newer], Amounts(400))
    short = await purse.hold(Attempt("req_2-1"), [older], Amounts(200))

    assert isinstance(held, Receipt)
    assert not isinstance(short, Receipt)
    assert short.account.cap == 500
    purse.settle(held, Amounts(0))
    await asyncio.to_thread(spending.close)


async def test_a_hold_that_nobody_waits_for_any_more_costs_nothing(state_dir: Path, books: SqliteBooks) -> None:
    purse, _, spending = _far(state_dir)
    lease = purse.lease_of(ALL, LIFETIME)
    kept = 0

    for number in range(60):
        call = asyncio.ensure_future(purse.hold(Attempt(f"req_{number}-1"), [lease], Amounts(10)))
        for _ in range(number):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        if not call.cancelled():
            receipt = call.result()
            assert isinstance(receipt, Receipt)
            purse.settle(receipt, Amounts(1))
            kept += 1
    await asyncio.to_thread(spending.close)

    assert [(x.settled, x.leased, x.unsettled) for x in books.balances()] in ([(kept, 0, 0)], [])


async def test_a_till_takes_gives_back_and_comes_short() -> None:
    _, till, spending = _far(None)
    drawer = till.drawer(BUCKET)

    assert till.take_at_once([])
    assert not till.take_at_once([Demand(drawer, 1)])
    assert await till.take([Demand(drawer, 8)]) is None
    till.put_back(drawer, 3)
    assert await till.take([Demand(drawer, 4)]) is None
    till.charge(drawer, 1)
    empty = await till.take([Demand(drawer, 1)])

    assert empty is not None
    assert (empty.bucket, empty.units) == (BUCKET, 1)
    await asyncio.to_thread(spending.close)


async def test_what_was_taken_for_a_cancelled_call_goes_back() -> None:
    _, till, spending = _far(None)
    drawer = till.drawer(BUCKET)

    for turns in range(60):
        call = asyncio.ensure_future(till.take([Demand(drawer, 10)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        if not call.cancelled():
            assert call.result() is None
            till.put_back(drawer, 10)

    assert await till.take([Demand(drawer, 10)]) is None
    await asyncio.to_thread(spending.close)
