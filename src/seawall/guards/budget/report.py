"""What a worker tells the ledger of its leases: numbered, one report at a time, each until it is booked."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from seawall.guards.budget.lease import Lease
from seawall.ports.ledger import Move, Unsettled

REPORT_S: Final = 0.5
_MAX_MOVES: Final = 4096


class Part(NamedTuple):
    """What leaves a lease with a report, and what the report books beyond that."""

    lease: Lease
    amount: int
    overrun: int


class Report(NamedTuple):
    """One report and what it does to the leases once it is booked."""

    number: int
    moves: Sequence[Move]
    unsettled: Sequence[Unsettled]
    at_s: float
    parts: Sequence[Part]


class Reports:
    """Collect what is to be reported.

    A report whose fate is in doubt is sent again as it was, under its number, so that nothing is booked twice.
    """

    def __init__(self) -> None:
        self.touched: dict[Lease, None] = {}  # whose report is due
        self._unsettled: list[Unsettled] = []
        self._under_way: Report | None = None
        self._number = 0
        self._due_s = 0.0
        self.is_urgent = False  # room is to be given back that somebody waits for
        self.touch = self.touched.__setitem__

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to report."""
        return not (self.touched or self._unsettled or self._under_way)

    def is_due(self, now_s: float) -> bool:
        """Say whether it is time for a report."""
        return self.is_urgent or (now_s >= self._due_s and not self.is_empty)

    def give_back(self, lease: Lease) -> None:
        """Let the next report give back all the room of a lease."""
        lease.is_returning = True
        self.touched[lease] = None

    def charge(self, unsettled: Unsettled) -> None:
        """Let the next report list a charge that nobody knows to be right."""
        self._unsettled.append(unsettled)

    def next(self, now_s: float, at_s: float) -> Report | None:
        """Give the report that is in doubt, or else a new one; None where there is nothing to say."""
        self._due_s = now_s + REPORT_S
        if self._under_way is not None:
            return self._under_way
        self.is_urgent = False
        parts: list[Part] = []
        moves: list[Move] = []
        while self.touched and len(moves) < _MAX_MOVES:
            lease, _ = self.touched.popitem()
            give_back = lease.room if lease.is_exact or lease.is_returning else 0
            lease.is_returning = False
            settled, overrun = lease.leave(give_back)
            give_back += lease.take_withdrawn()
            if settled or give_back:
                moves.append(Move(lease.name, settled, give_back))
                parts.append(Part(lease, settled - overrun + give_back, overrun))
        unsettled, self._unsettled = self._unsettled, []
        if not moves and not unsettled:
            return None
        self._number += 1
        self._under_way = Report(self._number, moves, unsettled, at_s, parts)
        return self._under_way

    def booked(self, report: Report) -> None:
        """Forget what the ledger has booked; one that went out twice is forgotten once."""
        if report is not self._under_way:
            return
        self._under_way = None
        for part in report.parts:
            part.lease.left(part.amount, part.overrun)
