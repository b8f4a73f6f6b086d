import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    Overloaded,
    SeawallError,
    TargetClosed,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamTimeout,
)
from seawall.core.target import Target
from seawall.dialects.dialect import MESSAGES
from seawall.guards.breaker.guard import BreakerGuard, nobody_is_held
from seawall.guards.breaker.register import Breakers, BreakerState
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.watchdog import HungUp, Kennel
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

ASK = Call(MESSAGES, {}, target=target())
STREAM = Call(MESSAGES, {"stream": True}, target=target())
NO_TARGET = Call(MESSAGES, {})
TEXT = frames_of("anthropic/text.sse")
GOOD = whole(ANSWER["anthropic"])


class Wait:
    """A guard that takes its time, as an earlier target would."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        await asyncio.sleep(self.length_s)
        return await call_next(exchange)


class World:
    """The guard over a scripted provider; it opens at the first call that fails or is slow."""

    def __init__(self, is_held: Callable[[Target], bool] = nobody_is_held, **more: Any) -> None:
        defaults = {"min_calls": 1, "slow_s": 5.0, "open_s": 15.0, "probes": 1}
        self.breakers = Breakers(lambda: 0.0)
        self.guard = BreakerGuard(BreakerSettings(**{**defaults, **more}), self.breakers, is_held)
        self.upstream = ScriptedUpstream()

    async def call(
        self, call: Call, *answers: Script | SeawallError, total_s: float = 60.0, waited_s: float = 0.0
    ) -> Ended:
        self.upstream.expect(answers)
        guards = (DeadlineGuard(total_s), IntakeGuard(1 << 20, "interactive"), Wait(waited_s), self.guard)
        return await Scene(guards, self.upstream).call(call)

    def go(self, call: Call, *answers: Script | SeawallError, total_s: float = 60.0) -> Ended:
        return run_virtual(self.call(call, *answers, total_s=total_s))

    @property
    def state(self) -> BreakerState:
        (state,) = self.breakers.states(0.0)
        return state


def _counts(world: World) -> tuple[str, int, int, int]:
    return world.state.state, world.state.calls, world.state.failed, world.state.slow


OPEN = ("open", 0, 0, 0)
WELL = ("closed", 1, 0, 0)
NOTHING_SAID = ("closed", 0, 0, 0)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(GOOD, WELL, id="an answer"),
        pytest.param(whole(b"{}", 500), OPEN, id="a server error"),
        pytest.param(whole(b"{}", 529), OPEN, id="overloaded"),
        pytest.param(whole(b"{}", 429), OPEN, id="too many"),
        pytest.param(UpstreamBroken("cut"), OPEN, id="a cut"),
        pytest.param(UpstreamTimeout("connect", 1.0), OPEN, id="no connection in time"),
        pytest.param(UpstreamCredentials("no"), OPEN, id="our credentials refused"),
        pytest.param(whole(b"{}", 400), WELL, id="our request refused"),
        pytest.param(whole(b"{}", 409), WELL, id="a conflict"),
        pytest.param(BadRequest("ours"), NOTHING_SAID, id="refused below"),
        pytest.param(Overloaded("full"), NOTHING_SAID, id="too many of our own"),
        pytest.param(Script(whole(ANSWER["anthropic"]).steps, head_after_s=5.5), OPEN, id="a slow answer"),
        pytest.param(Script((Pause(100.0),)), OPEN, id="none by the deadline, and slow at that"),
    ],
)
def test_an_ending_is_counted(answer: Script | SeawallError, expected: tuple[str, int, int, int]) -> None:
    world = World()

    world.go(ASK, answer)

    assert _counts(world) == expected


@pytest.mark.parametrize(
    ("waited_s", "expected"),
    [(0.0, OPEN), (1.4, OPEN), (1.6, NOTHING_SAID)],
    ids=["all of it", "most of it", "less than half of it"],
)
def test_a_target_hangs_that_had_most_of_a_calls_time(waited_s: float, expected: tuple[str, int, int, int]) -> None:
    world = World()

    ended = run_virtual(world.call(ASK, Script((Pause(100.0),)), total_s=3.0, waited_s=waited_s))

    assert isinstance(ended.error, DeadlineExceeded)
    assert _counts(world) == expected


def test_a_stream_that_is_longer_than_its_call_may_take_is_no_failure() -> None:
    world = World()

    ended = world.go(STREAM, Script([*TEXT[:4], Pause(100.0)]), total_s=3.0)

    assert isinstance(ended.error, DeadlineExceeded)
    assert _counts(world) == NOTHING_SAID


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param(TEXT, WELL, id="complete"),
        pytest.param([Pause(6.0), *TEXT], OPEN, id="its first content is late"),
        pytest.param([*TEXT[:4], Pause(8.0), *TEXT[4:]], WELL, id="what comes after may take its time"),
        pytest.param([*TEXT[:4], Break()], OPEN, id="cut"),
        pytest.param(TEXT[:4], OPEN, id="ended without its end"),
        pytest.param(
            [*TEXT[:4], b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'],
            OPEN,
            id="an error within",
        ),
    ],
)
def test_a_stream_is_counted_at_its_end(steps: list[Any], expected: tuple[str, int, int, int]) -> None:
    world = World()

    world.go(STREAM, Script(steps))

    assert _counts(world) == expected


def test_a_client_that_leaves_says_nothing_of_the_target() -> None:
    world = World()
    leaving = Call(MESSAGES, {"stream": True}, target=target(), hang_up_s=9.0)

    ended = world.go(leaving, Script([*TEXT[:4], Pause(9.5), *TEXT[4:]]))

    assert isinstance(ended.error, HungUp)
    assert _counts(world) == NOTHING_SAID


def test_an_open_breaker_lets_nothing_out_and_says_when() -> None:
    async def scene() -> tuple[Ended, int]:
        world = World()
        await world.call(ASK, whole(b"{}", 500))
        await asyncio.sleep(5.0)
        return await world.call(ASK, GOOD), len(world.upstream.requests)

    ended, requests = run_virtual(scene())

    assert isinstance(ended.error, TargetClosed)
    assert ended.error.retry_after_s == pytest.approx(10.0)
    assert requests == 1


def test_a_target_that_is_well_again_is_found_by_a_probe() -> None:
    async def scene() -> tuple[Ended, Ended, Ended]:
        world = World()
        await world.call(ASK, whole(b"{}", 500))
        await asyncio.sleep(15.0)
        slow_one = Script(GOOD.steps, head_after_s=1.0)
        probe = asyncio.ensure_future(world.call(ASK, slow_one))
        await asyncio.sleep(0.5)
        beside = await world.call(ASK)
        return beside, await probe, await world.call(ASK, GOOD)

    beside, probe, after = run_virtual(scene())

    assert isinstance(beside.error, TargetClosed)
    assert beside.error.retry_after_s == 1.0
    assert (probe.error, after.error) == (None, None)


@pytest.mark.parametrize(
    ("status", "headers", "opens_in_s"),
    [
        pytest.param(429, [(b"retry-after", b"40")], 40.0, id="429 with a time"),
        pytest.param(503, [(b"retry-after-ms", b"20000")], 20.0, id="503 with milliseconds"),
        pytest.param(529, [(b"retry-after", b"Sat, 21 Nov 2026 00:01:00 GMT")], 60.0, id="529 with a date"),
        pytest.param(429, [(b"retry-after", b"1000000000")], 300.0, id="no longer than the policy lets it"),
        pytest.param(429, [(b"retry-after", b"0.5")], 0.0, id="too short to be told to anybody"),
        pytest.param(429, [], 0.0, id="no time named"),
        pytest.param(500, [(b"retry-after", b"40")], 0.0, id="another error"),
        pytest.param(400, [(b"retry-after", b"40")], 0.0, id="not the target's fault"),
    ],
)
def test_one_answer_that_names_a_time_is_enough(
    status: int, headers: list[tuple[bytes, bytes]], opens_in_s: float
) -> None:
    world = World(min_calls=100)

    world.go(ASK, whole(b"{}", status, headers))

    assert world.state.opens_in_s == opens_in_s


def test_an_operator_holds_a_target() -> None:
    asked: list[str] = []

    def is_held(held: Target) -> bool:
        asked.append(held.name)
        return True

    world = World(is_held)
    ended = world.go(ASK, GOOD)

    assert isinstance(ended.error, TargetClosed)
    assert ended.error.retry_after_s == 15.0
    assert asked == [target().name]
    assert world.upstream.requests == []


def test_an_isolated_target_is_not_called() -> None:
    world = World()
    world.breakers.isolate(target().name, 1.0)

    ended = world.go(ASK, GOOD)

    assert isinstance(ended.error, TargetClosed)
    assert ended.error.retry_after_s == 15.0
    assert "isolated" in str(ended.error)


def test_without_a_target_there_is_nothing_to_watch() -> None:
    world = World()
    failure = UpstreamRefused(500, "x", "below")

    async def scene() -> None:
        async def fail(exchange: Exchange) -> Reply:
            del exchange
            raise failure

        with pytest.raises(UpstreamRefused):
            await world.guard(NO_TARGET.exchange(Kennel(asyncio.get_running_loop())), fail)

    run_virtual(scene())
    assert world.breakers.states(0.0) == []
