import asyncio

import pytest

from seawall.core.account import Account
from seawall.core.error import LedgerUnavailable
from seawall.core.window import LIFETIME
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt, Hold, Lease
from seawall.guards.budget.report import Reports
from seawall.guards.budget.waiting import AGAIN_S, MAX_BATCH, PATIENCE_S, Batch, Queue, Waiter
from seawall.ports.ledger import Grant, Short, Want
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ALL, TEAM

FAR = Short(ALL, settled=0, leased=500, elsewhere=500)
SPENT = Short(ALL, settled=ALL.cap, leased=0, elsewhere=0)


class Hall:
    """A queue, and leases with some room."""

    def __init__(self, room: int = 0) -> None:
        self.reports = Reports()
        self.queue = Queue(self.reports, [])
        self.all, self.team = self.lease(ALL, room), self.lease(TEAM, room)

    @staticmethod
    def lease(account: Account, room: int) -> Lease:
        lease = Lease(account, LIFETIME)
        lease.receive(room)
        return lease

    def wait(self, need: int, *leases: Lease) -> Waiter:
        answer: asyncio.Future[Hold | Short] = asyncio.get_running_loop().create_future()
        waiter = Waiter(Attempt("a"), leases or (self.all,), Amounts(need), answer)
        self.queue.add(waiter)
        return waiter

    def grant(self, batch: Batch, *results: Grant | Short, now_s: float = 0.0) -> None:
        renewals = [Grant((0,)) for _ in batch.renewed]
        self.queue.granted(batch, [*results, *renewals], now_s)


def answered(waiter: Waiter) -> type:
    result = waiter.answer.result()
    if isinstance(result, Hold):
        result.is_settled = True
    return type(result)


def test_what_room_there_is_goes_to_whoever_asked_first() -> None:
    async def scene() -> None:
        hall = Hall(room=100)
        first, second = hall.wait(150), hall.wait(30)

        batch = hall.queue.batch(0.0, 0.0)
        assert [list(wants) for wants in batch.asked[:2]] == [[Want(ALL, 50, 50)], [Want(ALL, 30, 30)]]
        hall.grant(batch, Grant((50,)), Grant((30,)))

        assert [answered(first), answered(second)] == [Hold, Hold]
        assert (hall.all.room, hall.all.held, hall.all.leased) == (0, 180, 180)

    run_virtual(scene())


def test_only_what_is_missing_is_asked_for() -> None:
    async def scene() -> None:
        hall = Hall(room=100)
        hall.team.receive(100)
        hall.wait(150, hall.all, hall.team)

        batch = hall.queue.batch(0.0, 0.0)

        assert list(batch.asked[0]) == [Want(ALL, 50, 50)]

    run_virtual(scene())


def test_room_that_came_back_meanwhile_serves_without_the_ledger() -> None:
    async def scene() -> None:
        hall = Hall()
        waiter = hall.wait(50)
        hall.all.receive(60)

        assert hall.queue.batch(0.0, 0.0).asked == []
        assert answered(waiter) is Hold

    run_virtual(scene())


def test_a_batch_is_bounded() -> None:
    async def scene() -> None:
        hall = Hall()
        for _ in range(MAX_BATCH + 1):
            hall.wait(1)

        assert len(hall.queue.batch(0.0, 0.0).waiters) == MAX_BATCH
        assert len(hall.queue) == 1

    run_virtual(scene())


def test_who_comes_short_of_what_others_hold_asks_again_and_keeps_nothing_meanwhile() -> None:
    async def scene() -> None:
        hall = Hall(room=40)
        waiter = hall.wait(100)

        hall.grant(hall.queue.batch(0.0, 0.0), FAR)

        assert not waiter.answer.done()
        assert (hall.all.room, hall.all.held) == (40, 0)
        assert hall.all.is_exact
        assert hall.reports.is_urgent
        assert not hall.queue.is_due(AGAIN_S / 2)
        batch = hall.queue.batch(AGAIN_S, 0.0)
        assert batch.renewed == []
        hall.grant(batch, Grant((60,)), now_s=AGAIN_S)
        assert answered(waiter) is Hold

    run_virtual(scene())


def test_patience_ends() -> None:
    async def scene() -> None:
        hall = Hall(room=40)
        waiter = hall.wait(100)
        hall.grant(hall.queue.batch(0.0, 0.0), FAR)

        hall.grant(hall.queue.batch(PATIENCE_S, 0.0), FAR, now_s=PATIENCE_S)

        assert waiter.answer.result() == FAR._replace(leased=460)  # the room here is left, too
        assert hall.all.waiting == 0

    run_virtual(scene())


def test_a_smaller_call_is_served_by_what_a_larger_one_lets_go() -> None:
    async def scene() -> None:
        hall = Hall(room=40)
        large, small = hall.wait(100), hall.wait(30)

        hall.grant(hall.queue.batch(0.0, 0.0), SPENT, SPENT)

        assert [answered(large), answered(small)] == [Short, Hold]
        assert (hall.all.room, hall.all.held) == (10, 30)

    run_virtual(scene())


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_comes_for_a_caller_that_is_gone_is_room(when: str) -> None:
    async def scene() -> None:
        hall = Hall(room=10)
        waiter = hall.wait(50)
        if when == "before":
            waiter.answer.cancel()
        batch = hall.queue.batch(0.0, 0.0)
        waiter.answer.cancel()
        hall.grant(batch, *[Grant((40,)) for _ in batch.waiters])

        assert hall.all.held == 0
        assert hall.all.room == (50 if batch.waiters else 10)
        assert hall.all.waiting == 0

    run_virtual(scene())


def test_a_failure_reaches_everybody_and_takes_nothing() -> None:
    async def scene() -> None:
        hall = Hall(room=10)
        asked, waiting = hall.wait(50), hall.wait(50)
        batch = hall.queue.batch(0.0, 0.0)
        late = hall.wait(50)

        hall.queue.failed(batch, LedgerUnavailable("the disk is full"))
        hall.queue.fail_all(LedgerUnavailable("the disk is full"))

        assert all(isinstance(each.answer.exception(), LedgerUnavailable) for each in (asked, waiting, late))
        assert (hall.all.room, hall.all.held, hall.all.waiting) == (10, 0, 0)

    run_virtual(scene())


def test_a_renewal_is_wished_for_once_and_comes_last() -> None:
    async def scene() -> None:
        hall = Hall()
        hall.wait(10)
        hall.queue.wish(hall.team)
        hall.queue.wish(hall.team)

        batch = hall.queue.batch(0.0, 0.0)

        assert [lease.name for lease in batch.renewed] == [ALL.name, TEAM.name]
        assert [wants[0].least for wants in batch.asked] == [10, 0, 0]
        hall.queue.granted(batch, [Grant((10,)), Grant((400,)), Short(TEAM, 0, 0, 0)], 0.0)
        assert (hall.all.room, hall.all.low, hall.team.low) == (400, 100, 0)

    run_virtual(scene())
