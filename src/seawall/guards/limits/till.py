"""What a process has in hand of the rates that all workers keep together."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Final, NamedTuple

from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket
from seawall.ports.buckets import Buckets, Taken, Wait
from seawall.ports.clock import Clock

SLICES: Final = 16
GOOD_S: Final = 1.0
TEND_S: Final = 0.1
# For how long a refusal is repeated without asking again: long enough that who does not listen costs no I/O.
REFUSAL_S: Final = 0.1
_log = logging.getLogger("seawall.limits")


class Demand(NamedTuple):
    """So many units of one bucket."""

    drawer: "Drawer"
    units: int


class Empty(NamedTuple):
    """A bucket that does not have what a call needs, and in how many seconds the whole call would pass."""

    bucket: Bucket
    units: int
    wait_s: float


class Drawer:
    """What this process has of one bucket; its till alone changes it.

    `in_hand` may be used until `until_s` (monotonic), and is renewed when it is below `low`; `owed` was used beyond
    what was taken and is not booked yet.
    `refused` is what was asked for last and was not there, with the wall time at which it will be; until
    `refused_until_s` (monotonic) nobody asks again.
    """

    __slots__ = (
        "asked",
        "bucket",
        "in_hand",
        "low",
        "owed",
        "refused",
        "refused_until_s",
        "slice",
        "until_s",
        "waiting",
    )

    def __init__(self, bucket: Bucket) -> None:
        self.set_bucket(bucket)
        self.in_hand = 0
        self.until_s = 0.0
        self.owed = 0
        self.asked: asyncio.Future[Taken | Wait] | None = None
        self.waiting: deque[_Turn] = deque()
        self.refused = (0, 0.0)
        self.refused_until_s = float("-inf")

    def set_bucket(self, bucket: Bucket) -> None:
        """Take what the policy in force says of the bucket."""
        self.bucket = bucket
        self.slice = bucket.rate.burst // SLICES
        self.low = self.slice // 4

    def is_idle(self, now_s: float) -> bool:
        """Say whether forgetting the drawer loses nothing."""
        is_empty = not (self.in_hand or self.owed or self.waiting)
        return is_empty and self.asked is None and now_s >= self.refused_until_s


class _Turn(NamedTuple):
    """A call in line: what it needs, and where it hears None for "taken", or the wall time to come back at."""

    units: int
    told: "asyncio.Future[float | None]"


class Till:
    """Take from buckets for one process and one event loop, with as little I/O as they allow; outlives policies.

    Of a bucket with a large burst a slice, one part in `SLICES`, is taken at a time; it is used in memory, for at most
    `GOOD_S`, and what is left of it goes back. Of small ones nothing is taken that no call asked for. Calls that want
    of one bucket at the same time ask for it once. A drawer lives little longer than a second after its last use, so
    that there are no more of them than calls a second ask for.

    Somebody has to run `tend` for as long as calls are taken, and `aclose` after that.
    """

    def __init__(self, buckets: Buckets, clock: Clock) -> None:
        self._buckets = buckets
        self._clock = clock
        self._drawers: dict[str, Drawer] = {}
        self._booking: set[asyncio.Future[None]] = set()
        self._is_failing = False

    def drawer(self, bucket: Bucket) -> Drawer:
        """Give the drawer of a bucket; from now on it goes by this rate."""
        drawer = self._drawers.get(bucket.name)
        if drawer is None:
            drawer = self._drawers[bucket.name] = Drawer(bucket)
        elif drawer.bucket.rate is not bucket.rate:
            drawer.set_bucket(bucket)
        return drawer

    def take_at_once(self, demands: Sequence[Demand]) -> bool:
        """Take everything out of what is in hand, or nothing; without I/O."""
        now_s = self._clock.monotonic_s()
        for drawer, units in demands:
            if drawer.in_hand < units or now_s >= drawer.until_s:
                return False
        for drawer, units in demands:
            drawer.in_hand = left = drawer.in_hand - units
            if left < drawer.low and drawer.asked is None and now_s >= drawer.refused_until_s:
                self._ask_store(drawer, 1, drawer.slice - left)  # ahead, so that no call has to wait for it
        return True

    async def take(self, demands: Sequence[Demand]) -> Empty | None:
        """Take everything, or nothing and say which bucket is empty for the longest time.

        A cancelled wait takes nothing.

        Raises:
            LedgerUnavailable: the store cannot be used, and what is in hand is not enough.
        """
        taken: list[Demand] = []
        try:
            for place, demand in enumerate(demands):
                at_s = await self._take(demand)
                if at_s is not None:
                    return await self._worst(demand, at_s, demands[place + 1 :])
                taken.append(demand)
            taken = []
        finally:
            for drawer, units in taken:
                self.put_back(drawer, units)
        return None

    def put_back(self, drawer: Drawer, units: int) -> None:
        """Give units back: this process may use them at once, others hear of it within `TEND_S` or `GOOD_S`."""
        drawer = self._living(drawer)
        settled = min(units, drawer.owed)
        drawer.owed -= settled
        if not drawer.in_hand:
            drawer.until_s = self._clock.monotonic_s() + GOOD_S
        drawer.in_hand += units - settled
        drawer.refused_until_s = float("-inf")

    def charge(self, drawer: Drawer, units: int) -> None:
        """Count units that were used already; what is not in hand is owed to the bucket."""
        drawer = self._living(drawer)
        at_hand = min(units, drawer.in_hand)
        drawer.in_hand -= at_hand
        drawer.owed += units - at_hand

    async def tend(self) -> None:
        """Give back what is not used, book what is owed and forget what is idle, until cancelled."""
        while True:
            await asyncio.sleep(TEND_S)
            now_s = self._clock.monotonic_s()
            for name, drawer in list(self._drawers.items()):
                if drawer.is_idle(now_s):
                    del self._drawers[name]
                elif drawer.owed or drawer.in_hand:
                    self._book(drawer, drawer.slice if now_s < drawer.until_s else 0)

    async def aclose(self) -> None:
        """Give everything back that was not used; the buckets can be closed afterwards."""
        for drawer in self._drawers.values():
            self._book(drawer, 0)
        if self._booking:
            await asyncio.wait(self._booking)

    def _living(self, drawer: Drawer) -> Drawer:
        """Give the drawer that the bucket has now: that of a call that took its time may be forgotten."""
        return self._drawers.setdefault(drawer.bucket.name, drawer)

    async def _take(self, demand: Demand) -> float | None:
        """Take units of one bucket; where it does not have them, give the wall time at which it will."""
        drawer, units = self._living(demand.drawer), demand.units
        now_s = self._clock.monotonic_s()
        if drawer.in_hand >= units and now_s < drawer.until_s:
            drawer.in_hand -= units
            return None
        if now_s < drawer.refused_until_s and units >= drawer.refused[0]:
            return drawer.refused[1] if units == drawer.refused[0] else await self._look(drawer.bucket, units)
        turn = _Turn(units, asyncio.get_running_loop().create_future())
        drawer.waiting.append(turn)
        if drawer.asked is None:
            self._ask(drawer)
        try:
            return await turn.told
        except asyncio.CancelledError:
            if not turn.told.cancelled() and turn.told.exception() is None and turn.told.result() is None:
                self.put_back(drawer, units)
            raise

    async def _worst(self, demand: Demand, at_s: float, others: Sequence[Demand]) -> Empty:
        """Find out whether another bucket keeps the call waiting for longer."""
        for other in others:
            if other.drawer.in_hand < other.units:
                other_s = await self._look(other.drawer.bucket, other.units)
                if other_s > at_s:
                    demand, at_s = other, other_s
        return Empty(demand.drawer.bucket, demand.units, max(at_s - self._clock.wall_s(), 0.0))

    def _look(self, bucket: Bucket, units: int) -> Awaitable[float]:
        return self._buckets.look(bucket, units, self._clock.wall_s())

    def _ask(self, drawer: Drawer) -> None:
        """Ask the store for what the calls in line need together, once it knows all that it has to."""
        self._book(drawer, 0)
        wanted = [turn.units for turn in drawer.waiting if not turn.told.done()]
        self._ask_store(drawer, wanted[0], max(sum(wanted), drawer.slice))

    def _ask_store(self, drawer: Drawer, least: int, most: int) -> None:
        drawer.asked = asyncio.ensure_future(self._buckets.take(drawer.bucket, least, most, self._clock.wall_s()))
        drawer.asked.add_done_callback(partial(self._answered, drawer, least))

    def _answered(self, drawer: Drawer, least: int, answered: "asyncio.Future[Taken | Wait]") -> None:
        """Serve the line in its order; who finds nothing in this answer has the next one."""
        drawer.asked = None
        error = None if answered.cancelled() else answered.exception()
        if error is not None or answered.cancelled():
            self._fail(drawer, error)
            return
        answer = answered.result()
        if isinstance(answer, Taken):
            drawer.in_hand += answer.units
            drawer.until_s = self._clock.monotonic_s() + GOOD_S
        self._serve(drawer)
        if isinstance(answer, Wait):
            self._refuse(drawer, least, answer.at_s)
            self._serve(drawer)
        if drawer.waiting:
            self._ask(drawer)

    def _serve(self, drawer: Drawer) -> None:
        """Give out what is in hand, in the order of the line; who was told already leaves it."""
        waiting = drawer.waiting
        while waiting and (waiting[0].told.done() or drawer.in_hand >= waiting[0].units):
            turn = waiting.popleft()
            if not turn.told.done():
                drawer.in_hand -= turn.units
                turn.told.set_result(None)

    def _refuse(self, drawer: Drawer, units: int, at_s: float) -> None:
        """Refuse everybody in line who needs as much, and for a moment whoever comes."""
        for turn in drawer.waiting:
            if turn.units == units and not turn.told.done():
                turn.told.set_result(at_s)
        drawer.refused = (units, at_s)
        wait_s = min(at_s - self._clock.wall_s(), REFUSAL_S)
        drawer.refused_until_s = self._clock.monotonic_s() + wait_s

    def _fail(self, drawer: Drawer, error: BaseException | None) -> None:
        """Tell everybody in line that the store cannot be asked; each gets an error of its own to raise."""
        while drawer.waiting:
            told = drawer.waiting.popleft().told
            if not told.done():
                told.set_exception(LedgerUnavailable(f"the rates cannot be asked: {error or 'they were closed'}"))

    def _book(self, drawer: Drawer, keep: int) -> None:
        """Tell the store what is owed, and give back what is in hand beyond `keep`."""
        at_s = self._clock.wall_s()
        if drawer.owed:
            owed, drawer.owed = drawer.owed, 0
            self._watch(self._buckets.charge(drawer.bucket, owed, at_s), drawer, owed)
        if drawer.in_hand > keep:
            over, drawer.in_hand = drawer.in_hand - keep, keep
            self._watch(self._buckets.put_back(drawer.bucket, over, at_s), drawer, 0)

    def _watch(self, booking: Awaitable[None], drawer: Drawer, owed: int) -> None:
        future = asyncio.ensure_future(booking)
        self._booking.add(future)
        future.add_done_callback(partial(self._booked, drawer, owed))

    def _booked(self, drawer: Drawer, owed: int, booking: "asyncio.Future[None]") -> None:
        """Hear what became of a booking: what could not be charged stays owed, what could not go back is gone."""
        self._booking.discard(booking)
        error = None if booking.cancelled() else booking.exception()
        if error is not None:
            self._living(drawer).owed += owed
            if not self._is_failing:
                _log.warning("rates cannot be booked: %s", error)
        self._is_failing = error is not None
