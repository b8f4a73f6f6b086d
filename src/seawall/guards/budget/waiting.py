"""Calls that wait for a lease, served in their order, many with one step of the ledger."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from seawall.core.error import LedgerUnavailable
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import EXACT_S, Attempt, Hold, Lease
from seawall.guards.budget.report import Reports
from seawall.ports.ledger import Grant, Short, Want

MAX_BATCH: Final = 256
MAX_WAITING: Final = 10_000
AGAIN_S: Final = 0.05
PATIENCE_S: Final = 0.3  # how long a call asks again for what others hold idle


class Waiter:
    """A call that waits. `taken` is what it holds of each lease already, while the ledger is asked for the rest."""

    __slots__ = ("again_s", "amounts", "answer", "attempt", "gives_up_s", "leases", "taken")

    def __init__(
        self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts, answer: "asyncio.Future[Hold | Short]"
    ) -> None:
        self.attempt = attempt
        self.leases = leases
        self.amounts = amounts
        self.answer = answer
        self.taken: list[int] = []
        self.again_s = 0.0
        self.gives_up_s: float | None = None


class Batch(NamedTuple):
    """What one step of the ledger is asked: the waiters' wants first, in their order, then those of renewals."""

    asked: Sequence[Sequence[Want]]
    waiters: Sequence[Waiter]
    renewed: Sequence[Lease]


class Queue:
    """Hold for whoever waits: what room there is at once, the rest by the ledger, all or nothing."""

    def __init__(self, reports: Reports, forgotten: list[Hold]) -> None:
        self._reports = reports
        self._forgotten = forgotten
        self._waiting: deque[Waiter] = deque()
        self._again: deque[Waiter] = deque()
        self._wishes: list[Lease] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._again)

    def add(self, waiter: Waiter) -> None:
        """Let a call wait.

        Raises:
            LedgerUnavailable: too many wait already.
        """
        if len(self) >= MAX_WAITING:
            raise LedgerUnavailable(f"{MAX_WAITING} calls wait for their budgets' ledger already")
        for lease in waiter.leases:
            lease.waiting += 1
        self._waiting.append(waiter)

    def wish(self, lease: Lease) -> None:
        """Ask for more of a lease before it is gone; nobody waits for it."""
        if not lease.is_wished:
            lease.is_wished = True
            self._wishes.append(lease)

    def is_due(self, now_s: float) -> bool:
        """Say whether there is something to ask the ledger for."""
        return bool(self._waiting or self._wishes or (self._again and self._again[0].again_s <= now_s))

    def batch(self, now_s: float, at_s: float) -> Batch:
        """Take the next calls out of the queue, and hold for them what room there is."""
        asked: list[Sequence[Want]] = []
        waiters: list[Waiter] = []
        needs: dict[Lease, int] = {}
        while len(waiters) < MAX_BATCH and (waiter := self._next(now_s)):
            wants = self._wants(waiter)
            if not wants:
                self._serve(waiter)
                continue
            asked.append(wants)
            waiters.append(waiter)
            for lease in waiter.leases:
                needs[lease] = max(needs.get(lease, 0), waiter.amounts[lease.part])
        wishes, self._wishes = self._wishes[:MAX_BATCH], self._wishes[MAX_BATCH:]
        for lease in wishes:
            lease.is_wished = False
            needs.setdefault(lease, 0)
        # They come last, so that nobody comes short for a renewal that could wait.
        renewed = [lease for lease in needs if not lease.is_exact and at_s < lease.ends_s]
        asked += [(Want(lease.account, 0, lease.next_size(needs[lease], now_s) + lease.owed),) for lease in renewed]
        for lease in renewed:
            lease.waiting += 1
        return Batch(asked, waiters, renewed)

    def granted(self, batch: Batch, results: Sequence[Grant | Short], now_s: float) -> None:
        """Give everybody what the ledger gave for them."""
        for waiter, result in zip(batch.waiters, results, strict=False):
            if isinstance(result, Grant):
                self._complete(waiter, result)
            else:
                self._put_off(waiter, result, now_s)
        for lease, result in zip(batch.renewed, results[len(batch.waiters) :], strict=True):
            lease.waiting -= 1
            amount = result.amounts[0] if isinstance(result, Grant) else 0
            lease.receive(amount)
            lease.low = 0 if lease.is_exact else amount // 4

    def failed(self, batch: Batch, error: LedgerUnavailable) -> None:
        """Tell everybody in a batch that the ledger cannot be used; what they hold is room again."""
        for waiter in batch.waiters:
            self._let_go(waiter)
            self._end(waiter, error)
        for lease in batch.renewed:
            lease.waiting -= 1

    def fail_all(self, error: LedgerUnavailable) -> None:
        """Tell everybody who waits that the ledger cannot be used."""
        for waiter in (*self._again, *self._waiting):
            self._end(waiter, error)
        self._again.clear()
        self._waiting.clear()

    def _next(self, now_s: float) -> Waiter | None:
        """Give the next call whose caller is still there."""
        while self._again and self._again[0].again_s <= now_s:
            waiter = self._again.popleft()
            if not waiter.answer.done():
                return waiter
            self._end(waiter, None)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.answer.done():
                return waiter
            self._end(waiter, None)
        return None

    @staticmethod
    def _wants(waiter: Waiter) -> list[Want]:
        wants = []
        waiter.taken = []
        for lease in waiter.leases:
            need = waiter.amounts[lease.part]
            taken = lease.take(need)
            waiter.taken.append(taken)
            if taken < need:
                missing = need - taken + lease.owed  # an old debt is paid before anything is promised anew
                wants.append(Want(lease.account, missing, missing))
        return wants

    def _complete(self, waiter: Waiter, grant: Grant) -> None:
        amounts = iter(grant.amounts)
        for lease, taken in zip(waiter.leases, waiter.taken, strict=True):
            need = waiter.amounts[lease.part]
            if taken < need:
                lease.receive_held(need - taken, next(amounts))
        self._serve(waiter)

    def _serve(self, waiter: Waiter) -> None:
        """Give a call its receipt, or let everything be room again where its caller is gone."""
        waiter.taken = [waiter.amounts[lease.part] for lease in waiter.leases]
        if waiter.answer.done():
            self._let_go(waiter)
            self._end(waiter, None)
            return
        self._end(waiter, Hold(waiter.attempt, waiter.leases, waiter.amounts, self._forgotten))

    def _put_off(self, waiter: Waiter, short: Short, now_s: float) -> None:
        """Let a call ask again where others may give back what it needs, and refuse it otherwise.

        Meanwhile it holds nothing: two workers that keep a half each would both wait in vain.
        """
        self._let_go(waiter)
        lease = next(lease for lease in waiter.leases if lease.name == short.account.name)
        if short.elsewhere:
            lease.press(now_s + EXACT_S)
            self._reports.give_back(lease)
            self._reports.is_urgent = True
        if waiter.gives_up_s is None:
            waiter.gives_up_s = now_s + PATIENCE_S
        if not waiter.answer.done() and short.elsewhere and now_s < waiter.gives_up_s:
            waiter.again_s = now_s + AGAIN_S
            self._again.append(waiter)
        elif all(waiter.amounts[lease.part] <= lease.room for lease in waiter.leases):
            self._wants(waiter)  # somebody before it in the batch has let go of enough
            self._serve(waiter)
        else:
            self._end(waiter, short._replace(leased=max(short.leased - lease.room, 0)))  # room here is left, too

    @staticmethod
    def _let_go(waiter: Waiter) -> None:
        for lease, taken in zip(waiter.leases, waiter.taken, strict=True):
            lease.give_up(taken)
        waiter.taken = []

    @staticmethod
    def _end(waiter: Waiter, answer: Hold | Short | LedgerUnavailable | None) -> None:
        """Let a call know its answer; it is no part of the queue any more."""
        for lease in waiter.leases:
            lease.waiting -= 1
        if waiter.answer.done() or answer is None:
            return
        if isinstance(answer, LedgerUnavailable):
            waiter.answer.set_exception(answer)
        else:
            waiter.answer.set_result(answer)
