import asyncio
from datetime import UTC

import pytest

from seawall.core.account import Account, Unit
from seawall.core.receipt import Receipt
from seawall.core.window import Period, window_at
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt
from seawall.ports.ledger import Short
from seawall.testing.clock import START_WALL_S
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ALL, TEAM, ShakyLedger, held, workers


def test_a_hold_takes_from_every_account_or_from_none() -> None:
    ledger = ShakyLedger()

    async def scene() -> Receipt | Short:
        async with workers(ledger, 1) as (worker,):
            held(await worker.hold(200_000, ALL, TEAM))
            return await worker.hold(200_000, ALL, TEAM)

    short = run_virtual(scene())

    assert isinstance(short, Short)
    assert short.account == TEAM


def test_within_leases_nobody_asks_the_ledger() -> None:
    ledger = ShakyLedger()

    async def scene() -> list[str]:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(100)), Amounts(60))
            before = len(ledger.steps)
            worker.purse.settle(held(worker.try_hold(100)), Amounts(60))
            return ledger.steps[before:]

    assert run_virtual(scene()) == []
    assert ledger.settled() == 120


def test_a_lease_is_renewed_before_it_is_gone() -> None:
    ledger = ShakyLedger()

    async def scene() -> int:
        async with workers(ledger, 1) as (worker,):
            held(await worker.hold(10))
            waited = 0
            for _ in range(2000):
                receipt = worker.try_hold(10)
                if receipt is None:
                    waited += 1
                    receipt = held(await worker.hold(10))
                worker.purse.settle(receipt, Amounts(10))
                await asyncio.sleep(0.001)
            return waited

    assert run_virtual(scene()) == 0


def test_many_who_wait_are_served_by_one_step() -> None:
    ledger = ShakyLedger()

    async def scene() -> list[Receipt]:
        async with workers(ledger, 1) as (worker,):
            found = await asyncio.gather(*[worker.hold(1000) for _ in range(200)])
            steps = ledger.steps.count("lease")
            assert steps == 1
            receipts = [held(result) for result in found]
            for receipt in receipts:
                worker.purse.settle(receipt, Amounts(0))
            return receipts

    assert len(run_virtual(scene())) == 200
    assert ledger.settled() == 0


def test_settling_twice_changes_nothing() -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            receipt = held(await worker.hold(100))
            worker.purse.settle(receipt, Amounts(10))
            worker.purse.settle(receipt, Amounts(100), "unknown")
            worker.purse.settle(Receipt("somebody else's", 5, 5), Amounts(5))

    run_virtual(scene())

    assert ledger.settled() == 10
    assert ledger.real.unsettled_rows() == []


def test_a_hold_of_another_purse_is_none_of_its_business() -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 2) as (parent, child):
            receipt = held(await parent.hold(100))
            child.purse.settle(receipt, Amounts(90))  # a fork has a copy of all that its parent held
            assert child.leases()[0].leased == 0
            parent.purse.settle(receipt, Amounts(40))

    run_virtual(scene())

    assert ledger.settled() == 40


def test_what_costs_nothing_at_worst_is_in_no_doubt() -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(worker.try_hold(0)), Amounts(0), "hung_up")

    run_virtual(scene())

    assert ledger.real.unsettled_rows() == []


def test_a_cost_above_the_hold_is_booked_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            first, second = held(await worker.hold(100)), held(await worker.hold(500_000))
            worker.purse.settle(first, Amounts(400_000))
            await asyncio.sleep(1.0)
            balance = ledger.real.balances()[0]
            assert balance.settled == 400_000
            assert balance.settled + balance.leased <= balance.cap
            worker.purse.settle(second, Amounts(500_000))
            assert isinstance(await worker.hold(100_001), Short)
            worker.purse.settle(held(await worker.hold(100_000)), Amounts(100_000))

    run_virtual(scene())

    assert (ledger.settled(), ledger.leased()) == (ALL.cap, 0)
    assert "ledger.overrun" in caplog.messages


@pytest.mark.parametrize("cancel_s", [0.0, 0.05, 0.1, 0.1000001])
def test_who_is_cancelled_while_waiting_holds_nothing(cancel_s: float) -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 0.1

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            task = asyncio.ensure_future(worker.hold(100))
            await asyncio.sleep(cancel_s)
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                worker.purse.settle(held(task.result()), Amounts(0))
            await asyncio.sleep(0.3)
            assert worker.leases()[0].held == 0

    run_virtual(scene())

    assert (ledger.settled(), ledger.leased()) == (0, 0)


def test_what_others_hold_idle_comes_within_a_third_of_a_second() -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 0.002

    async def scene() -> float:
        async with workers(ledger, 2) as (one, two):
            one.purse.settle(held(await one.hold(50_000)), Amounts(0))  # which leaves room in its hands
            assert one.leases()[0].room >= 50_000
            began_s = asyncio.get_running_loop().time()
            two.purse.settle(held(await two.hold(ALL.cap)), Amounts(ALL.cap))
            return asyncio.get_running_loop().time() - began_s

    assert run_virtual(scene()) < 0.3
    assert ledger.settled() == ALL.cap


def test_what_others_really_hold_is_refused_after_a_third_of_a_second() -> None:
    ledger = ShakyLedger()

    async def scene() -> tuple[Receipt | Short, float]:
        async with workers(ledger, 2) as (one, two):
            receipt = held(await one.hold(600_000))
            began_s = asyncio.get_running_loop().time()
            result = await two.hold(600_000)
            waited_s = asyncio.get_running_loop().time() - began_s
            one.purse.settle(receipt, Amounts(0))
            return result, waited_s

    result, waited_s = run_virtual(scene())

    assert isinstance(result, Short)
    assert 0.3 <= waited_s < 0.4


def test_a_used_up_account_refuses_at_once() -> None:
    ledger = ShakyLedger()

    async def scene() -> float:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(ALL.cap)), Amounts(ALL.cap))
            began_s = asyncio.get_running_loop().time()
            assert isinstance(await worker.hold(1), Short)
            return asyncio.get_running_loop().time() - began_s

    assert run_virtual(scene()) == 0.0


def test_idle_leases_go_back_and_are_forgotten() -> None:
    ledger = ShakyLedger()

    async def scene() -> int:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(100)), Amounts(10))
            lease = worker.leases()[0]
            await asyncio.sleep(11.0)
            leased = ledger.leased()
            await asyncio.sleep(11.0)
            assert lease.is_dropped
            assert worker.purse.try_hold(Attempt("late"), [lease], Amounts(1)) is None
            result = await worker.purse.hold(Attempt("late"), [lease], Amounts(1))
            worker.purse.settle(held(result), Amounts(1))
            assert worker.leases()[0] is lease
            return leased

    assert run_virtual(scene()) == 0
    assert ledger.settled() == 11


def test_leases_of_a_window_that_is_over_go_back() -> None:
    ledger = ShakyLedger()
    minute = window_at(Period.MINUTE, UTC, START_WALL_S)
    account = Account("all@minute", Unit.NUSD, 1_000_000)

    async def scene() -> tuple[int, int]:
        async with workers(ledger, 1) as (worker,):
            for _ in range(58):
                lease = worker.purse.lease_of(account, minute)
                result = await worker.purse.hold(Attempt("a"), [lease], Amounts(10))
                worker.purse.settle(held(result), Amounts(1))
                await asyncio.sleep(1.0)
            before = ledger.leased(account.name)
            await asyncio.sleep(5.0)
            return before, ledger.leased(account.name)

    before, after = run_virtual(scene())

    assert before > 0
    assert after == 0


def test_a_lowered_cap_gives_back_what_is_not_held() -> None:
    ledger = ShakyLedger()
    lowered = ALL._replace(cap=100_000)

    async def scene() -> Receipt | Short:
        async with workers(ledger, 1) as (worker,):
            receipt = held(await worker.hold(90_000))
            worker.leases(lowered)
            await asyncio.sleep(1.0)
            assert ledger.leased() == 90_000
            result = await worker.hold(20_000, lowered)
            worker.purse.settle(receipt, Amounts(0))
            return result

    assert isinstance(run_virtual(scene()), Short)


def test_a_lowered_cap_holds_for_what_was_leased_under_the_old_one() -> None:
    ledger = ShakyLedger()
    enough, too_low = ALL._replace(cap=100_200), ALL._replace(cap=100_050)

    async def scene() -> list[Receipt | Short | None]:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(100_000)), Amounts(100_000))
            assert worker.leases()[0].room > 100
            at_once = [worker.try_hold(100, enough), await worker.hold(100, enough)]
            found = [*at_once, await worker.hold(100, too_low)]
            worker.purse.settle(held(at_once[1]), Amounts(0))
            return found

    at_once, fits, short = run_virtual(scene())

    assert at_once is None
    assert isinstance(fits, Receipt)
    assert isinstance(short, Short)
    assert ledger.settled() == 100_000


def test_an_account_is_leased_in_slices_again_when_nobody_comes_short_any_more() -> None:
    ledger = ShakyLedger()

    async def scene() -> tuple[bool, bool]:
        async with workers(ledger, 2) as (one, two):
            keeps = held(await one.hold(500_000))
            assert isinstance(await two.hold(600_000), Short)
            was_exact = one.leases()[0].is_exact
            one.purse.settle(keeps, Amounts(0))
            for _ in range(400):
                one.purse.settle(held(await one.hold(10)), Amounts(10))
                await asyncio.sleep(0.2)
            return was_exact, one.leases()[0].is_exact

    assert run_virtual(scene()) == (True, False)
