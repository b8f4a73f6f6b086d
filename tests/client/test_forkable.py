import asyncio
from pathlib import Path
from typing import Final

import pytest

from seawall.client import fork
from seawall.client.forkable import ForkableBuckets, ForkableLedger
from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Taken
from seawall.ports.ledger import Grant, Move, Want

ALL: Final = Account("all@lifetime", Unit.NUSD, 1000)
BUCKET: Final = Bucket("all", Rate(per_minute=60, burst=100))


def _fork() -> None:
    """Go through all that a fork does in its parent."""
    fork._before()
    fork._after()


async def test_nothing_is_opened_before_the_first_step(state_dir: Path) -> None:
    ledger, buckets = ForkableLedger(state_dir), ForkableBuckets(state_dir)

    ledger.close()
    buckets.close()

    assert not state_dir.exists()  # noqa: ASYNC240  # nothing runs any more


async def test_a_ledger_goes_on_after_a_fork_where_it_was(state_dir: Path) -> None:
    ledger = ForkableLedger(state_dir)
    await ledger.lease("w", [[Want(ALL, 600, 600)]], 1.0)

    _fork()

    assert await ledger.owners() == ["w"]
    assert not isinstance((await ledger.lease("v", [[Want(ALL, 600, 600)]], 1.0))[0], Grant)
    assert await ledger.squeezed("w") == ["all@lifetime"]
    await ledger.report("w", 1, [Move("all@lifetime", 100, 0)], (), 2.0)
    assert await ledger.bury("w", 3.0) == 1
    ledger.close()


async def test_what_was_begun_before_a_fork_is_done(state_dir: Path) -> None:
    ledger, buckets = ForkableLedger(state_dir), ForkableBuckets(state_dir)
    leases = [asyncio.ensure_future(ledger.lease("w", [[Want(ALL, 10, 10)]], 1.0)) for _ in range(20)]
    takes = [asyncio.ensure_future(buckets.take(BUCKET, 1, 1, 1.0)) for _ in range(20)]
    await asyncio.sleep(0)

    _fork()

    assert [found for (found,) in await asyncio.gather(*leases)] == [Grant((10,))] * 20
    assert await asyncio.gather(*takes) == [Taken(1)] * 20
    await buckets.put_back(BUCKET, 1, 1.0)
    await buckets.charge(BUCKET, 1, 1.0)
    assert await buckets.look(BUCKET, 80, 1.0) == 1.0
    assert await buckets.look(BUCKET, 81, 1.0) > 1.0
    ledger.close()
    buckets.close()


async def test_a_closed_store_is_not_opened_again(state_dir: Path) -> None:
    ledger, buckets = ForkableLedger(state_dir), ForkableBuckets(state_dir)
    await ledger.owners()
    for each in (ledger, buckets, ledger, buckets):
        each.close()

    with pytest.raises(LedgerUnavailable, match="closed"):
        await ledger.owners()
    with pytest.raises(LedgerUnavailable, match="closed"):
        await buckets.take(BUCKET, 1, 1, 1.0)


async def test_a_store_that_cannot_be_opened_is_tried_again_with_the_next_step(state_dir: Path) -> None:
    state_dir.mkdir()  # noqa: ASYNC240  # nothing runs yet
    (state_dir / "ledger.db").mkdir()
    ledger = ForkableLedger(state_dir)

    with pytest.raises(LedgerUnavailable, match=r"ledger\.db"):
        await ledger.owners()
    (state_dir / "ledger.db").rmdir()

    assert await ledger.owners() == []
    ledger.close()
