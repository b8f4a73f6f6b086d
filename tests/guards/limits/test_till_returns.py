import asyncio
import logging

import pytest

from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket, Rate
from seawall.guards.limits.till import GOOD_S, TEND_S, Demand
from seawall.testing.virtual_loop import run_virtual
from tests.guards.limits.conftest import FOLLOWS, LARGE, SMALL, TOKENS, Scene, play


def test_what_was_given_back_is_used_again_and_what_is_too_much_goes_to_the_others_soon() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((TOKENS, 16_000))
        drawer = scene.till.drawer(TOKENS)
        scene.till.put_back(drawer, 6000)
        assert scene.till.take_at_once([Demand(drawer, 2000)])
        await asyncio.sleep(TEND_S + 2 * FOLLOWS)
        assert drawer.in_hand == 1000
        assert 3000 <= await scene.left(TOKENS) <= 3200

    play(act)


def test_what_is_given_back_ends_a_refusal() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((SMALL, 10))
        assert await scene.take((SMALL, 2)) is not None
        scene.till.put_back(scene.till.drawer(SMALL), 3)
        assert await scene.take((SMALL, 2)) is None

    play(act)


def test_what_was_used_beyond_the_estimate_is_owed() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((TOKENS, 15_500))
        drawer = scene.till.drawer(TOKENS)
        scene.till.put_back(drawer, 200)
        scene.till.charge(drawer, 4200)
        assert (drawer.in_hand, drawer.owed) == (0, 4000)
        empty = await scene.take((TOKENS, 1000))
        assert empty is not None
        assert empty.wait_s == pytest.approx(4.5, abs=0.02)
        assert drawer.owed == 0

    play(act)


def test_what_comes_back_pays_what_is_owed_first() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((TOKENS, 1000))
        drawer = scene.till.drawer(TOKENS)
        scene.till.charge(drawer, 300)
        scene.till.put_back(drawer, 500)
        assert (drawer.in_hand, drawer.owed) == (200, 0)

    play(act)


def test_a_call_may_end_long_after_its_drawer_was_forgotten() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((TOKENS, 16_000))
        old = scene.till.drawer(TOKENS)
        await asyncio.sleep(2.0)
        assert await scene.take((TOKENS, 100)) is None
        assert scene.till.drawer(TOKENS) is not old
        scene.till.charge(old, 5000)
        await asyncio.sleep(TEND_S + FOLLOWS)
        assert await scene.take((TOKENS, 1)) is not None

    play(act)


def test_a_cancelled_wait_takes_nothing() -> None:
    async def act(scene: Scene) -> None:
        asked = [asyncio.ensure_future(scene.take((LARGE, 1), (SMALL, 3))) for _ in range(2)]
        await asyncio.sleep(1.5 * FOLLOWS)
        for each in asked:
            each.cancel()
        await asyncio.wait(asked)
        await asyncio.sleep(GOOD_S + 3 * TEND_S)
        assert (await scene.left(SMALL), await scene.left(LARGE)) == (10, 1600)

    play(act)


def test_a_wait_that_is_cancelled_as_its_answer_comes_gives_it_back() -> None:
    async def act(scene: Scene) -> None:
        asked = asyncio.ensure_future(scene.take((SMALL, 3)))
        await asyncio.sleep(0)
        drawer = scene.till.drawer(SMALL)
        assert drawer.asked is not None
        drawer.asked.add_done_callback(lambda _: asked.cancel())
        await asyncio.wait([asked])
        assert asked.cancelled()
        assert drawer.in_hand == 3

    play(act)


def test_a_new_rate_holds_from_the_next_call_on() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1))
        smaller = Bucket(LARGE.name, Rate(60, 10))
        drawer = scene.till.drawer(smaller)
        assert (drawer.bucket, drawer.slice) == (smaller, 0)
        await asyncio.sleep(GOOD_S + 2 * TEND_S)
        assert await scene.take((smaller, 11)) is None
        assert await scene.take((smaller, 1)) is not None

    play(act)


def test_without_the_store_calls_go_on_with_what_is_in_hand_and_no_further() -> None:
    async def act(scene: Scene) -> None:
        await scene.take((LARGE, 1))
        scene.buckets.is_broken = True
        for _ in range(99):
            assert await scene.take((LARGE, 1)) is None
        outcomes = await asyncio.gather(*(scene.take((LARGE, 1)) for _ in range(5)), return_exceptions=True)
        assert [type(each) for each in outcomes] == [LedgerUnavailable] * 5
        assert len(set(map(id, outcomes))) == 5, "each has an error of its own to raise"
        with pytest.raises(LedgerUnavailable, match="the disk is gone"):
            await scene.take((SMALL, 1))
        scene.buckets.is_broken = False
        assert await scene.take((SMALL, 1), (LARGE, 1)) is None

    play(act)


def test_what_cannot_be_booked_stays_owed_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def act(scene: Scene) -> None:
        await scene.take((SMALL, 10))
        scene.buckets.is_broken = True
        scene.till.charge(scene.till.drawer(SMALL), 5)
        await asyncio.sleep(1.0)
        assert len(caplog.records) == 1
        scene.buckets.is_broken = False
        await asyncio.sleep(2 * TEND_S)
        empty = await scene.take((SMALL, 1))
        assert empty is not None
        assert empty.wait_s == pytest.approx(6.0 - 1.0 - 2 * TEND_S, abs=0.02)

    with caplog.at_level(logging.WARNING, "seawall.limits"):
        play(act)
    assert "rates cannot be booked: the disk is gone" in caplog.text


def test_everything_goes_back_when_the_process_ends() -> None:
    async def scene() -> tuple[int, int]:
        over = Scene()
        await over.take((LARGE, 1), (TOKENS, 10))
        over.till.charge(over.till.drawer(TOKENS), 5)
        await over.till.aclose()
        await over.till.aclose()
        return await over.left(LARGE), await over.left(TOKENS)

    large, tokens = run_virtual(scene())

    assert large == 1599 or large == 1600  # noqa: PLR1714  # a hundred a second come back meanwhile
    assert 15_985 <= tokens <= 16_000


def test_a_store_that_was_closed_under_a_wait_says_so() -> None:
    async def act(scene: Scene) -> None:
        asked = asyncio.ensure_future(scene.take((SMALL, 1)))
        await asyncio.sleep(0)
        drawer = scene.till.drawer(SMALL)
        assert drawer.asked is not None
        drawer.asked.cancel()
        with pytest.raises(LedgerUnavailable, match="closed"):
            await asked

    play(act)


def test_many_holders_leave_nothing_behind() -> None:
    async def act(scene: Scene) -> None:
        for number in range(3000):
            await scene.take((Bucket(f"user:{number}#requests", SMALL.rate), 1))
        await asyncio.sleep(GOOD_S + 2 * TEND_S)
        assert scene.till._drawers == {}  # nothing else shows what is kept

    play(act)
