import asyncio
import gc
import logging
from typing import Never

import pytest

from seawall.core.error import LedgerUnavailable
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.purse import PROOF_S, WAIT_S
from seawall.guards.budget.waiting import MAX_WAITING
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ALL, ShakyLedger, Worker, held, workers


def test_a_hold_that_is_thrown_away_is_charged_whole(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            held(await worker.hold(100))
            gc.collect()

    run_virtual(scene())

    assert [(c.unsettled.reason, c.unsettled.charges) for c in ledger.real.unsettled_rows()] == [
        ("unknown", ((ALL.name, 100),))
    ]
    assert "ledger.forgotten" in caplog.messages


def test_a_ledger_that_gives_no_answer_is_not_waited_for_long() -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 30.0

    async def scene() -> float:
        worker = Worker(ledger)
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(LedgerUnavailable, match="within 5 s"):
            await worker.hold(100)
        waited_s = asyncio.get_running_loop().time() - began_s
        ledger.delay_s = lambda: 0.0
        await asyncio.sleep(26.0)  # what came late is room all the same
        assert worker.leases()[0].room > 100
        await worker.close()
        return waited_s

    assert run_virtual(scene()) == pytest.approx(WAIT_S)
    assert ledger.leased() == 0


def test_a_dead_ledger_is_logged_once_and_comes_back_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        caplog.set_level(logging.WARNING, "seawall.budget")
        async with workers(ledger, 1) as (worker,):
            receipt = held(await worker.hold(100))
            ledger.fault = lambda _: "before"
            worker.purse.settle(receipt, Amounts(50))
            held(worker.try_hold(100))
            for _ in range(3):
                with pytest.raises(LedgerUnavailable):
                    await worker.hold(500_000)
                await asyncio.sleep(1.0)
            ledger.fault = lambda _: None
            await asyncio.sleep(0.5)
            worker.purse.settle(held(await worker.hold(500_000)), Amounts(0))

    run_virtual(scene())

    assert caplog.messages.count("ledger.unavailable") == 1
    assert caplog.messages.count("ledger.available") == 1
    assert ledger.settled() == 50 + 100  # the hold that was dropped is charged whole


def test_without_leases_a_dead_ledger_comes_back_with_the_next_call() -> None:
    ledger = ShakyLedger()
    ledger.fault = lambda _: "before"

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            with pytest.raises(LedgerUnavailable):
                await worker.hold(100)
            ledger.fault = lambda _: None
            await asyncio.sleep(60.0)
            worker.purse.settle(held(await worker.hold(100)), Amounts(7))

    run_virtual(scene())

    assert ledger.settled() == 7


def test_a_ledger_that_can_only_be_read_counts_as_dead(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        caplog.set_level(logging.WARNING, "seawall.budget")
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(100)), Amounts(50))
            ledger.fault = lambda step: None if step == "squeezed" else "before"
            await asyncio.sleep(5.0)
            assert not await worker.purse.can_hold()
            ledger.fault = lambda _: None
            await asyncio.sleep(0.5)
            assert await worker.purse.can_hold()

    run_virtual(scene())

    assert caplog.messages == ["ledger.unavailable", "ledger.available"]


def test_whether_anything_can_be_held_is_found_out_for_who_asks() -> None:
    ledger = ShakyLedger()

    async def scene() -> list[bool]:
        async with workers(ledger, 1) as (worker,):
            found = [await worker.purse.can_hold()]
            ledger.fault = lambda _: "before"
            found.append(await worker.purse.can_hold())  # as it was a moment ago
            await asyncio.sleep(PROOF_S)
            found += await asyncio.gather(worker.purse.can_hold(), worker.purse.can_hold())
            ledger.fault = lambda _: None
            await asyncio.sleep(PROOF_S)  # nobody calls, and it comes back all the same
            found.append(await worker.purse.can_hold())
        return [*found, await worker.purse.can_hold()]

    assert run_virtual(scene()) == [True, True, False, False, True, False]
    assert ledger.leased() == 0


def test_who_asks_a_slow_ledger_whether_it_can_be_used_is_told_no_in_time() -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 30.0

    async def scene() -> tuple[bool, float]:
        async with workers(ledger, 1) as (worker,):
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            answer = await worker.purse.can_hold()
            took_s = loop.time() - began_s
            ledger.delay_s = lambda: 0.0
            await asyncio.sleep(30.0)
            assert await worker.purse.can_hold()
            return answer, took_s

    answer, took_s = run_virtual(scene())

    assert not answer
    assert took_s == pytest.approx(PROOF_S)


def test_a_report_in_doubt_is_booked_once() -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        async with workers(ledger, 1) as (worker,):
            worker.purse.settle(held(await worker.hold(100)), Amounts(30))
            ledger.fault = lambda step: "after" if step == "report" else None
            await asyncio.sleep(3.0)
            worker.purse.settle(held(worker.try_hold(100)), Amounts(4), "unknown")
            await asyncio.sleep(3.0)
            ledger.fault = lambda _: None

    run_virtual(scene())

    assert (ledger.settled(), ledger.leased()) == (34, 0)
    assert len(ledger.real.unsettled_rows()) == 1


def test_a_full_queue_refuses() -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 1.0

    async def scene() -> None:
        worker = Worker(ledger)
        waiting = [asyncio.ensure_future(worker.hold(1)) for _ in range(MAX_WAITING + 1)]
        await asyncio.sleep(0.0)
        assert isinstance(waiting[-1].exception(), LedgerUnavailable)
        await worker.close()
        await asyncio.wait(waiting)
        assert all(isinstance(task.exception(), LedgerUnavailable) or task.result() for task in waiting)

    run_virtual(scene())


def test_after_the_end_nothing_is_held_and_nothing_is_leased() -> None:
    ledger = ShakyLedger()
    ledger.delay_s = lambda: 0.2

    async def scene() -> None:
        worker = Worker(ledger)
        worker.purse.settle(held(await worker.hold(100)), Amounts(5))
        waiting = asyncio.ensure_future(worker.hold(900_000))
        await asyncio.sleep(0.1)
        await worker.stop()  # in the middle of a step, which counts all the same
        await worker.purse.aclose()
        await worker.purse.aclose()
        with pytest.raises(LedgerUnavailable, match="stopping"):
            await waiting
        with pytest.raises(LedgerUnavailable):
            await worker.hold(900_000)

    run_virtual(scene())

    assert (ledger.settled(), ledger.leased()) == (5, 0)


def test_closing_ends_in_time_although_the_ledger_is_dead(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> float:
        worker = Worker(ledger)
        worker.purse.settle(held(await worker.hold(100)), Amounts(5))
        ledger.fault = lambda _: "before"
        began_s = asyncio.get_running_loop().time()
        await worker.close()
        return asyncio.get_running_loop().time() - began_s

    assert run_virtual(scene()) == pytest.approx(3.0, abs=0.1)
    assert "ledger.left" in caplog.messages


def test_books_that_do_not_add_up_stop_all_holding(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        worker = Worker(ledger)
        receipt = held(await worker.hold(100))
        worker.leases()[0].held += 1
        worker.purse.settle(receipt, Amounts(5))
        assert worker.try_hold(1) is None
        with pytest.raises(LedgerUnavailable):
            await worker.hold(1)
        await worker.stop()

    run_virtual(scene())

    assert "ledger.books" in caplog.messages


def test_a_ledger_that_fails_at_once_is_one_that_fails() -> None:
    ledger = ShakyLedger()

    class Closed(ShakyLedger):
        def lease(self, owner: str, asked: object, at_s: float) -> Never:
            raise LedgerUnavailable(f"closed: {owner}, {asked}, {at_s}")

    async def scene() -> None:
        worker = Worker(Closed())
        with pytest.raises(LedgerUnavailable):
            await worker.hold(100)
        assert worker.leases()[0].held == 0
        assert not worker.chore.done()
        await worker.close()

    run_virtual(scene())

    assert ledger.steps == []


def test_a_negative_hold_is_no_hold(caplog: pytest.LogCaptureFixture) -> None:
    ledger = ShakyLedger()

    async def scene() -> None:
        worker = Worker(ledger)
        held(worker.try_hold(-1)).is_settled = True  # type: ignore[attr-defined]  # nothing that a test could settle
        assert worker.try_hold(0) is None
        await worker.stop()

    run_virtual(scene())

    assert "ledger.books" in caplog.messages
