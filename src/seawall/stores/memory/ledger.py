"""Accounts, leases and their history, in memory: the oracle that every other ledger is held against."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from seawall.core.account import Unit, unit_of
from seawall.core.balance import Balance, Entry, Kind, Lease
from seawall.core.error import LedgerUnavailable, NotFound, Refused
from seawall.core.reconcile import refuse_misfit
from seawall.ports.books import Charge, Decision
from seawall.ports.ledger import SHARE, SQUEEZED_S, Grant, Move, Short, Unsettled, Want

T = TypeVar("T")
_NEVER: Final = -1


@dataclass(slots=True)
class _State:
    unit: Unit
    cap: int
    settled: int = 0


class MemoryLedger:
    """Implement `Ledger` and `Books` for one process and one event loop; what it keeps ends with the process.

    Without `keeps_history` there are balances alone: no history, and no list of what is unsettled.
    """

    def __init__(self, *, keeps_history: bool = True) -> None:
        self._keeps_history = keeps_history
        self._accounts: dict[str, _State] = {}
        self._leases: dict[tuple[str, str], int] = {}
        self._reported: dict[str, int] = {}
        self._buried: set[str] = set()
        self._charges: dict[str, Charge] = {}
        self._history: list[Entry] = []
        self._short: dict[tuple[str, str], float] = {}
        self._latest_s = 0.0

    def lease(
        self, owner: str, asked: Sequence[Sequence[Want]], at_s: float
    ) -> "asyncio.Future[Sequence[Grant | Short]]":
        """Serve requests in their order, each in full or not at all."""
        if owner in self._buried:
            return _failed(owner)
        self._latest_s = at_s
        return _done([self._serve(owner, wants, at_s) for wants in asked])

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> "asyncio.Future[None]":
        """Book what became of leases, once a number."""
        if number <= self._reported.get(owner, _NEVER):
            return _done(None)
        if owner in self._buried:
            return _failed(owner)
        self._latest_s = at_s
        self._reported[owner] = number
        for move in moves:
            self._move(owner, move, at_s, str(number))
        for each in unsettled:
            self._doubt(owner, each, "doubt")
        return _done(None)

    def squeezed(self, owner: str) -> "asyncio.Future[Sequence[str]]":
        """Name the accounts that this owner has a lease on and another came short of."""
        short = {
            account
            for (account, other), at_s in self._short.items()
            if other != owner and abs(self._latest_s - at_s) <= SQUEEZED_S
        }
        return _done(sorted(account for account in short if (owner, account) in self._leases))

    def owners(self) -> "asyncio.Future[Sequence[str]]":
        """Name everybody who has a lease."""
        return _done(sorted({owner for owner, _ in self._leases}))

    def bury(self, owner: str, at_s: float) -> "asyncio.Future[int]":
        """Charge everything that a dead worker still held, as unsettled."""
        self._buried.add(owner)
        self._short = {key: short_s for key, short_s in self._short.items() if key[1] != owner}
        held = sorted((account, amount) for (holder, account), amount in self._leases.items() if holder == owner)
        for account, amount in held:
            del self._leases[owner, account]
            self._accounts[account].settled += amount
        if held:
            self._doubt(owner, Unsettled(f"crashed:{owner}", at_s, "crashed", "", tuple(held)), "bury")
        return _done(len(held))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Do nothing: whoever reads here does not let others run meanwhile."""
        yield

    def balances(self, prefix: str = "") -> list[Balance]:
        """Give the accounts whose names begin so."""
        return [
            Balance(name, state.unit, state.cap, state.settled, self._leased(name), self._doubtful(name))
            for name, state in sorted(self._accounts.items())
            if name.startswith(prefix)
        ]

    def leases(self) -> list[Lease]:
        """Give what is in the hands of workers."""
        return [Lease(owner, account, amount) for (owner, account), amount in sorted(self._leases.items())]

    def unsettled_rows(self, *, decided: bool = False) -> list[Charge]:
        """Give the charges that wait for a decision, or those that had theirs."""
        found = [charge for charge in self._charges.values() if (charge.decision is not None) is decided]
        return sorted(found, key=lambda charge: (charge.unsettled.at_s, charge.unsettled.id))

    def history(self, account: str = "") -> Iterator[Entry]:
        """Give the lines of one account's history, or of all."""
        return iter([entry for entry in self._history if account in ("", entry.account)])

    def reconcile(self, unsettled_id: str, actual: Mapping[str, int], who: str, why: str, at_s: float) -> None:
        """Replace a charge by what it really cost, once and for all."""
        charge = self._charges.get(unsettled_id)
        if charge is None:
            raise NotFound(f"no unsettled charge has the id {unsettled_id!r}")
        if charge.decision is not None:
            raise Refused(f"{unsettled_id} was decided already, by {charge.decision.who}", code="ledger.decided")
        refuse_misfit(unsettled_id, charge.unsettled.charges, actual)
        for account, amount in charge.unsettled.charges:
            if self._accounts[account].settled < amount - actual[account]:
                raise Refused(f"{unsettled_id}: {account} has less settled than that", code="ledger.misfit")
        for account, amount in charge.unsettled.charges:
            self._accounts[account].settled -= amount - actual[account]
            self._enter(at_s, account, charge.owner, "reconcile", amount - actual[account], unsettled_id)
        known = tuple((account, actual[account]) for account, _ in charge.unsettled.charges)
        self._charges[unsettled_id] = charge._replace(decision=Decision(who, why, at_s), actual=known)

    def _serve(self, owner: str, wants: Sequence[Want], at_s: float) -> Grant | Short:
        caps: dict[str, int] = {}
        for want in wants:
            caps[want.account.name] = min(want.account.cap, caps.get(want.account.name, want.account.cap))
        for want in wants:
            name = want.account.name
            self._accounts.setdefault(name, _State(want.account.unit, 0)).cap = caps[name]
        needed = dict.fromkeys(caps, 0)
        for want in wants:
            name = want.account.name
            needed[name] += want.least
            if needed[name] > self._free(name):
                return self._come_short(owner, want, at_s)
        amounts = []
        for want in wants:
            name = want.account.name
            needed[name] -= want.least
            free = self._free(name)
            amount = min(want.most, max(want.least, free // SHARE), free - needed[name])
            self._leases[owner, name] = self._leases.get((owner, name), 0) + amount
            if amount:
                self._enter(at_s, name, owner, "grant", amount, "")
            else:
                self._trim(owner, name)
            amounts.append(amount)
        return Grant(tuple(amounts))

    def _come_short(self, owner: str, want: Want, at_s: float) -> Short:
        name = want.account.name
        leased = self._leased(name)
        elsewhere = leased - self._leases.get((owner, name), 0)
        if elsewhere:
            self._short[name, owner] = at_s
        return Short(want.account, self._accounts[name].settled, leased, elsewhere)

    def _move(self, owner: str, move: Move, at_s: float, ref: str) -> None:
        state = self._accounts.setdefault(move.account, _State(unit_of(move.account), 0))
        leased = self._leases.get((owner, move.account), 0)
        within = min(move.settle, leased)
        given = min(move.give_back, leased - within)
        state.settled += move.settle
        self._leases[owner, move.account] = leased - within - given
        self._trim(owner, move.account)
        steps: tuple[tuple[Kind, int], ...] = (
            ("settle", within),
            ("overrun", move.settle - within),
            ("give_back", given),
        )
        for kind, amount in steps:
            if amount:
                self._enter(at_s, move.account, owner, kind, amount, ref)

    def _doubt(self, owner: str, unsettled: Unsettled, kind: Kind) -> None:
        if unsettled.id in self._charges:
            return
        charges: dict[str, int] = {}
        for account, amount in unsettled.charges:
            self._accounts.setdefault(account, _State(unit_of(account), 0))
            charges[account] = charges.get(account, 0) + amount
        for account, amount in charges.items():
            self._enter(unsettled.at_s, account, owner, kind, amount, unsettled.id)
        if self._keeps_history:
            self._charges[unsettled.id] = Charge(unsettled._replace(charges=tuple(charges.items())), owner, None, ())

    def _enter(self, at_s: float, account: str, owner: str, kind: Kind, amount: int, ref: str) -> None:
        if not self._keeps_history:
            return
        cap = self._accounts[account].cap
        self._history.append(Entry(len(self._history) + 1, at_s, account, owner, kind, amount, cap, ref))

    def _trim(self, owner: str, account: str) -> None:
        if not self._leases[owner, account]:
            del self._leases[owner, account]

    def _free(self, name: str) -> int:
        state = self._accounts[name]
        return max(state.cap - state.settled - self._leased(name), 0)

    def _leased(self, name: str) -> int:
        return sum(amount for (_, account), amount in self._leases.items() if account == name)

    def _doubtful(self, name: str) -> int:
        waiting = (charge.unsettled.charges for charge in self._charges.values() if charge.decision is None)
        return sum(amount for charges in waiting for account, amount in charges if account == name)


def _done(result: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future


def _failed(owner: str) -> "asyncio.Future[Any]":  # fits every method that refuses
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_exception(LedgerUnavailable(f"{owner} counts as dead, and its leases as spent"))
    return future
