"""This worker's leases: what attempts are held and settled against, in memory, one purse a process."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from seawall.core.account import Account
from seawall.core.error import LedgerUnavailable
from seawall.core.receipt import Receipt
from seawall.core.window import Window
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt, Hold, Lease
from seawall.guards.budget.report import Report, Reports
from seawall.guards.budget.waiting import Batch, Queue, Waiter
from seawall.ports.clock import Clock
from seawall.ports.ledger import Ledger, Reason, Short, Unsettled

WAIT_S: Final = 5.0  # how long a call waits for the ledger
TICK_S: Final = 0.05
CLOSE_S: Final = 3.0
PROOF_S: Final = 1.0  # how long a step of the ledger shows that it can be used
PRESSED_S: Final = 1.0  # the ledger names an account for a minute after somebody came short of it
_DOWN_S: Final = 0.1
_SWEEP_S: Final = 2.5
_IDLE_SWEEPS: Final = 2
_SWEPT_AT_ONCE: Final = 2000
_log: Final = logging.getLogger("seawall.budget")


class Purse:
    """Hold, settle, and keep as much leased as is needed; `owner` is this process's name in the ledger.

    Holds within leases and all settlements are additions in memory. What has to ask the ledger waits for `tend`, which
    the worker runs for as long as it serves: one step at a time, for all who wait together. `aclose` gives everything
    back. All of it belongs to one event loop.
    """

    def __init__(self, ledger: Ledger, owner: str, clock: Clock) -> None:
        self._ledger = ledger
        self._owner = owner
        self._clock = clock
        self.wall_s = clock.wall_s
        self._leases: dict[str, Lease] = {}
        self._forgotten: list[Hold] = []
        self._reports = Reports()
        self._touched = self._reports.touched
        self._queue = Queue(self._reports, self._forgotten)
        self._wake = asyncio.Event()
        self._call: asyncio.Future[Any] | None = None  # the ledger's step under way, whatever it gives
        self._look_s = self._sweep_s = self._down_until_s = 0.0
        self._proved_s = -math.inf
        self._proof: asyncio.Future[None] | None = None  # wanted by who asks whether anything can be held
        self._sweeping: list[Lease] = []
        self._is_down = self._is_closed = self._is_broken = False

    def lease_of(self, account: Account, window: Window, book: int = 0) -> Lease:
        """Give the lease for an account, empty where there was none; its cap is that of the highest `book`.

        Where the account's cap is lower than it was, what is not held goes back, and nobody may hold it any more.
        """
        lease = self._leases.get(account.name)
        if lease is None:
            lease = self._leases[account.name] = Lease(account, window, book)
            self._wake.set()
        elif book >= lease.book:
            if account.cap < lease.account.cap and lease.room:
                lease.withdraw()
                self._reports.give_back(lease)
                self._reports.is_urgent = True
                self._wake.set()
            lease.account, lease.book = account, book
        return lease

    def try_hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> Receipt | None:
        """Hold an attempt's amounts on all leases, or on none, without asking the ledger; None where room is missing.

        A lease stands in `leases` once.
        """
        for lease in leases:
            if amounts[lease.part] > lease.room:
                return None
        if self._is_broken:
            return None
        for lease in leases:
            need = amounts[lease.part]
            room, held = lease.room - need, lease.held + need
            lease.room, lease.held, lease.idle = room, held, 0
            if room < lease.low:
                self._renew(lease)
            if room + held + lease.spent + lease.leaving != lease.leased or need < 0:
                self._distrust(lease)
        return Hold(attempt, leases, amounts, self._forgotten)

    async def hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> Receipt | Short:
        """Hold an attempt's amounts on all leases or on none; `Short` names the account that does not have as much.

        Its `leased` is without what is free in this worker's hands. Waits for the ledger where leases do not suffice;
        who is cancelled meanwhile holds nothing.

        Raises:
            LedgerUnavailable: the leases do not suffice and the ledger cannot be asked, or not in time.
        """
        receipt = self.try_hold(attempt, leases, amounts)
        if receipt is not None:
            return receipt
        if self._is_closed or self._is_broken:
            raise LedgerUnavailable("this process books no spending any more")
        found = [self._leases.setdefault(lease.name, lease) for lease in leases]
        for lease in found:
            lease.revive()
        answer: asyncio.Future[Hold | Short] = asyncio.get_running_loop().create_future()
        self._queue.add(Waiter(attempt, found, amounts, answer))
        self._wake.set()
        try:
            async with asyncio.timeout(WAIT_S):
                return await answer
        except TimeoutError:
            self._abandon(answer)
            raise LedgerUnavailable(f"the budgets' ledger gave no answer within {WAIT_S:g} s") from None
        except BaseException:
            self._abandon(answer)
            raise

    def settle(self, receipt: Receipt, booked: Amounts, reason: Reason | None = None) -> None:
        """Put what an attempt cost in the place of what was held for it, once; a second time changes nothing.

        With a reason the charge is listed as unsettled. A cost above the hold is booked as it is. Another purse's hold,
        of which a fork has a copy, is left to that one.
        """
        if type(receipt) is not Hold or receipt.is_settled or receipt.forgotten is not self._forgotten:
            return
        receipt.is_settled = True
        amounts, touched = receipt.amounts, self._touched
        for lease in receipt.leases:
            amount, cost = amounts[lease.part], booked[lease.part]
            if cost > amount or lease.debt or lease.over:
                lease.settle(amount, cost)
                self._renew(lease)
                room, held, spent = lease.room, lease.held, lease.spent
            else:
                room, held, spent = lease.room + amount - cost, lease.held - amount, lease.spent + cost
                lease.room, lease.held, lease.spent = room, held, spent
            touched[lease] = None
            if lease.is_exact:
                self._reports.is_urgent = True
            if held < 0 or cost < 0 or room + held + spent + lease.leaving != lease.leased:
                self._distrust(lease)
        if booked[0] > amounts[0] or booked[1] > amounts[1]:  # by place: it is half the time
            fields = {"attempt": receipt.id, "target": receipt.target, "held": amounts[:2], "cost": booked[:2]}
            _log.error("ledger.overrun", extra={"fields": fields})
        if reason is not None:
            charges = tuple((lease.name, booked[lease.part]) for lease in receipt.leases if booked[lease.part])
            if charges:  # where even the worst case is nothing, nobody has to decide
                self._reports.charge(Unsettled(receipt.id, self._clock.wall_s(), reason, receipt.target, charges))

    async def can_hold(self) -> bool:
        """Say whether more could be leased now, as the last second has shown; else the ledger is asked, for a second.

        While it is down this is False at once, until a step of it has come through.
        """
        if self._clock.monotonic_s() - self._proved_s >= PROOF_S and not self._is_down:
            if self._proof is None or self._proof.done():
                self._proof = asyncio.get_running_loop().create_future()
            self._wake.set()
            done, _ = await asyncio.wait({self._proof}, timeout=PROOF_S)
            if not done:
                return False
        return not (self._is_down or self._is_closed or self._is_broken)

    async def tend(self) -> None:
        """Serve who waits, renew, report, and give back what others need, until cancelled or closed.

        A step of the ledger that is under way when this is cancelled still counts; `aclose` waits for it.
        """
        while not self._is_closed:
            if not self._wake.is_set():
                await self._sleep()
            self._wake.clear()
            await self._turn()

    async def aclose(self) -> None:
        """Report everything and give all room back, within 3 s; safe to call twice.

        Who still waits is told `LedgerUnavailable`. What is held stays leased: settle everything before.
        """
        self._is_closed = True
        self._wake.set()
        self._queue.fail_all(LedgerUnavailable("this process is stopping"))
        ends_s = self._clock.monotonic_s() + CLOSE_S
        try:
            async with asyncio.timeout(CLOSE_S):
                while True:
                    while self._call is not None and not self._call.done():
                        await asyncio.wait({self._call})
                    if not self._give_everything_back():
                        return
                    await self._report()
                    if self._is_down:
                        await asyncio.sleep(TICK_S)
        except TimeoutError:
            if left := sum(1 for lease in self._leases.values() if lease.leased):
                _log.error("ledger.left", extra={"fields": {"accounts": left, "s": CLOSE_S, "at_s": ends_s}})

    def _give_everything_back(self) -> bool:
        """Mark all room for the next report; say whether there is anything to report."""
        self._settle_forgotten()
        for lease in self._leases.values():
            if lease.room:
                self._reports.give_back(lease)
        return not self._reports.is_empty

    async def _sleep(self) -> None:
        """Wait for work; while there are leases, look around each tick."""
        if not self._leases and self._reports.is_empty and not self._is_down:
            await self._wake.wait()
            return
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _turn(self) -> None:
        """Do what is due, the most pressing first."""
        self._settle_forgotten()
        if not self._can_ask():
            self._queue.fail_all(LedgerUnavailable("the budgets' ledger cannot be used just now"))
            return
        while self._can_ask() and (self._reports.is_urgent or self._queue.is_due(self._clock.monotonic_s())):
            await (self._report() if self._reports.is_urgent else self._lease())
        if self._can_ask() and self._reports.is_due(self._clock.monotonic_s()):
            await self._report()
        if self._can_ask() and (self._is_down or self._is_proof_wanted()):
            await self._ask(lambda: self._ledger.lease(self._owner, (), self._clock.wall_s()), self._recover, None)
        now_s = self._clock.monotonic_s()
        if self._can_ask() and self._leases and now_s >= self._look_s:
            self._look_s = now_s + TICK_S
            await self._ask(lambda: self._ledger.squeezed(self._owner), self._press, None)
        self._sweep(now_s)

    def _can_ask(self) -> bool:
        """Say whether the ledger may be asked: not while it has just failed, and only by `aclose` in the end."""
        return not self._is_closed and self._clock.monotonic_s() >= self._down_until_s

    def _is_proof_wanted(self) -> bool:
        return self._proof is not None and not self._proof.done()

    async def _lease(self) -> None:
        batch = self._queue.batch(self._clock.monotonic_s(), self._clock.wall_s())
        if batch.asked:
            await self._ask(
                lambda: self._ledger.lease(self._owner, batch.asked, self._clock.wall_s()),
                lambda results: self._granted(batch, results),
                lambda error: self._queue.failed(batch, error),
            )

    def _granted(self, batch: Batch, results: Any) -> None:  # the ledger's answer, one for each asked
        self._recover()
        self._queue.granted(batch, results, self._clock.monotonic_s())
        for waiter in batch.waiters:
            for lease in waiter.leases:
                lease.idle = 0
                if not lease.is_sound():
                    self._distrust(lease)

    async def _report(self) -> None:
        report = self._reports.next(self._clock.monotonic_s(), self._clock.wall_s())
        if report is not None:
            number, moves, unsettled, at_s, _ = report
            await self._ask(
                lambda: self._ledger.report(self._owner, number, moves, unsettled, at_s),
                lambda _: self._booked(report),
                None,
            )

    def _booked(self, report: Report) -> None:
        self._recover()
        self._reports.booked(report)

    def _press(self, names: Any) -> None:  # names of accounts
        """Lease accounts to the unit that another worker came short of, and give back what is not held of them."""
        until_s = self._clock.monotonic_s() + PRESSED_S
        for name in names:
            if (lease := self._leases.get(name)) is not None:
                lease.press(until_s)
                if lease.room:
                    self._reports.give_back(lease)
                    self._reports.is_urgent = True
        if self._reports.is_urgent:
            self._wake.set()

    async def _ask(
        self,
        step: Callable[[], Awaitable[Any]],  # whatever the step gives goes to `done`
        done: Callable[[Any], None],
        failed: Callable[[LedgerUnavailable], None] | None,
    ) -> None:
        """Take one step of the ledger. Its outcome counts even if nobody waits for it any more."""

        async def take() -> Any:  # as above
            return await step()  # in here, so that a failure to begin is one like any other

        self._call = call = asyncio.ensure_future(take())

        def land(call: "asyncio.Future[Any]") -> None:
            error = None if call.cancelled() else call.exception()
            if error is None and not call.cancelled():
                done(call.result())
                return
            if failed is not None:
                failed(LedgerUnavailable("the budgets' ledger cannot be used just now"))
            if error is not None:  # who cancels it ends the loop
                self._go_down(error)

        call.add_done_callback(land)
        await asyncio.wait({call})

    def _go_down(self, error: BaseException) -> None:
        self._down_until_s = self._clock.monotonic_s() + _DOWN_S
        self._proved_s = -math.inf
        if self._is_down:
            return
        self._is_down = True
        leased = {lease.name: lease.room for lease in list(self._leases.values())[:10] if lease.leased}
        fields = {"error": f"{type(error).__name__}: {error}", "leases": len(self._leases), "room": leased}
        is_expected = isinstance(error, LedgerUnavailable)
        _log.error("ledger.unavailable", extra={"fields": fields}, exc_info=None if is_expected else error)
        self._end_proof()

    def _recover(self, _: object = None) -> None:
        """Take note of a step that changed the ledger; that it can be read is no proof that it can be written."""
        self._proved_s = self._clock.monotonic_s()
        self._end_proof()
        if self._is_down:
            self._is_down = False
            _log.warning("ledger.available", extra={"fields": {"leases": len(self._leases)}})

    def _end_proof(self) -> None:
        if self._proof is not None and not self._proof.done():
            self._proof.set_result(None)

    def _renew(self, lease: Lease) -> None:
        self._queue.wish(lease)
        self._wake.set()

    def _abandon(self, answer: "asyncio.Future[Hold | Short]") -> None:
        """Give back what came for a call that does not wait any more."""
        if answer.done() and not answer.cancelled() and answer.exception() is None:
            receipt = answer.result()
            if isinstance(receipt, Hold):
                self.settle(receipt, Amounts(0))
        answer.cancel()

    def _settle_forgotten(self) -> None:
        """Charge holds whole that nobody will settle any more."""
        while self._forgotten:
            hold = self._forgotten.pop()
            _log.error("ledger.forgotten", extra={"fields": {"attempt": hold.id, "target": hold.target}})
            self.settle(hold, hold.amounts, "unknown")

    def _distrust(self, lease: Lease) -> None:
        """Stop holding: books that do not add up prove nothing any more."""
        self._is_broken = True
        parts = {name: getattr(lease, name) for name in ("leased", "room", "held", "spent", "leaving", "debt", "over")}
        _log.critical("ledger.books", extra={"fields": {"account": lease.name, **parts}})

    def _sweep(self, now_s: float) -> None:
        """Give back what is idle or whose window is over, and forget what is empty; a part of all leases at a time."""
        if not self._sweeping and now_s >= self._sweep_s:
            self._sweep_s = now_s + _SWEEP_S
            self._sweeping = list(self._leases.values())
        at_s = self._clock.wall_s()
        for _ in range(min(len(self._sweeping), _SWEPT_AT_ONCE)):
            lease = self._sweeping.pop()
            lease.idle += 1
            if lease.is_exact and now_s >= lease.exact_until_s:
                lease.is_exact = False
            if lease.idle <= _IDLE_SWEEPS and at_s < lease.window.ends_s:
                continue
            if lease.is_empty and lease.idle > _IDLE_SWEEPS:
                del self._leases[lease.name]
                lease.drop()
            elif lease.room:
                self._reports.give_back(lease)
