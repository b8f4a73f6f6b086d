"""Rates in memory."""

import asyncio
from typing import Final, TypeVar

from seawall.core.gcra import SLACK_US, Later, Level, charge, full_at_us, look, put_back, seconds, take, whole_us
from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Taken, Wait

T = TypeVar("T")
_SWEPT_EACH: Final = 1024


class MemoryBuckets:
    """Implement `Buckets` for one process and one event loop; what it keeps ends with the process."""

    def __init__(self) -> None:
        self._levels: dict[str, tuple[Level, Rate]] = {}
        self._written = 0

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> "asyncio.Future[Taken | Wait]":
        """Take units, or say when there will be enough."""
        now_us = whole_us(at_s)
        answer = take(self._level(bucket, now_us), bucket.rate, least, most, now_us)
        self._keep(bucket, answer.level, now_us)
        return _done(Wait(seconds(answer.at_us)) if isinstance(answer, Later) else Taken(answer.units))

    def put_back(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        """Give units back."""
        now_us = whole_us(at_s)
        self._keep(bucket, put_back(self._level(bucket, now_us), bucket.rate, units, now_us), now_us)
        return _done(None)

    def charge(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        """Count units that were used already."""
        now_us = whole_us(at_s)
        self._keep(bucket, charge(self._level(bucket, now_us), bucket.rate, units, now_us), now_us)
        return _done(None)

    def look(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[float]":
        """Say when there will be enough."""
        now_us = whole_us(at_s)
        return _done(seconds(look(self._level(bucket, now_us), bucket.rate, units, now_us)))

    def _level(self, bucket: Bucket, now_us: int) -> Level:
        kept = self._levels.get(bucket.name)
        return Level(0, now_us) if kept is None else kept[0]

    def _keep(self, bucket: Bucket, level: Level, now_us: int) -> None:
        """Keep a level, and forget at times those that are as good as none."""
        self._levels[bucket.name] = (level, bucket.rate)
        self._written += 1
        if self._written % _SWEPT_EACH == 0:
            kept = self._levels.items()
            self._levels = {name: row for name, row in kept if full_at_us(*row) > now_us - SLACK_US}


def _done(result: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
