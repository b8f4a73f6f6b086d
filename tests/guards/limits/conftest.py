"""A till over buckets that take their time, tended, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket, Rate
from seawall.guards.limits.till import Demand, Empty, Till
from seawall.ports.buckets import Taken, Wait
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual

T = TypeVar("T")
SMALL = Bucket("user:k_1/ab12#requests", Rate(60, 10))
LARGE = Bucket("all#requests", Rate(6000, 1600))
TOKENS = Bucket("team:a#tokens", Rate(60_000, 16_000))
FOLLOWS = 0.001


class Counted(MemoryBuckets):
    """Buckets that answer a moment later, count what they are asked, and fail where they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, int, int]] = []
        self.is_broken = False

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> "asyncio.Future[Taken | Wait]":
        self.asked.append(("take", least, most))
        return self._later(lambda: MemoryBuckets.take(self, bucket, least, most, at_s))

    def put_back(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        self.asked.append(("put_back", units, units))
        return self._later(lambda: MemoryBuckets.put_back(self, bucket, units, at_s))

    def charge(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        self.asked.append(("charge", units, units))
        return self._later(lambda: MemoryBuckets.charge(self, bucket, units, at_s))

    def look(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[float]":
        self.asked.append(("look", units, units))
        return self._later(lambda: MemoryBuckets.look(self, bucket, units, at_s))

    def _later(self, work: Callable[[], Awaitable[T]]) -> "asyncio.Future[T]":
        async def answer() -> T:
            await asyncio.sleep(FOLLOWS)
            if self.is_broken:
                raise LedgerUnavailable("the disk is gone")
            return await work()

        return asyncio.ensure_future(answer())


class Scene:
    """A till over buckets, tended, on virtual time."""

    def __init__(self) -> None:
        self.buckets = Counted()
        self.till = Till(self.buckets, LoopClock())

    async def take(self, *wanted: tuple[Bucket, int]) -> Empty | None:
        demands = [Demand(self.till.drawer(bucket), units) for bucket, units in wanted]
        if self.till.take_at_once(demands):
            return None
        return await self.till.take(demands)

    async def left(self, bucket: Bucket) -> int:
        """Say how much another process would find, and leave it as it is."""
        now_s = LoopClock().wall_s()
        found = await MemoryBuckets.take(self.buckets, bucket, 1, bucket.rate.burst, now_s)
        if isinstance(found, Wait):
            return 0
        await MemoryBuckets.put_back(self.buckets, bucket, found.units, now_s)
        return found.units


def play(act: Callable[[Scene], Coroutine[Any, Any, T]]) -> T:
    async def tended() -> T:
        scene = Scene()
        tending = asyncio.ensure_future(scene.till.tend())
        try:
            return await act(scene)
        finally:
            tending.cancel()
            await asyncio.wait([tending])
            await scene.till.aclose()

    return run_virtual(tended())
