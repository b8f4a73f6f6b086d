"""What has been booked, for people: reading it and putting it right."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from seawall.core.balance import Balance, Entry, Lease
from seawall.ports.ledger import Unsettled


class Decision(NamedTuple):
    """Who decided on an unsettled charge, why, and when (wall time)."""

    who: str
    why: str
    at_s: float


class Charge(NamedTuple):
    """An unsettled charge and what became of it; `owner` is the worker that made it.

    `actual` names the accounts and what it really cost, and is empty as long as there is no decision.
    """

    unsettled: Unsettled
    owner: str
    decision: Decision | None
    actual: tuple[tuple[str, int], ...]


class Books(Protocol):
    """Read a ledger's accounts, and decide what is unsettled; blocks, and is for one thread.

    Every method raises `LedgerUnavailable` where the store cannot be used.
    """

    def snapshot(self) -> AbstractContextManager[None]:
        """Make everything that is read inside the state of one moment."""

    def balances(self, prefix: str = "") -> list[Balance]:
        """Give the accounts whose names begin so, by name."""

    def leases(self) -> list[Lease]:
        """Give what is in the hands of workers, by owner and account."""

    def unsettled_rows(self, *, decided: bool = False) -> list[Charge]:
        """Give the charges that wait for a decision, or those that had theirs, oldest first."""

    def history(self, account: str = "") -> Iterator[Entry]:
        """Give the lines of one account's history, or of all, oldest first, as they are read."""

    def reconcile(self, unsettled_id: str, actual: Mapping[str, int], who: str, why: str, at_s: float) -> None:
        """Replace a charge by what it really cost, once and for all: one atomic, durable step.

        `actual` names every account of the charge, with 0 up to what was charged.

        Raises:
            NotFound: there is no such charge.
            Refused: it was decided already, or `actual` does not fit it.
        """
