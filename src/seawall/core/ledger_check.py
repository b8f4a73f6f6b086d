"""Recompute every balance from the history alone and say where the books differ; pure, and no part of any ledger."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from seawall.core.balance import Balance, Entry, Lease


class Difference(NamedTuple):
    """Something that does not add up: on which account, what it is, what the books say, and what the history says.

    `number` is the line of history that shows it, 0 where it shows at the end only.
    """

    account: str
    what: str
    booked: int
    expected: int
    number: int = 0

    def __str__(self) -> str:
        where = f" (line {self.number})" if self.number else ""
        return f"{self.account}: {self.what}: booked {self.booked}, by the history {self.expected}{where}"


class _Account:
    """What the history says of an account so far."""

    __slots__ = ("doubts", "leases", "settled")

    def __init__(self) -> None:
        self.settled = 0
        self.leases: defaultdict[str, int] = defaultdict(int)
        self.doubts: dict[str, int] = {}

    @property
    def leased(self) -> int:
        return sum(self.leases.values())


def ledger_differences(
    history: Iterable[Entry], balances: Iterable[Balance], leases: Iterable[Lease]
) -> list[Difference]:
    """Give every difference between the books and their history; none is what a good ledger has.

    All three are of one moment, the history is complete and in its order. Checked is that each line could happen as
    the accounts stood then, that after each grant settled + leased was within the cap of that moment, and that the
    lines add up to what is booked as settled, leased in all and to each owner, and unsettled.
    """
    accounts: defaultdict[str, _Account] = defaultdict(_Account)
    found: list[Difference] = []
    before = 0
    for entry in history:
        if entry.number <= before:
            found.append(Difference(entry.account, "lines out of order", entry.number, before + 1, entry.number))
        before = entry.number
        found += _follow(accounts[entry.account], entry)
    return found + _compare(accounts, balances) + _compare_leases(accounts, leases)


def _follow(account: _Account, entry: Entry) -> list[Difference]:
    """Apply one line, and say what of it could not be."""
    amount, owner = entry.amount, entry.owner
    wrong = [] if amount >= 0 else [_at(entry, "a negative amount", amount, 0)]
    match entry.kind:
        case "grant":
            account.leases[owner] += amount
            total = account.settled + account.leased
            if total > entry.cap:
                wrong.append(_at(entry, "granted beyond the cap", total, entry.cap))
        case "give_back" | "settle" | "bury":
            if amount > account.leases[owner]:
                wrong.append(_at(entry, f"{entry.kind} of more than {owner} had", amount, account.leases[owner]))
            account.leases[owner] -= amount
            account.settled += 0 if entry.kind == "give_back" else amount
            if entry.kind == "bury":
                wrong += _doubt(account, entry)
        case "overrun":
            account.settled += amount
        case "doubt":
            wrong += _doubt(account, entry)
        case "reconcile":
            charged = account.doubts.pop(entry.ref, -1)
            if amount > charged:
                wrong.append(_at(entry, f"reconciled more than was charged for {entry.ref}", amount, max(charged, 0)))
            account.settled -= amount
        case _:
            wrong.append(_at(entry, f"a line of unknown kind {entry.kind!r}", amount, 0))
    return wrong


def _doubt(account: _Account, entry: Entry) -> list[Difference]:
    known = account.doubts.get(entry.ref)
    account.doubts[entry.ref] = entry.amount
    return [] if known is None else [_at(entry, f"{entry.ref} charged twice", entry.amount, known)]


def _at(entry: Entry, what: str, booked: int, expected: int) -> Difference:
    return Difference(entry.account, what, booked, expected, entry.number)


def _compare(accounts: defaultdict[str, _Account], balances: Iterable[Balance]) -> list[Difference]:
    booked = {balance.name: balance for balance in balances}
    found = []
    for name in sorted(booked.keys() | accounts.keys()):
        account, balance = accounts[name], booked.get(name)
        doubtful = sum(account.doubts.values())
        if balance is None:
            found.append(Difference(name, "no such account", 0, account.settled + account.leased))
            continue
        for what, stands, expected in (
            ("settled", balance.settled, account.settled),
            ("leased", balance.leased, account.leased),
            ("unsettled", balance.unsettled, doubtful),
        ):
            if stands != expected:
                found.append(Difference(name, what, stands, expected))
        if doubtful > account.settled:
            found.append(Difference(name, "more unsettled than settled", doubtful, account.settled))
    return found


def _compare_leases(accounts: defaultdict[str, _Account], leases: Iterable[Lease]) -> list[Difference]:
    booked = {(lease.account, lease.owner): lease.amount for lease in leases}
    expected = {(name, owner): left for name, each in accounts.items() for owner, left in each.leases.items()}
    return [
        Difference(name, f"leased to {owner}", booked.get((name, owner), 0), expected.get((name, owner), 0))
        for name, owner in sorted(booked.keys() | expected.keys())
        if booked.get((name, owner), 0) != expected.get((name, owner), 0)
    ]
