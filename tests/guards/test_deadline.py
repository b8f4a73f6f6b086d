import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import DeadlineExceeded
from seawall.dialects.dialect import MESSAGES, MODELS
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.watchdog import TICK_S, HungUp
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import Call, Ended, Scene, target, whole

INTAKE = IntakeGuard(1 << 20, "interactive")
LATE = TICK_S + 1e-6


class Slow:
    """A guard that takes its time before it goes on."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        await asyncio.sleep(self._length_s)
        return await call_next(exchange)


def _timed(scene: Scene, call: Call) -> tuple[Ended, float]:
    async def main() -> tuple[Ended, float]:
        return await scene.call(call), asyncio.get_running_loop().time()

    return run_virtual(main())


@given(st.floats(0.01, 30.0), st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_all_waits_share_one_total(total_s: float, guard_s: float, provider_s: float) -> None:
    answer = Script((b"{}",), head_after_s=provider_s)
    scene = Scene((DeadlineGuard(total_s), Slow(guard_s)), ScriptedUpstream(answer))

    ended, at_s = _timed(scene, Call(MODELS, target=target()))

    assert at_s <= min(total_s + LATE, guard_s + provider_s + 1e-6)
    if guard_s + provider_s < total_s:
        assert ended.reply is not None
    if guard_s + provider_s > total_s + LATE:
        assert isinstance(ended.error, DeadlineExceeded)


def test_the_deadline_counts_from_the_first_byte_and_not_from_the_guard() -> None:
    scene = Scene((Slow(3.0), DeadlineGuard(4.0)), ScriptedUpstream(Script((Pause(math.inf),))))

    ended, at_s = _timed(scene, Call(MODELS, target=target()))

    assert isinstance(ended.error, DeadlineExceeded)
    assert 4.0 <= at_s <= 4.0 + LATE


def test_a_whole_stream_runs_under_it() -> None:
    frames = frames_of("anthropic/text.sse")
    script = Script([*frames[:3], *[step for _ in range(100) for step in (Pause(1.0), b": still here\n\n")]])
    scene = Scene((DeadlineGuard(30.0), INTAKE), ScriptedUpstream(script))

    ended, at_s = _timed(scene, Call(MESSAGES, {"stream": True}, target=target()))

    assert isinstance(ended.error, DeadlineExceeded)
    assert 30.0 <= at_s <= 30.0 + LATE
    assert b"".join(ended.written).startswith(b"".join(frames[:3]))


def test_the_error_names_the_setting_and_forbids_a_retry() -> None:
    ended, _ = _timed(Scene((DeadlineGuard(2.0), Slow(9.0))), Call(MODELS))

    assert isinstance(ended.error, DeadlineExceeded)
    assert (ended.error.status, ended.error.should_retry) == (504, False)
    assert "timeout_ms of 2000 ms" in str(ended.error)


def test_a_client_that_leaves_is_the_reason() -> None:
    ended, at_s = _timed(Scene((DeadlineGuard(60.0), Slow(9.0))), Call(MODELS, hang_up_s=1.0))

    assert isinstance(ended.error, HungUp)
    assert at_s == pytest.approx(1.0)


def test_somebody_elses_cancellation_goes_on_as_one() -> None:
    async def main() -> Ended:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        try:
            return await Scene((DeadlineGuard(60.0), Slow(9.0))).call(Call(MODELS))
        finally:
            task.uncancel()

    assert isinstance(run_virtual(main()).error, asyncio.CancelledError)


def test_what_fails_below_goes_on_as_it_is() -> None:
    ended, _ = _timed(Scene((DeadlineGuard(60.0),)), Call(MODELS, target=target()))

    assert ended.error is not None
    assert not isinstance(ended.error, DeadlineExceeded)


def test_a_call_in_time_is_not_touched() -> None:
    ended, _ = _timed(Scene((DeadlineGuard(60.0),), ScriptedUpstream(whole({}))), Call(MODELS, target=target()))

    assert ended.reply is not None
    assert ended.exchange.watchdog.deadline_s == 60.0
