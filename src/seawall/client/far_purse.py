"""The client's purse and till as guards see them, from whatever event loop these run on."""

from collections.abc import Awaitable, Callable, Sequence

from seawall.client.desk import Desk
from seawall.client.spending import Spending
from seawall.core.account import Account
from seawall.core.rate import Bucket
from seawall.core.receipt import Receipt
from seawall.core.window import Window
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.lease import Attempt, Lease
from seawall.guards.limits.till import Demand, Drawer, Empty
from seawall.ports.ledger import Reason, Short


class FarPurse:
    """Implement `AnyPurse` by the purse at the client's desk. Its leases only name those of the purse."""

    def __init__(self, spending: Spending, wall_s: Callable[[], float]) -> None:
        self._spending = spending
        self.wall_s = wall_s

    def lease_of(self, account: Account, window: Window, book: int = 0) -> Lease:
        """Give a name for the lease that the desk has, or will have."""
        return Lease(account, window, book)

    def try_hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> None:
        """Hold nothing: it takes a way to the desk, and `hold`."""

    async def hold(self, attempt: Attempt, leases: Sequence[Lease], amounts: Amounts) -> Receipt | Short:
        """Hold an attempt's amounts on all leases or on none; who is cancelled meanwhile holds nothing.

        Raises:
            LedgerUnavailable: the leases do not suffice and the ledger cannot be asked, or the client is closed.
        """

        def work(desk: Desk) -> Awaitable[Receipt | Short]:
            purse = desk.purse
            found = [purse.lease_of(lease.account, lease.window, lease.book) for lease in leases]
            return purse.hold(attempt, found, amounts)

        return await self._spending.ask(work, _let_go)

    def settle(self, receipt: Receipt, booked: Amounts, reason: Reason | None = None) -> None:
        """Put what an attempt cost in the place of what was held for it, once.

        What is settled after the client was closed is lost, and charged whole when its owner is found dead.
        """
        self._spending.soon(lambda desk: desk.purse.settle(receipt, booked, reason))

    async def can_hold(self) -> bool:
        """Say whether more could be leased now."""
        return await self._spending.ask(lambda desk: desk.purse.can_hold(), _forget)


class FarTill:
    """Implement `AnyTill` by the till at the client's desk. Its drawers only name those of the till."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending

    def drawer(self, bucket: Bucket) -> Drawer:
        """Give a name for the drawer that the desk has, or will have."""
        return Drawer(bucket)

    def take_at_once(self, demands: Sequence[Demand]) -> bool:
        """Take nothing, unless nothing is wanted: it takes a way to the desk, and `take`."""
        return not demands

    async def take(self, demands: Sequence[Demand]) -> Empty | None:
        """Take everything, or nothing and say which bucket is empty for the longest time.

        Raises:
            LedgerUnavailable: the store cannot be used, and what is in hand is not enough, or the client is closed.
        """

        async def work(desk: Desk) -> Empty | None:
            till = desk.till
            found = [Demand(till.drawer(drawer.bucket), units) for drawer, units in demands]
            return None if till.take_at_once(found) else await till.take(found)

        def undo(desk: Desk, empty: Empty | None) -> None:
            if empty is None:
                for drawer, units in demands:
                    desk.till.put_back(desk.till.drawer(drawer.bucket), units)

        return await self._spending.ask(work, undo)

    def put_back(self, drawer: Drawer, units: int) -> None:
        """Give units back that were not used."""
        self._spending.soon(lambda desk: desk.till.put_back(desk.till.drawer(drawer.bucket), units))

    def charge(self, drawer: Drawer, units: int) -> None:
        """Count units that were used already."""
        self._spending.soon(lambda desk: desk.till.charge(desk.till.drawer(drawer.bucket), units))


def _let_go(desk: Desk, held: Receipt | Short) -> None:
    if isinstance(held, Receipt):
        desk.purse.settle(held, Amounts(0))


def _forget(desk: Desk, found: bool) -> None:  # noqa: FBT001  # what was asked for, and is wanted no more
    del desk, found
