import asyncio
from collections.abc import Sequence

import pytest

from seawall.core.error import (
    BadRequest,
    Overloaded,
    SeawallError,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
)
from seawall.dialects.dialect import MESSAGES
from seawall.guards.concurrency.guard import ConcurrencyGuard
from seawall.guards.concurrency.register import TargetLimits
from seawall.guards.concurrency.rule import Kind
from seawall.guards.concurrency.settings import ConcurrencySettings
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.pipeline.exchange import Exchange, Reply
from seawall.pipeline.watchdog import HungUp, Kennel
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream, Step
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

ASK = Call(MESSAGES, {}, target=target())
STREAM = Call(MESSAGES, {"stream": True}, target=target())
TEXT = frames_of("anthropic/text.sse")
GOOD = whole(ANSWER["anthropic"])


class World:
    """The guard over a scripted provider."""

    def __init__(self, first: int = 100) -> None:
        self.limits = TargetLimits({"anthropic-provider": ConcurrencySettings(first=first, least=1)})
        self.limit = self.limits.of(target())
        self.guard = ConcurrencyGuard(self.limits)
        self.upstream = ScriptedUpstream()

    async def call(self, call: Call, *answers: Script | SeawallError) -> Ended:
        self.upstream.expect(answers)
        guards = (DeadlineGuard(60.0), IntakeGuard(1 << 20, "interactive"), self.guard)
        return await Scene(guards, self.upstream).call(call)

    def measured(self, kind: Kind) -> float:
        return self.limit._kinds[kind.value]._sum_s  # nothing else shows a single call


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_a_call_without_a_place_is_refused_before_anything_is_sent(call: Call) -> None:
    async def scene() -> tuple[World, Ended, Ended, Ended]:
        world = World(first=1)
        slow = Script([TEXT[0], Pause(5.0), *TEXT[1:]] if call is STREAM else [Pause(5.0), *GOOD.steps])
        running = asyncio.ensure_future(world.call(call, slow))
        await asyncio.sleep(3.0)
        second = await world.call(call)
        first = await running
        return world, first, second, await world.call(call, Script(TEXT) if call is STREAM else GOOD)

    world, first, second, third = run_virtual(scene())

    assert (first.error, third.error) == (None, None)
    assert isinstance(second.error, Overloaded)
    assert second.error.retry_after_s == 1.0
    assert len(world.upstream.requests) == 2
    assert world.limit.in_flight == 0


@pytest.mark.parametrize(
    ("steps", "latency_s"),
    [
        pytest.param([Pause(0.5), *TEXT[:3], Pause(7.0), *TEXT[3:]], 0.5, id="first content, however long the rest is"),
        pytest.param([Pause(5.0), *TEXT], 5.0, id="promised before its first content"),
        pytest.param([*TEXT[:2], Pause(5.0), TEXT[-1]], 0.0, id="without any content"),
    ],
)
def test_a_stream_is_measured_by_its_first_content(steps: Sequence[Step], latency_s: float) -> None:
    world = World()
    ended = run_virtual(world.call(STREAM, Script(steps)))

    assert ended.error is None
    assert world.measured(Kind.STREAM) == pytest.approx(latency_s)
    assert world.limit.in_flight == 0


def test_an_answer_in_one_piece_is_measured_whole() -> None:
    world = World()
    run_virtual(world.call(ASK, Script([Pause(3.0), *GOOD.steps])))

    assert world.measured(Kind.WHOLE) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        pytest.param(whole(b"{}", 429), 80, id="too many"),
        pytest.param(whole(b"{}", 503), 80, id="not now"),
        pytest.param(whole(b"{}", 529), 80, id="overloaded"),
        pytest.param(UpstreamTimeout("connect", 1.0), 80, id="no connection in time"),
        pytest.param(whole(b"{}", 500), 100, id="broken"),
        pytest.param(whole(b"{}", 400), 100, id="refused"),
        pytest.param(UpstreamBroken("cut"), 100, id="cut"),
        pytest.param(BadRequest("ours"), 100, id="refused below"),
    ],
)
def test_what_says_too_much_shrinks_the_limit(answer: Script | SeawallError, limit: float) -> None:
    world = World()
    run_virtual(world.call(ASK, answer))

    assert world.limit.limit == limit
    assert world.limit.in_flight == 0
    assert world.measured(Kind.WHOLE) == 0.0


@pytest.mark.parametrize(
    ("steps", "limit"),
    [
        pytest.param([*TEXT[:4], Pause(30.0)], 80, id="silence"),
        pytest.param([*TEXT[:4], Break()], 100, id="a cut"),
    ],
)
def test_a_stream_that_fails_gives_its_place_back(steps: Sequence[Step], limit: float) -> None:
    world = World()
    ended = run_virtual(world.call(STREAM, Script(steps)))

    assert ended.error is not None
    assert world.limit.in_flight == 0
    assert world.limit.limit == limit


@pytest.mark.parametrize("body", [{}, {"stream": True}], ids=["whole", "stream"])
def test_a_client_that_leaves_gives_its_place_back(body: dict[str, bool]) -> None:
    world = World()
    leaving = Call(MESSAGES, body, target=target(), hang_up_s=2.0)
    ended = run_virtual(world.call(leaving, Script([*TEXT[:4], Pause(9.0)])))

    assert isinstance(ended.error, HungUp)
    assert world.limit.in_flight == 0
    assert world.limit.limit == 100


def test_without_a_target_there_is_nothing_to_limit() -> None:
    async def scene() -> None:
        async def fail(exchange: Exchange) -> Reply:
            assert exchange.target is None
            raise UpstreamRefused(500, "x", "below")

        limits = TargetLimits()
        with pytest.raises(UpstreamRefused):
            await ConcurrencyGuard(limits)(Call(MESSAGES, {}).exchange(Kennel(asyncio.get_running_loop())), fail)
        assert limits.states() == []

    run_virtual(scene())
