from collections.abc import Awaitable, Callable

import pytest

from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Taken
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.testing.buckets import (
    NOW_S,
    BucketsUnderTest,
    check_buckets,
    check_clocks,
    check_debts,
    check_put_back,
    check_taking,
    check_waits,
)


def fresh() -> BucketsUnderTest:
    store = MemoryBuckets()
    return BucketsUnderTest(store, store)


@pytest.mark.parametrize("check", [check_taking, check_waits, check_debts, check_put_back, check_clocks])
async def test_memory_keeps_the_contract_of_buckets(check: Callable[[BucketsUnderTest], Awaitable[None]]) -> None:
    await check(fresh())


async def test_the_whole_suite_runs_in_one_call() -> None:
    await check_buckets(fresh)


async def test_full_buckets_are_forgotten_and_the_others_are_not() -> None:
    store, once = MemoryBuckets(), Rate(60, 1)

    for number in range(5000):
        assert await store.take(Bucket(f"user:{number}", once), 1, 1, NOW_S + 0.1 * number) == Taken(1)

    assert len(store._levels) < 2000  # nothing else shows what is kept
    assert "user:4995" in store._levels
