"""Charge what dead workers still held: nobody knows whether they had spent it."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from seawall.core.error import LedgerUnavailable
from seawall.ports.clock import Clock
from seawall.ports.ledger import Ledger

LOOK_S: Final = 1.0
_log: Final = logging.getLogger("seawall.budget")


async def bury_the_dead(ledger: Ledger, is_alive: Callable[[str], bool], clock: Clock) -> None:
    """Look for leases of dead owners now and every second, until cancelled, and charge them as unsettled.

    Several may look at once: what one has charged the others do not find. A ledger that cannot be used is asked again
    the next time.
    """
    while True:
        try:
            for owner in await ledger.owners():
                if not is_alive(owner):
                    accounts = await ledger.bury(owner, clock.wall_s())
                    _log.warning("ledger.buried", extra={"fields": {"owner": owner, "accounts": accounts}})
        except LedgerUnavailable as error:
            _log.warning("ledger.unburied", extra={"fields": {"error": str(error)}})
        await asyncio.sleep(LOOK_S)
