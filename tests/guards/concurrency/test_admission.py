import asyncio
from dataclasses import replace

import pytest

from seawall.core.error import Overloaded, SeawallError, UpstreamBroken
from seawall.dialects.dialect import MESSAGES
from seawall.guards.concurrency.admission import LOOK_S, AdmissionGuard, Admissions, LoopLag
from seawall.guards.concurrency.settings import AdmissionSettings
from seawall.guards.intake import IntakeGuard
from seawall.testing.clock import FakeClock
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

ASK = Call(MESSAGES, {}, target=target())
STREAM = Call(MESSAGES, {"stream": True}, target=target())
TEXT = frames_of("anthropic/text.sse")
GOOD = whole(ANSWER["anthropic"])


class World:
    """The guard of a worker over a scripted provider."""

    def __init__(self, most: int = 1, traffic_class: str = "interactive") -> None:
        self.lag = LoopLag()
        self.admissions = Admissions(self.lag)
        self.guards = (IntakeGuard(1 << 20, traffic_class), AdmissionGuard(AdmissionSettings(most), self.admissions))
        self.upstream = ScriptedUpstream()

    async def call(self, call: Call, *answers: Script | SeawallError) -> Ended:
        self.upstream.expect(answers)
        return await Scene(self.guards, self.upstream).call(call)


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_a_full_worker_sheds_until_a_call_has_ended(call: Call) -> None:
    async def scene() -> tuple[Ended, Ended, Ended]:
        world = World()
        good = Script(TEXT) if call is STREAM else GOOD
        steps = [*good.steps[:3], Pause(5.0), *good.steps[3:]]
        running = asyncio.ensure_future(world.call(call, replace(good, steps=steps)))
        await asyncio.sleep(3.0)
        shed = await world.call(call)
        first = await running
        assert world.admissions.in_flight == 0
        return first, shed, await world.call(call, good)

    first, shed, after = run_virtual(scene())

    assert (first.error, after.error) == (None, None)
    assert isinstance(shed.error, Overloaded)
    assert shed.error.retry_after_s == 1.0


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        pytest.param(ASK, UpstreamBroken("cut"), id="a failure"),
        pytest.param(STREAM, Script([*TEXT[:4], Break()]), id="a stream that breaks"),
    ],
)
def test_whatever_ends_a_call_gives_its_place_back(call: Call, answer: Script | SeawallError) -> None:
    world = World()
    ended = run_virtual(world.call(call, answer))

    assert isinstance(ended.error, UpstreamBroken)
    assert world.admissions.in_flight == 0


@pytest.mark.parametrize(
    ("lag_s", "shed"),
    [
        (0.04, []),
        (0.06, ["analysis"]),
        (0.11, ["automation", "analysis"]),
        (0.26, ["interactive", "automation", "analysis"]),
    ],
)
def test_a_late_event_loop_sheds_the_least_important_first(lag_s: float, shed: list[str]) -> None:
    found = []
    for traffic_class in ("interactive", "automation", "analysis"):
        world = World(100, traffic_class)
        world.lag.lag_s = lag_s
        if isinstance(run_virtual(world.call(ASK, GOOD)).error, Overloaded):
            found.append(traffic_class)

    assert found == shed


def _lag_after(*late_s: float) -> float:
    """Let the watch look at a clock by which its sleeps ended so late, one after the other."""

    async def scene() -> float:
        clock, lag = FakeClock(), LoopLag()
        watch = asyncio.ensure_future(lag.watch(clock))
        await asyncio.sleep(LOOK_S / 2)
        for seconds in late_s:
            clock.advance(LOOK_S + seconds)
            await asyncio.sleep(LOOK_S)
        watch.cancel()
        return lag.lag_s

    return run_virtual(scene())


def test_a_loop_in_time_has_no_lag() -> None:
    assert _lag_after(0.0, 0.0, 0.0) == pytest.approx(0.0)


def test_one_late_look_counts_a_fifth() -> None:
    assert _lag_after(1.0) == pytest.approx(0.2)


def test_a_loop_that_stays_late_is_found_out_and_forgiven() -> None:
    assert _lag_after(*[0.3] * 20) == pytest.approx(0.3, rel=0.05)
    assert _lag_after(*[0.3] * 20, *[0.0] * 20) < 0.01
