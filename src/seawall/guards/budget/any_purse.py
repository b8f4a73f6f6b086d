"""What guards ask of a purse, wherever its books lie."""

from collections.abc import Callable, Sequence
from typing import Protocol

from seawall.core.account import Account
from seawall.core.receipt import Receipt
from seawall.core.window import Window
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt, Lease
from seawall.ports.ledger import Reason, Short


class AnyPurse(Protocol):
    """Hold and settle, as `Purse` does on its own event loop. `wall_s` gives the wall time."""

    wall_s: Callable[[], float]

    def lease_of(self, account: Account, window: Window, book: int = 0) -> Lease:
        """Give what stands for an account in `hold`, good for its window; the cap of the highest `book` holds."""

    def try_hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> Receipt | None:
        """Hold at once, all or nothing, or give None: then it takes `hold`."""

    async def hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> Receipt | Short:
        """Hold an attempt's amounts on all leases or on none; who is cancelled meanwhile holds nothing.

        Raises:
            LedgerUnavailable: the leases do not suffice and the ledger cannot be asked, or not in time.
        """

    def settle(self, receipt: Receipt, booked: Amounts, reason: Reason | None = None) -> None:
        """Put what an attempt cost in the place of what was held for it, once."""

    async def can_hold(self) -> bool:
        """Say whether more could be leased now."""
