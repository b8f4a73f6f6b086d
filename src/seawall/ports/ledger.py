"""Money promised and money spent, kept where no crash can lose it."""

from collections.abc import Awaitable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from seawall.core.account import Account

Reason: TypeAlias = Literal["unknown", "hung_up", "crashed"]


class Want(NamedTuple):
    """A slice of an account: at least `least` of its unit, `most` where there is plenty. 0 <= least <= most."""

    account: Account
    least: int
    most: int


class Grant(NamedTuple):
    """What was given, one amount for each want: durable, and the asker's until it is reported or the asker dies."""

    amounts: tuple[int, ...]


class Short(NamedTuple):
    """One account does not have what was asked for; nothing was taken from any.

    `settled` is spent, `leased` in the hands of all workers together, `elsewhere` the part of that which others hold.
    """

    account: Account
    settled: int
    leased: int
    elsewhere: int


class Move(NamedTuple):
    """What becomes of a part of an account's lease: `settle` was spent, `give_back` is free again.

    `settle` may be more than is leased, where a provider billed more than its worst case: what was spent is spent.
    """

    account: str
    settle: int
    give_back: int


class Unsettled(NamedTuple):
    """A charge that nobody knows to be right: the worst case of an attempt, or the lease of a worker that died.

    `charges` names the accounts and what each was charged, as part of its `settled`. `target` is `provider/model`,
    empty for a dead worker's lease.
    """

    id: str
    at_s: float
    reason: Reason
    target: str
    charges: tuple[tuple[str, int], ...]


class Ledger(Protocol):
    """Grant slices of accounts to workers and book what they spent.

    For every account and at every moment: settled + leased <= cap, for the cap of the latest grant. Every method is one
    atomic, durable step: done when its future is done, or not at all. A cancelled wait leaves the step in the queue.
    `at_s` is wall time; it goes into the history, which says of every balance how it came about.

    Every method raises `LedgerUnavailable` where the store cannot be used; then it may have been done or not.
    """

    def lease(self, owner: str, asked: Sequence[Sequence[Want]], at_s: float) -> Awaitable[Sequence[Grant | Short]]:
        """Serve requests in their order, each in full or not at all, all of them in one step.

        An account that is not there is made. A want gets `most`, but of what is free no more than one part in
        `SHARE`, and never less than `least`. Whoever holds a lease on an account that came short hears of it by
        `squeezed`.
        """

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> Awaitable[None]:
        """Book what became of leases. `number` rises by one a report; one that was booked already changes nothing."""

    def squeezed(self, owner: str) -> Awaitable[Sequence[str]]:
        """Name the accounts that this owner has a lease on and another came short of in the last minute."""

    def owners(self) -> Awaitable[Sequence[str]]:
        """Name everybody who has a lease."""

    def bury(self, owner: str, at_s: float) -> Awaitable[int]:
        """Charge everything that a dead worker still held, as unsettled; give how many accounts that were."""


SHARE = 16
SQUEEZED_S = 60.0
