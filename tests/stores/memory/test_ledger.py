from collections.abc import Awaitable, Callable

import pytest

from seawall.stores.memory.ledger import MemoryLedger
from seawall.testing.ledger import CHECKS, LedgerUnderTest, differences


@pytest.mark.parametrize("check", CHECKS)
async def test_memory_keeps_the_contract_of_ledgers(check: Callable[[LedgerUnderTest], Awaitable[None]]) -> None:
    ledger = MemoryLedger()

    await check(LedgerUnderTest(ledger, ledger, ledger))

    assert differences(ledger) == []
