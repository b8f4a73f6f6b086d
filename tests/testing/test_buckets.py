import asyncio
from typing import cast

import pytest

from seawall.core.rate import Bucket
from seawall.ports.buckets import Buckets, Taken, Wait
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.testing.buckets import BucketsUnderTest, check_buckets


class Generous:
    """A store that forgets what was taken."""

    async def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> Taken | Wait:
        return await MemoryBuckets().take(bucket, least, most, at_s)


def test_a_store_that_forgets_does_not_pass() -> None:
    generous = cast("Buckets", Generous())

    with pytest.raises(AssertionError, match="a new bucket is full"):
        asyncio.run(check_buckets(lambda: BucketsUnderTest(generous, generous)))
