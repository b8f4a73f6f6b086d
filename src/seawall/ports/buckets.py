"""Rates that all workers of a machine keep together."""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

from seawall.core.rate import Bucket


class Taken(NamedTuple):
    """The units are the asker's."""

    units: int


class Wait(NamedTuple):
    """The bucket does not have that many yet; `at_s` is the wall time at which it will, if nobody else takes any."""

    at_s: float


class Buckets(Protocol):
    """Take from buckets by GCRA (ITU-T I.371): one number a bucket, the time at which it is full again.

    All methods are atomic between workers. What was taken need not survive a crash of the machine. They raise
    `LedgerUnavailable` where the store cannot be used. Units are whole; `at_s` is wall time in seconds.
    """

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> Awaitable[Taken | Wait]:
        """Take as many as there are, up to `most`, or nothing where there are fewer than `least`.

        More than `burst` at once is let through when the bucket is full, and owed afterwards.
        """

    def put_back(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[None]:
        """Give units back that were not used."""

    def charge(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[None]:
        """Count units that were used already, whether they are there or not; what is not there is owed."""

    def look(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[float]:
        """Say from which wall time on the bucket has so many units, if nobody takes any; `at_s` where it has them."""
