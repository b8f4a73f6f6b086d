import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.rate import Bucket, Rate
from seawall.guards.limits.till import GOOD_S, REFUSAL_S, TEND_S, Demand, Drawer, Till
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.testing.clock import START_WALL_S, LoopClock
from seawall.testing.virtual_loop import run_virtual
from tests.guards.limits.conftest import FOLLOWS, LARGE, SMALL, TOKENS, Scene, play


def test_of_a_small_bucket_nothing_is_taken_that_no_call_asked_for() -> None:
    async def act(scene: Scene) -> None:
        for _ in range(10):
            assert await scene.take((SMALL, 1)) is None
        assert scene.buckets.asked == [("take", 1, 1)] * 10
        empty = await scene.take((SMALL, 1))
        assert empty is not None
        assert empty.bucket is SMALL
        assert empty.wait_s == pytest.approx(1.0 - 10 * FOLLOWS - FOLLOWS, abs=2e-6)

    play(act)


def test_of_a_large_bucket_a_slice_is_taken_and_used_without_asking() -> None:
    async def act(scene: Scene) -> None:
        assert await scene.take((LARGE, 1)) is None
        drawer = scene.till.drawer(LARGE)
        for _ in range(74):
            assert scene.till.take_at_once([Demand(drawer, 1)])
        assert scene.buckets.asked == [("take", 1, 100)]

    play(act)


def test_a_slice_is_renewed_before_it_is_used_up() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1))
        drawer = scene.till.drawer(LARGE)
        for _ in range(1000):
            for _ in range(10):
                assert scene.till.take_at_once([Demand(drawer, 1)]), "no call waits"
            await asyncio.sleep(0.1)
        assert {what for what, _, _ in scene.buckets.asked} == {"take"}
        assert len(scene.buckets.asked) < 140

    play(act)


def test_an_empty_bucket_is_not_asked_ahead_again_and_again() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1525))
        assert await scene.take((LARGE, 1)) is None
        scene.buckets.asked.clear()
        await MemoryBuckets.charge(scene.buckets, LARGE, 100, LoopClock().wall_s())
        drawer = scene.till.drawer(LARGE)
        for _ in range(drawer.in_hand):
            assert scene.till.take_at_once([Demand(drawer, 1)])
            await asyncio.sleep(2 * FOLLOWS)
        assert 1 <= len(scene.buckets.asked) <= 2
        assert await scene.take((LARGE, 1)) is not None

    play(act)


def test_who_comes_while_a_slice_is_renewed_shares_it() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1))
        answers = await asyncio.gather(*(scene.take((LARGE, 1)) for _ in range(190)))
        assert answers == [None] * 190
        assert len(scene.buckets.asked) <= 3

    play(act)


def test_what_is_left_of_a_slice_goes_back_and_the_drawer_is_forgotten() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1))
        drawer = scene.till.drawer(LARGE)
        assert await scene.left(LARGE) == 1500
        await asyncio.sleep(GOOD_S)
        assert not scene.till.take_at_once([Demand(drawer, 1)]), "a slice is good for a second"
        await asyncio.sleep(2 * TEND_S + 2 * FOLLOWS)
        assert await scene.left(LARGE) == 1600
        assert scene.till.drawer(LARGE) is not drawer

    play(act)


def test_calls_that_want_of_one_bucket_at_the_same_time_ask_once() -> None:
    async def act(scene: Scene) -> None:
        answers = await asyncio.gather(*(scene.take((SMALL, 1)) for _ in range(9)))
        assert answers == [None] * 9
        assert scene.buckets.asked == [("take", 1, 1), ("take", 1, 8)]

    play(act)


def test_everybody_in_line_is_told_when_the_bucket_is_empty() -> None:
    async def act(scene: Scene) -> None:
        answers = await asyncio.gather(*(scene.take((SMALL, 1)) for _ in range(50)))
        assert answers.count(None) == 10
        assert {round(empty.wait_s, 2) for empty in answers if empty} == {1.0}
        assert len(scene.buckets.asked) == 3

    play(act)


def test_who_does_not_listen_costs_no_io() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((SMALL, 10))
        for _ in range(100):
            assert await scene.take((SMALL, 1)) is not None
        assert len(scene.buckets.asked) == 2
        assert await scene.take((SMALL, 3)) is not None
        assert scene.buckets.asked[2:] == [("look", 3, 3)], "one that needs more is told its own time"
        await asyncio.sleep(REFUSAL_S)
        await scene.take((SMALL, 1))
        assert len(scene.buckets.asked) == 4

    play(act)


def test_the_announced_wait_is_when_the_call_passes() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((SMALL, 10), (TOKENS, 16_000))
        for _ in range(20):
            empty = await scene.take((SMALL, 1), (TOKENS, 500))
            assert empty is not None
            await asyncio.sleep(empty.wait_s - 3 * FOLLOWS)
            assert await scene.take((SMALL, 1), (TOKENS, 500)) is not None, "not a moment earlier"
            await asyncio.sleep(3 * FOLLOWS)
            assert await scene.take((SMALL, 1), (TOKENS, 500)) is None

    play(act)


def test_a_refused_call_takes_nothing_from_any_bucket() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((TOKENS, 16_000))
        empty = await scene.take((SMALL, 4), (LARGE, 1), (TOKENS, 3000))
        assert empty is not None
        assert empty.bucket is TOKENS
        await asyncio.sleep(GOOD_S + 2 * TEND_S + FOLLOWS)
        assert (await scene.left(SMALL), await scene.left(LARGE)) == (10, 1600)

    play(act)


def test_the_refusal_names_the_bucket_that_is_empty_for_the_longest() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((SMALL, 10), (TOKENS, 16_000))
        empty = await scene.take((SMALL, 1), (LARGE, 1), (TOKENS, 5000))
        assert empty is not None
        assert (empty.bucket, empty.units) == (TOKENS, 5000)
        assert empty.wait_s == pytest.approx(5.0, abs=0.01)

    play(act)


@given(
    rate=st.builds(Rate, per_minute=st.integers(1, 6000), burst=st.integers(1, 400)),
    calls=st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 0.4), st.integers(1, 60), st.integers(-40, 40)), max_size=40
    ),
)
def test_two_processes_together_never_use_more_than_the_rate_and_what_they_owe(
    rate: Rate, calls: list[tuple[int, float, int, int]]
) -> None:
    bucket = Bucket("all#tokens", rate)

    async def scene() -> None:
        buckets = MemoryBuckets()
        tills = [Till(buckets, LoopClock()) for _ in range(2)]
        tending = [asyncio.ensure_future(till.tend()) for till in tills]
        used = owed = largest = 0
        for which, wait_s, units, more in calls:
            await asyncio.sleep(wait_s)
            till = tills[which]
            drawer: Drawer = till.drawer(bucket)
            if await till.take([Demand(drawer, units)]) is None:
                used += units
                largest = max(largest, units - rate.burst)
                if more > 0:
                    till.charge(drawer, more)
                    owed += more
                elif more < 0:
                    till.put_back(drawer, min(-more, units))
                    used -= min(-more, units)
            came_back = rate.per_minute * (LoopClock().wall_s() - START_WALL_S) / 60
            assert used <= rate.burst + came_back + largest + owed + 1e-6
        for task in tending:
            task.cancel()
        await asyncio.wait(tending)
        for till in tills:
            await till.aclose()

    run_virtual(scene())
