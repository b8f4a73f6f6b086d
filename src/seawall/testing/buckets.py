"""What every store of rates must do: run `check_buckets` against your own."""
# ruff: noqa: S101  # a conformance suite asserts

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Buckets, Taken, Wait

NOW_S: Final = 1_795_000_000.0
HOUR_S: Final = 3600.0
TICK_S: Final = 1e-6
# Ten at once, and one each second.
CALLS: Final = Bucket("user:k_1/ab12#requests", Rate(60, 10))
# One comes back each 3/7 of a second, which no power of ten divides.
ODD: Final = Bucket("team:a#requests", Rate(140, 3))


@dataclass(frozen=True, slots=True)
class BucketsUnderTest:
    """A fresh, empty store, and the same data as another process sees it."""

    store: Buckets
    beside: Buckets


async def check_buckets(make: Callable[[], BucketsUnderTest]) -> None:
    """Check a store; `make` is called once for every check.

    Raises:
        AssertionError: the store breaks its contract; the message says how.
    """
    for check in (check_taking, check_waits, check_debts, check_put_back, check_clocks):
        await check(make())


async def check_taking(under: BucketsUnderTest) -> None:
    """Check that a bucket gives what it has to whoever asks first, and nothing more."""
    store, beside = under.store, under.beside
    asked = [each.take(CALLS, 1, 1, NOW_S) for each in [store, beside] * 10]
    answers = [await wanted for wanted in asked]
    assert answers.count(Taken(1)) == CALLS.rate.burst, "a new bucket is full, and all workers share it"
    assert answers.count(Wait(NOW_S + 1.0)) == CALLS.rate.burst, "the others are told when the next unit comes"
    assert await beside.take(CALLS._replace(name="user:k_1/cd34#requests"), 1, 1, NOW_S) == Taken(1), (
        "another holder's bucket is another one"
    )
    assert await store.take(CALLS, 2, 8, NOW_S + 5.5) == Taken(5), "as many as there are, where that is enough"
    assert await beside.take(CALLS, 1, 8, NOW_S + 6.0) == Taken(1), "the half that came back before is not lost"
    assert await beside.take(CALLS, 1, 4, NOW_S + HOUR_S) == Taken(4), "no more than was asked for"
    assert await store.take(CALLS, 1, 100, NOW_S + HOUR_S) == Taken(6), "a bucket never holds more than its burst"


async def check_waits(under: BucketsUnderTest) -> None:
    """Check that the announced moment is the first one at which the units are there."""
    store, beside = under.store, under.beside
    at_s = NOW_S
    assert await store.take(ODD, 3, 3, at_s) == Taken(3)
    for units in (1, 2, 3, 1, 2, 3):
        wait = await beside.take(ODD, units, units, at_s)
        assert isinstance(wait, Wait), "the bucket is empty"
        assert await store.look(ODD, units, at_s) == wait.at_s, "to look says the same, and takes nothing"
        assert await store.take(ODD, units, units, wait.at_s - TICK_S) == wait, "a microsecond earlier is too early"
        assert await beside.look(ODD, units, wait.at_s) == wait.at_s, "they are there"
        assert await store.take(ODD, units, units, wait.at_s) == Taken(units), "at that moment they are there"
        at_s = wait.at_s
    assert at_s == NOW_S + 12 * 60 / 140 + 0.0 or abs(at_s - (NOW_S + 12 * 60 / 140)) < 2 * TICK_S, (
        "roundings do not add up: each wait ends on the microsecond, all together they are not longer"
    )


async def check_debts(under: BucketsUnderTest) -> None:
    """Check that what is larger than the burst is let through once, and owed."""
    store, beside = under.store, under.beside
    assert await store.take(CALLS, 25, 25, NOW_S) == Taken(25), "a full bucket lets more than its burst through"
    assert await beside.take(CALLS, 1, 1, NOW_S + 15.9) == Wait(NOW_S + 16.0), "and then owes it"
    assert await beside.take(CALLS, 25, 25, NOW_S + 16.0) == Wait(NOW_S + 25.0), "only a full one does"
    assert await store.take(CALLS, 25, 30, NOW_S + 25.0) == Taken(25), "and gives no more than it must"
    await beside.charge(CALLS, 5, NOW_S + 25.0)
    assert await store.take(CALLS, 1, 1, NOW_S + 25.0) == Wait(NOW_S + 46.0), "what was used already is owed as well"
    assert await store.look(CALLS, 1, NOW_S + 50.0) == NOW_S + 50.0, "until it came back"


async def check_put_back(under: BucketsUnderTest) -> None:
    """Check that what was given back can be taken again, once."""
    store, beside = under.store, under.beside
    assert await store.take(CALLS, 10, 10, NOW_S) == Taken(10)
    await store.put_back(CALLS, 4, NOW_S)
    assert await beside.take(CALLS, 1, 10, NOW_S) == Taken(4), "what was given back is there for everybody"
    await store.put_back(CALLS, 1000, NOW_S)
    assert await beside.take(CALLS, 1, 100, NOW_S) == Taken(10), "a bucket is never more than full"
    assert await beside.take(CALLS, 1, 1, NOW_S) == Wait(NOW_S + 1.0)


async def check_clocks(under: BucketsUnderTest) -> None:
    """Check that a clock that jumps neither opens a bucket for good nor locks it."""
    store, beside = under.store, under.beside
    assert await store.take(CALLS, 10, 10, NOW_S) == Taken(10)
    assert await beside.take(CALLS, 1, 1, NOW_S - 0.5) == Wait(NOW_S + 1.0), "who read the clock a bit earlier, waits"
    back_s = NOW_S - HOUR_S
    assert await beside.take(CALLS, 1, 1, back_s) == Wait(back_s + 1.0), "an hour back: still empty, but not locked"
    assert await store.take(CALLS, 1, 10, back_s + 10.0) == Taken(10), "and full after its usual time"
    assert await store.take(CALLS, 1, 10, NOW_S + HOUR_S) == Taken(10), "two hours ahead: full once"
    assert await beside.take(CALLS, 1, 1, NOW_S + HOUR_S) == Wait(NOW_S + HOUR_S + 1.0), "and no more than once"
