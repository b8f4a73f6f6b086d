import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from seawall.core.error import (
    BudgetExhausted,
    LedgerUnavailable,
    RateLimited,
    SeawallError,
    UpstreamBroken,
    UpstreamUnreachable,
)
from seawall.core.principal import Principal
from seawall.core.rate import Bucket, Rate
from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES
from seawall.dialects.estimate import estimate_tokens
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.limits.guard import MAX_AT_HAND, MAX_CACHED, LimitsGuard, Spot
from seawall.guards.limits.settings import Limit
from seawall.guards.limits.till import TEND_S, Till
from seawall.guards.meter import MeterGuard
from seawall.ports.buckets import Taken, Wait
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, OWNER, ROUTE, Call, Ended, Instead, Scene, target, whole

BODY: dict[str, Any] = {"model": "m", "max_tokens": 2000, "messages": [{"role": "user", "content": "2 + 2?"}]}
GUESS = estimate_tokens(BODY) + 2000
ASK = Call(MESSAGES, BODY, {b"x-seawall-user": b"bob"}, target=target())
STREAM = Call(MESSAGES, {**BODY, "stream": True}, {b"x-seawall-user": b"bob"}, target=target())
STREAM_GUESS = estimate_tokens(STREAM.body) + 2000
GOOD = whole(ANSWER["anthropic"])
TEXT = frames_of("anthropic/text.sse")
USER = Limit("user", "*", "requests", Rate(60, 3))
PACE = Limit("route", ROUTE, "tokens", Rate(60_000, 60_000))
OWN = f"user:{OWNER.key_id}/hash-of-bob"
PACED = Bucket(f"route:{ROUTE}#tokens", PACE.rate)


class Closed(MemoryBuckets):
    """Buckets that nobody can ask."""

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> "asyncio.Future[Taken | Wait]":
        del bucket, least, most, at_s
        failed: asyncio.Future[Taken | Wait] = asyncio.get_running_loop().create_future()
        failed.set_exception(LedgerUnavailable("the disk is gone"))
        return failed


class World:
    """The guard over a scripted provider, with its till tended."""

    def __init__(self, *limits: Limit, instead: Instead | None = None) -> None:
        self.buckets = MemoryBuckets()
        self.till = Till(self.buckets, LoopClock())
        self.guard = LimitsGuard(
            limits, self.till, lambda name: f"hash-of-{name}", Spot(max_tokens=4000, target=target())
        )
        self.upstream = ScriptedUpstream()
        self._below = (MeterGuard(),) if instead is None else (MeterGuard(), instead)

    async def call(self, call: Call, *answers: Script | SeawallError) -> Ended:
        self.upstream.expect(answers)
        guards = (DeadlineGuard(600.0), IntakeGuard(1 << 20, "interactive"), self.guard, *self._below)
        return await Scene(guards, self.upstream).call(call)

    async def used(self, bucket: Bucket) -> int:
        """Say how much of a bucket is gone, whatever is in hand."""
        await self.till.aclose()
        now_s = LoopClock().wall_s()
        found = await self.buckets.take(bucket, 1, bucket.rate.burst, now_s)
        assert isinstance(found, Taken)
        await self.buckets.put_back(bucket, found.units, now_s)
        return bucket.rate.burst - found.units


def limited(ended: Ended) -> RateLimited:
    assert isinstance(ended.error, RateLimited)
    return ended.error


def test_a_user_gets_its_burst_and_is_then_told_when_to_come_back() -> None:
    async def scene() -> tuple[World, list[Ended], Ended]:
        world = World(USER)
        first = [await world.call(ASK, GOOD) for _ in range(4)]
        await asyncio.sleep(limited(first[3]).retry_after_s or 0.0)
        world.upstream.requests.clear()
        return world, first, await world.call(ASK)

    world, first, later = run_virtual(scene())

    assert [ended.error for ended in first[:3]] == [None] * 3
    refused = limited(first[3])
    assert (refused.status, refused.code, refused.should_retry) == (429, "limit.requests", None)
    assert refused.retry_after_s == pytest.approx(1.0)
    assert str(refused).startswith(f"{OWN} may use 60 requests a minute, 3 at once")
    assert later.error is None
    assert len(world.upstream.requests) == 1, "what was refused sent nothing, so that its answer is the next one's"


def test_one_users_calls_take_nothing_from_anothers() -> None:
    async def scene() -> list[Ended]:
        world = World(USER)
        other = Call(MESSAGES, BODY, {b"x-seawall-user": b"carol"}, target=target())
        for _ in range(5):
            await world.call(ASK, GOOD)
        return [await world.call(other, GOOD) for _ in range(3)]

    assert [ended.error for ended in run_virtual(scene())] == [None] * 3


def test_a_name_that_the_caller_chose_lies_under_its_key() -> None:
    async def scene() -> list[Ended]:
        world = World(USER)
        keys = [Principal("k_1"), Principal("k_2"), Principal("k_3", user="bob")]
        calls = [Call(MESSAGES, BODY, {b"x-seawall-user": b"bob"}, key, target=target()) for key in keys]
        for call in calls * 3:
            assert (await world.call(call, GOOD)).error is None
        return [await world.call(call) for call in calls]

    names = [str(limited(ended)).split()[0] for ended in run_virtual(scene())]

    assert names == ["user:k_1/hash-of-bob", "user:k_2/hash-of-bob", "user:hash-of-bob"]


def test_a_call_that_nothing_limits_just_goes_on() -> None:
    async def scene() -> tuple[Ended, Ended]:
        none, others = World(), World(Limit("user", "carol", "requests", Rate(1, 1)))
        return await none.call(ASK, GOOD), await others.call(ASK, GOOD)

    assert [ended.error for ended in run_virtual(scene())] == [None, None]


def test_limits_of_what_the_route_asks_first_count_too() -> None:
    provider, model = target().provider.name, target().name

    async def scene() -> list[Ended]:
        limits = (Limit("provider", provider, "requests", Rate(1, 2)), Limit("model", model, "requests", Rate(1, 1)))
        world = World(*limits)
        return [await world.call(ASK, GOOD) for _ in range(2)]

    first, second = run_virtual(scene())

    assert first.error is None
    assert str(limited(second)).startswith(f"model:{model} may")


def test_who_has_to_wait_for_long_is_told_not_to_try_by_itself() -> None:
    async def scene() -> list[Ended]:
        world = World(Limit("all", "", "requests", Rate(1, 2)))
        answers = [await world.call(ASK, GOOD) for _ in range(3)]
        await asyncio.sleep(5.0)
        return [*answers, await world.call(ASK)]

    ended = run_virtual(scene())

    assert limited(ended[2]).retry_after_s == pytest.approx(60.0)
    assert limited(ended[2]).should_retry is None
    assert limited(ended[3]).retry_after_s == pytest.approx(55.0)


def test_a_wait_of_more_than_a_minute_is_not_worth_it() -> None:
    async def scene() -> Ended:
        world = World(Limit("all", "", "tokens", Rate(60, 3000)))
        await world.call(ASK, whole({**ANSWER["anthropic"], "usage": {"input_tokens": 2000, "output_tokens": 1000}}))
        return await world.call(ASK)

    refused = limited(run_virtual(scene()))

    assert refused.retry_after_s == pytest.approx(GUESS, abs=1.0)
    assert refused.should_retry is False
    assert refused.code == "limit.tokens"


@pytest.mark.parametrize(
    ("call", "answers", "used"),
    [
        pytest.param(ASK, [GOOD], 1100, id="an answer"),
        pytest.param(STREAM, [Script(TEXT)], 25 + 15, id="a stream"),
        pytest.param(ASK, [whole(b"{}", 529)], 0, id="an error of the provider"),
        pytest.param(ASK, [UpstreamUnreachable("nobody there")], 0, id="never sent"),
        pytest.param(ASK, [UpstreamBroken("cut")], GUESS, id="nobody knows"),
        pytest.param(STREAM, [Script([*TEXT[:4], Break()])], STREAM_GUESS, id="a stream that breaks"),
        pytest.param(
            ASK,
            [whole({**ANSWER["anthropic"], "usage": {"input_tokens": 9000, "output_tokens": 1000}})],
            10_000,
            id="more than the estimate",
        ),
    ],
)
def test_at_the_end_tokens_count_as_they_were_used(
    call: Call, answers: Sequence[Script | SeawallError], used: int
) -> None:
    async def scene() -> int:
        world = World(PACE)
        await world.call(call, *answers)
        return await world.used(PACED)

    assert run_virtual(scene()) == used


def test_while_a_call_runs_its_estimate_is_taken() -> None:
    async def scene() -> tuple[int, int]:
        world = World(PACE)
        running = asyncio.ensure_future(world.call(ASK, Script([Pause(TEND_S / 2), *GOOD.steps], 200, GOOD.headers)))
        await asyncio.sleep(TEND_S / 4)
        during = await world.used(PACED)
        await running
        return during, await world.used(PACED)

    during, after = run_virtual(scene())

    assert during == pytest.approx(GUESS, abs=30)
    assert after == pytest.approx(1100, abs=110)


def test_a_client_that_hangs_up_is_counted_by_what_is_known() -> None:
    async def scene() -> int:
        world = World(PACE)
        call = Call(MESSAGES, STREAM.body, STREAM.headers, target=target(), hang_up_s=0.01)
        await world.call(call, Script([*TEXT[:4], Pause(1.0), *TEXT[4:]]))
        return await world.used(PACED)

    assert run_virtual(scene()) == pytest.approx(STREAM_GUESS, abs=30)


def test_a_call_that_is_refused_below_gives_its_tokens_back_and_keeps_its_request_counted() -> None:
    async def scene() -> tuple[Ended, int, Ended]:
        every = Limit("all", "", "requests", Rate(1, 1))
        world = World(PACE, every, instead=Instead(BudgetExhausted("no money left")))
        refused = await world.call(ASK)
        return refused, await world.used(PACED), await world.call(ASK)

    refused, used, again = run_virtual(scene())

    assert isinstance(refused.error, BudgetExhausted)
    assert used == 0
    assert limited(again).code == "limit.requests"


def test_a_refused_call_takes_from_no_bucket() -> None:
    async def scene() -> tuple[Ended, int]:
        world = World(Limit("all", "", "requests", Rate(1, 1)), USER, PACE)
        await world.call(ASK, GOOD)
        refused = await world.call(ASK)
        await world.till.aclose()
        return refused, await world.used(Bucket(f"{OWN}#requests", USER.rate))

    refused, used = run_virtual(scene())

    assert str(limited(refused)).startswith("all may use 1 requests")
    assert used == 1


def test_what_is_not_billed_counts_as_a_call_and_has_no_tokens() -> None:
    async def scene() -> tuple[int, Ended]:
        world = World(PACE, Limit("all", "", "requests", Rate(1, 1)))
        call = Call(COUNT_TOKENS, BODY, target=target())
        await world.call(call, whole({"input_tokens": 12}))
        return await world.used(PACED), await world.call(call)

    used, again = run_virtual(scene())

    assert used == 0
    assert limited(again).code == "limit.requests"


def test_where_nobody_knows_the_rates_nothing_is_sent() -> None:
    async def scene() -> tuple[World, list[Ended]]:
        world = World(USER, PACE)
        world.till._buckets = Closed()  # the store of a till is for good
        return world, [await world.call(ASK, GOOD), await world.call(ASK)]

    world, ended = run_virtual(scene())

    assert [type(each.error) for each in ended] == [LedgerUnavailable] * 2
    assert world.upstream.requests == []


def test_many_callers_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.guards.limits.guard.MAX_CACHED", 10)

    async def scene() -> int:
        world = World(USER)
        for number in range(25):
            name = b"user %d" % number
            call = Call(MESSAGES, BODY, {b"x-seawall-user": name}, target=target())
            assert (await world.call(call, GOOD)).error is None
        return len(world.guard._known)  # nothing else shows what is kept

    assert MAX_CACHED >= 1000
    assert run_virtual(scene()) == 5


def test_drawers_of_many_callers_are_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.guards.limits.guard.MAX_AT_HAND", 10)

    async def scene() -> int:
        world = World(USER)
        for number in range(25):
            call = Call(MESSAGES, BODY, {b"x-seawall-user": b"user %d" % number}, target=target())
            assert (await world.call(call, GOOD)).error is None
        return len(world.guard._at_hand)  # nothing else shows what is kept

    assert MAX_AT_HAND >= 100
    assert run_virtual(scene()) == 5


def test_a_drawer_that_the_till_has_forgotten_is_not_counted_from() -> None:
    crowd = Limit("route", ROUTE, "requests", Rate(60, 1600))

    async def scene() -> tuple[int, bool]:
        world, beside = World(crowd), World(crowd)
        beside.guard = LimitsGuard([crowd], world.till, str, Spot(max_tokens=4000, target=target()))
        tending = asyncio.ensure_future(world.till.tend())
        assert (await world.call(ASK, GOOD)).error is None
        old = world.till.drawer(Bucket(f"route:{ROUTE}#requests", crowd.rate))
        await asyncio.sleep(5.0)
        for each in (beside, world, world):
            assert (await each.call(ASK, GOOD)).error is None
        living = world.till.drawer(Bucket(f"route:{ROUTE}#requests", crowd.rate))
        tending.cancel()
        return await world.used(Bucket(f"route:{ROUTE}#requests", crowd.rate)), living is not old

    assert run_virtual(scene()) == (3, True), "the fourth has come back at one a second"
