"""What a client spends and counts with, and what has to run for it."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from seawall.client.forkable import ForkableBuckets, ForkableLedger
from seawall.client.slot import FIRST_SLOT
from seawall.guards.budget.burial import bury_the_dead
from seawall.guards.budget.purse import Purse
from seawall.guards.limits.till import Till
from seawall.ports.buckets import Buckets
from seawall.ports.clock import Clock
from seawall.ports.ledger import Ledger
from seawall.stores.files.owners import FileOwners
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.stores.memory.ledger import MemoryLedger

_log: Final = logging.getLogger("seawall.budget")


class Desk:
    """Keep a purse and a till on the running event loop, until `aclose`.

    With a state directory they lease from its ledger and its buckets, beside the gateways and other processes of this
    machine, under a name of their own; the dead among those are buried. Without one they have a ledger to themselves,
    which ends with them.

    Raises:
        LedgerUnavailable: the state directory cannot be used.
    """

    def __init__(self, state_dir: Path | None, clock: Clock) -> None:
        self._closing: list[Callable[[], None]] = []
        ledger: Ledger
        buckets: Buckets
        if state_dir is None:
            owner, ledger, buckets = "client", MemoryLedger(keeps_history=False), MemoryBuckets()
            bury = None
        else:
            owners = FileOwners(state_dir, FIRST_SLOT)
            owner, ledger, buckets = owners.owner, ForkableLedger(state_dir), ForkableBuckets(state_dir)
            self._closing += [ledger.close, buckets.close, owners.close]
            owners.sweep()
            bury = bury_the_dead(ledger, owners.is_alive, clock)
        self.purse, self.till = Purse(ledger, owner, clock), Till(buckets, clock)
        chores = {"purse": self.purse.tend(), "till": self.till.tend(), "burials": bury}
        loop = asyncio.get_running_loop()
        self._chores = [loop.create_task(chore, name=name) for name, chore in chores.items() if chore is not None]
        for task in self._chores:
            task.add_done_callback(_ended)

    async def aclose(self) -> None:
        """Report what was spent, give back what was not, and close the stores; within seconds, whatever they do.

        What is held stays leased, and is charged when this owner is found dead: settle everything before.
        """
        for chore in self._chores:
            chore.cancel()
        await asyncio.wait(self._chores)
        try:
            await self.purse.aclose()
            await self.till.aclose()
        finally:
            for close in self._closing:
                close()


def _ended(task: "asyncio.Task[None]") -> None:
    """Say what a chore failed of; nobody waits for it before the end."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("%s failed", task.get_name(), exc_info=error)
