"""What the guard asks of a till, wherever its buckets are."""

from collections.abc import Sequence
from typing import Protocol

from seawall.core.rate import Bucket
from seawall.guards.limits.till import Demand, Drawer, Empty


class AnyTill(Protocol):
    """Take from buckets, as `Till` does on its own event loop."""

    def drawer(self, bucket: Bucket) -> Drawer:
        """Give what stands for a bucket in a demand."""

    def take_at_once(self, demands: Sequence[Demand]) -> bool:
        """Take everything at once, or nothing: then it takes `take`."""

    async def take(self, demands: Sequence[Demand]) -> Empty | None:
        """Take everything, or nothing and say which bucket is empty for the longest time.

        Raises:
            LedgerUnavailable: the store cannot be used, and what is in hand is not enough.
        """

    def put_back(self, drawer: Drawer, units: int) -> None:
        """Give units back that were not used."""

    def charge(self, drawer: Drawer, units: int) -> None:
        """Count units that were used already."""
