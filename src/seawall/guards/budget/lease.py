"""This worker's slice of one account, and the proof of a hold on several of them."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from seawall.core.account import Account, Unit
from seawall.core.receipt import Receipt
from seawall.core.window import Window
from seawall.guards.budget.amounts import Amounts
from seawall.ports.ledger import SHARE

EXACT_S: Final = 60.0  # how long an account is leased to the unit after somebody came short of it
_QUICK_S: Final = 1.0
_SLOW_S: Final = 10.0
_FIRST: Final = 4  # how many calls of the first one's size a first lease is for


PARTS: Final = {Unit.NUSD: 0, Unit.TOKENS: 1, Unit.CALLS: 2}


class Lease:
    """What the ledger charged to this worker for one account, and what has become of it.

    `room` is free, `held` is promised to attempts, `spent` is not reported yet, `leaving` stands in the report under
    way, and its part `withdrawn` will stand in the next one; together they are `leased`, always, and none is negative.
    `over` is what attempts cost beyond their holds and
    is not reported; what was reported of it stays in `debt` while the ledger's books have that much less for us than
    is held here, until room makes it good.

    `book` is the number of the `Accounts` that named the cap in `account`: the newest one's word holds.

    It can be found while `starts_s` <= wall time < `ends_s`; a lease that was dropped never is.
    """

    __slots__ = (
        "account",
        "book",
        "debt",
        "ends_s",
        "exact_until_s",
        "held",
        "idle",
        "is_exact",
        "is_returning",
        "is_wished",
        "leased",
        "leaving",
        "low",
        "name",
        "over",
        "part",
        "renewed_s",
        "room",
        "size",
        "spent",
        "starts_s",
        "waiting",
        "window",
        "withdrawn",
    )

    def __init__(self, account: Account, window: Window, book: int = 0) -> None:
        self.account = account
        self.book = book
        self.window = window
        self.name = account.name
        self.part = PARTS[account.unit]
        self.starts_s = window.starts_s
        self.ends_s = window.ends_s
        self.leased = self.room = self.held = self.spent = self.leaving = self.withdrawn = 0
        self.over = self.debt = 0
        self.low = 0  # below this much room more is asked for
        self.size = 0
        self.renewed_s = -math.inf
        self.idle = 0  # sweeps since the last hold
        self.waiting = 0  # calls in the queue that want some of it
        self.is_wished = self.is_exact = self.is_returning = False
        self.exact_until_s = -math.inf

    @property
    def is_dropped(self) -> bool:
        """Whether the purse has forgotten it."""
        return self.ends_s == -math.inf

    @property
    def owed(self) -> int:
        """What attempts cost beyond their holds and is not covered by any lease yet."""
        return self.over + self.debt

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it would be lost with it."""
        return not (self.leased or self.over or self.waiting or self.is_wished)

    def drop(self) -> None:
        """Let nobody find it any more."""
        self.starts_s, self.ends_s = math.inf, -math.inf

    def revive(self) -> None:
        """Let it be found again in its window."""
        self.starts_s, self.ends_s = self.window.starts_s, self.window.ends_s

    def is_sound(self) -> bool:
        """Say whether the sum is right and nothing is negative."""
        room, held, spent, leaving = self.room, self.held, self.spent, self.leaving
        return (
            room + held + spent + leaving == self.leased
            and room >= 0
            and held >= 0
            and spent >= 0
            and leaving >= 0
            and 0 <= self.debt <= self.leased
        )

    def free(self, amount: int) -> None:
        """Let an amount be room, as far as nothing is owed."""
        self.room += amount
        if self.over:
            paid = min(self.room, self.over)
            self.over -= paid
            self.room -= paid
            self.spent += paid
        if self.debt:
            paid = min(self.room, self.debt)
            self.debt -= paid
            self.room -= paid
            self.leased -= paid

    def receive(self, amount: int) -> None:
        """Take in what the ledger granted."""
        self.leased += amount
        self.free(amount)

    def receive_held(self, need: int, amount: int) -> None:
        """Take in what the ledger granted for a hold of `need`; what is more is room."""
        self.leased += need
        self.held += need
        self.receive(amount - need)

    def take(self, most: int) -> int:
        """Hold what there is, up to `most`, and say how much that was."""
        taken = min(self.room, most)
        self.room -= taken
        self.held += taken
        return taken

    def give_up(self, amount: int) -> None:
        """End a hold of which nothing was used."""
        self.held -= amount
        self.free(amount)

    def settle(self, held: int, cost: int) -> None:
        """Put what an attempt cost in the place of what was held for it."""
        self.held -= held
        if cost <= held:
            self.spent += cost
            self.free(held - cost)
        else:
            self.spent += held
            self.over += cost - held
            self.free(0)

    def withdraw(self) -> None:
        """Let nobody hold what is free; it goes back with the next report."""
        self.leaving += self.room
        self.withdrawn += self.room
        self.room = 0

    def take_withdrawn(self) -> int:
        """Put what was withdrawn into a report, and say how much that is."""
        withdrawn, self.withdrawn = self.withdrawn, 0
        return withdrawn

    def leave(self, give_back: int) -> tuple[int, int]:
        """Put everything spent, and so much room, into a report; give what is to be settled and the overrun in it."""
        settled, overrun = self.spent + self.over, self.over
        self.leaving += self.spent + give_back
        self.room -= give_back
        self.spent = self.over = 0
        return settled, overrun

    def left(self, amount: int, overrun: int) -> None:
        """Forget what a report has booked; `overrun` is what it booked beyond what was leased."""
        self.leaving -= amount
        self.leased -= amount
        self.debt = min(self.debt + overrun, self.leased)
        self.free(0)

    def press(self, until_s: float) -> None:
        """Lease it to the unit from now on: somebody came short of it."""
        self.is_exact = True
        self.exact_until_s = max(self.exact_until_s, until_s)
        self.low = 0

    def next_size(self, need: int, now_s: float) -> int:
        """Say how much to ask for beyond what is needed: more after a quick renewal, less after a slow one."""
        since_s = now_s - self.renewed_s
        if since_s < _QUICK_S:
            self.size *= 2
        elif since_s > _SLOW_S:
            self.size //= 2
        self.size = min(max(self.size, _FIRST * need, 1), max(self.account.cap // SHARE, 1))
        self.renewed_s = now_s
        return self.size


class Attempt(msgspec.Struct, frozen=True):
    """What a hold is for: the attempt's id, and `provider/model`, empty for a call as a whole."""

    id: str
    target: str = ""


class Hold(Receipt):
    """A receipt that knows what it holds of which leases. `target` is `provider/model`, for what stays unsettled.

    One that is thrown away before it is settled goes to `forgotten`, whose owner charges it whole: an attempt whose end
    was lost may have been billed. It is only put there, since the collector may come in the middle of an addition.
    """

    __slots__ = ("amounts", "forgotten", "is_settled", "leases", "target")

    def __init__(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts, forgotten: "list[Hold]") -> None:
        self.is_settled = False
        self.forgotten = forgotten
        self.id = attempt.id
        self.target = attempt.target
        self.nusd = amounts.nusd
        self.tokens = amounts.tokens
        self.leases = leases
        self.amounts = amounts

    def __del__(self) -> None:
        if not self.is_settled:
            self.forgotten.append(self)
