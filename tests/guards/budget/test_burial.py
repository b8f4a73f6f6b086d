import asyncio
import logging
from collections.abc import Sequence

import pytest

from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.guards.budget.burial import LOOK_S, bury_the_dead
from seawall.ports.ledger import Want
from seawall.stores.memory.ledger import MemoryLedger
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual

ALL = Account("all@lifetime", Unit.NUSD, 100)


class Moody(MemoryLedger):
    """A ledger that cannot be used the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def owners(self) -> "asyncio.Future[Sequence[str]]":
        """Fail once."""
        self.looks += 1
        if self.looks == 1:
            raise LedgerUnavailable("locked")
        return super().owners()


async def _watch(ledger: MemoryLedger, living: set[str], for_s: float) -> None:
    watch = asyncio.ensure_future(bury_the_dead(ledger, living.__contains__, LoopClock()))
    await asyncio.sleep(for_s)
    watch.cancel()
    await asyncio.wait([watch])


def test_what_the_dead_held_is_charged_and_what_the_living_hold_is_not() -> None:
    ledger = MemoryLedger()

    async def go() -> None:
        for owner in ("living", "dead"):
            await ledger.lease(owner, [[Want(ALL, 10, 10)]], 0.0)
        await _watch(ledger, {"living"}, LOOK_S / 2)

        (balance,) = ledger.balances()
        assert (balance.settled, balance.leased) == (10, 10)
        assert [charge.unsettled.id for charge in ledger.unsettled_rows()] == ["crashed:dead"]
        assert await ledger.owners() == ["living"]

    run_virtual(go())


def test_a_ledger_that_is_away_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Moody()

    async def go() -> None:
        await ledger.lease("dead", [[Want(ALL, 10, 10)]], 0.0)
        await _watch(ledger, set(), 1.5 * LOOK_S)

        assert ledger.balances()[0].leased == 0

    with caplog.at_level(logging.WARNING, "seawall.budget"):
        run_virtual(go())
    assert [record.message for record in caplog.records] == ["ledger.unburied", "ledger.buried"]
