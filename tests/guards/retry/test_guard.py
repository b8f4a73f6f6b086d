import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    SeawallError,
    TargetClosed,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
)
from seawall.core.record import AttemptRecord
from seawall.dialects.dialect import MESSAGES
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.meter import MeterGuard
from seawall.guards.retry.guard import RetryGuard
from seawall.guards.retry.quota import COST, FULL, RetryQuotas
from seawall.guards.retry.settings import RetrySettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.watchdog import HungUp, Kennel
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

SETTINGS = RetrySettings(retries=3, max_attempts=4)
ASK = Call(MESSAGES, {}, target=target())
STREAM = Call(MESSAGES, {"stream": True}, target=target())
TEXT = frames_of("anthropic/text.sse")
GOOD = whole(ANSWER["anthropic"])
NAME = target().name


class Trail:
    """A guard that keeps the times of the attempts, and registers a tap for each as an inner guard does."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.taps: list[int] = []

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        self.at_s.append(exchange.watchdog.now_s())
        exchange.taps.append(lambda frames: frames)
        self.taps.append(len(exchange.taps))
        return await call_next(exchange)


class World:
    """The guard between its neighbours, over a scripted provider."""

    def __init__(self, settings: RetrySettings = SETTINGS, *, draw: float = 0.5, total_s: float = 60.0) -> None:
        self.quotas = RetryQuotas()
        self.trail = Trail()
        self.total_s = total_s
        self.guard = RetryGuard(settings, self.quotas, lambda: draw)

    def go(self, call: Call, *answers: Script | SeawallError, legs_left: int = 0) -> Ended:
        class Leg:
            async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
                exchange.legs_left = legs_left
                return await call_next(exchange)

        guards = (
            DeadlineGuard(self.total_s),
            IntakeGuard(1 << 20, "interactive"),
            Leg(),
            self.guard,
            self.trail,
            MeterGuard(),
        )
        return run_virtual(Scene(guards, ScriptedUpstream(*answers)).call(call))


def _refused(status: int = 503, **headers: str) -> Script:
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return whole({"error": {"type": "x", "message": "no"}}, status, fields)


def test_what_fails_once_is_tried_again_and_nobody_notices() -> None:
    world = World()

    ended = world.go(ASK, _refused(), UpstreamBroken("cut"), GOOD)

    assert ended.error is None
    assert world.trail.at_s == pytest.approx([0.0, 0.025, 0.075])
    assert [a.error for a in ended.exchange.attempts] == ["upstream.refused", "upstream.broken", ""]
    assert world.quotas.of(NAME).tokens == FULL - 2 * COST + 1


def test_waiting_between_attempts_is_not_the_gateways_own_time() -> None:
    ended = World().go(ASK, _refused(), UpstreamBroken("cut"), GOOD)

    assert ended.exchange.provider_wait_s == pytest.approx(0.075)


def test_a_target_that_stays_broken_is_given_up() -> None:
    world = World()

    ended = world.go(ASK, *[_refused()] * 9)

    assert isinstance(ended.error, UpstreamRefused)
    assert len(world.trail.at_s) == 4
    assert ended.error.should_retry is False


def test_the_whole_call_has_a_last_attempt() -> None:
    world = World(RetrySettings(retries=9, max_attempts=2))

    world.go(ASK, *[_refused()] * 9)

    assert len(world.trail.at_s) == 2


def test_another_target_keeps_its_attempt() -> None:
    world = World()

    world.go(ASK, *[_refused()] * 9, legs_left=2)

    assert len(world.trail.at_s) == 2


def test_a_target_that_takes_long_to_fail_leaves_the_time_to_another() -> None:
    slow = Script((Pause(0.6), Break()))
    world = World()

    ended = world.go(ASK, slow, GOOD, legs_left=1)

    assert isinstance(ended.error, UpstreamBroken)
    assert world.trail.at_s == [0.0]


def test_what_cannot_help_is_not_tried_again() -> None:
    world = World()

    ended = world.go(ASK, _refused(400), GOOD)

    assert isinstance(ended.error, UpstreamRefused)
    assert ended.error.should_retry is None
    assert len(world.trail.at_s) == 1


@pytest.mark.parametrize(
    "error", [UpstreamCredentials("refused"), BadRequest("ours"), TargetClosed("held")], ids=lambda e: type(e).__name__
)
def test_what_is_no_failure_of_the_attempt_goes_on_at_once(error: SeawallError) -> None:
    world = World()

    assert world.go(ASK, error, GOOD).error is error
    assert world.quotas.of(NAME).tokens == FULL


@pytest.mark.parametrize(
    ("headers", "at_s"),
    [
        pytest.param({"retry_after": "7"}, 7.025, id="seconds"),
        pytest.param({"retry_after": "0.5"}, 0.525, id="a fraction"),
        pytest.param({"retry_after_ms": "1500", "retry_after": "2"}, 1.525, id="milliseconds"),
        pytest.param({"retry_after": "Sat, 21 Nov 2026 00:00:20 GMT"}, 20.025, id="a date"),
        pytest.param({"retry_after": "-1"}, 0.025, id="negative"),
        pytest.param({"retry_after": "tomorrow"}, 0.025, id="garbage"),
        pytest.param({"retry_after": "1000000000"}, None, id="a billion seconds"),
        pytest.param({"retry_after": "60"}, None, id="to the deadline"),
    ],
)
def test_the_provider_says_when(headers: dict[str, str], at_s: float | None) -> None:
    world = World()

    ended = world.go(ASK, _refused(503, **headers), GOOD)

    if at_s is None:
        assert isinstance(ended.error, UpstreamRefused)
        assert world.trail.at_s == [0.0]
    else:
        assert ended.error is None
        assert world.trail.at_s == [0.0, pytest.approx(at_s)]


def test_a_long_demand_sends_the_call_elsewhere() -> None:
    world = World()

    ended = world.go(ASK, _refused(429, retry_after="5"), GOOD, legs_left=1)

    assert isinstance(ended.error, UpstreamRefused)
    assert world.trail.at_s == [0.0]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"x_should_retry": "true"}, False, id="that it should be repeated"),
        pytest.param({"retry_after": "90"}, None, id="when it will be well"),
        pytest.param({"retry_after": "121"}, False, id="that it will be long"),
    ],
)
def test_clients_do_not_repeat_what_was_done_in_vain(headers: dict[str, str], said: bool | None) -> None:
    world = World(RetrySettings(retries=1))

    ended = world.go(ASK, _refused(), _refused(503, **headers))

    assert isinstance(ended.error, UpstreamError)
    assert ended.error.should_retry is said
    assert b"x-should-retry" not in dict(ended.error.headers)


def test_a_stream_that_fails_before_its_first_content_is_tried_again() -> None:
    world = World()
    good = Script(TEXT)

    ended = world.go(STREAM, Script((TEXT[0], Break())), good)

    assert ended.error is None
    assert b"".join(ended.written) == b"".join(TEXT)
    assert world.trail.taps == [1, 1]


def test_a_stream_that_fails_later_is_not() -> None:
    world = World()

    ended = world.go(STREAM, Script((b"".join(TEXT[:4]), Pause(5.0), Break())), GOOD)

    assert isinstance(ended.error, UpstreamBroken)
    assert len(world.trail.at_s) == 1


def test_a_client_that_leaves_ends_the_wait() -> None:
    world = World()

    ended = world.go(Call(MESSAGES, {}, target=target(), hang_up_s=3.0), _refused(503, retry_after="30"), GOOD)

    assert isinstance(ended.error, HungUp)
    assert world.trail.at_s == [0.0]
    assert (world.quotas.of(NAME).live, world.quotas.of(NAME).retrying) == (0, 0)


def test_the_deadline_interrupts_a_further_attempt() -> None:
    world = World(total_s=5.0)

    ended = world.go(ASK, _refused(), Script((Pause(60.0),)))

    assert isinstance(ended.error, DeadlineExceeded)
    assert len(world.trail.at_s) == 2


def test_a_cancellation_of_somebody_else_goes_on() -> None:
    async def scene() -> None:
        world = World()
        guards = (world.guard,)
        script = whole({"error": {"type": "x", "message": "no"}}, 503, [(b"retry-after", b"30")])
        call = asyncio.ensure_future(Scene(guards, ScriptedUpstream(script, GOOD)).call(ASK))
        await asyncio.sleep(1.0)
        call.cancel()
        assert isinstance((await call).error, asyncio.CancelledError)
        assert world.quotas.of(NAME).retrying == 0

    run_virtual(scene())


def test_an_empty_quota_ends_it() -> None:
    world = World()
    world.quotas.of(NAME).tokens = COST - 1

    ended = world.go(ASK, _refused(), GOOD)

    assert isinstance(ended.error, UpstreamRefused)
    assert len(world.trail.at_s) == 1


def _storm(guard: RetryGuard, seconds: int, per_s: int) -> tuple[Counter[int], Counter[int], int]:
    """Let calls meet a provider that answers 503 and nothing else; count calls and attempts by the call's second."""
    calls: Counter[int] = Counter()
    attempts: Counter[int] = Counter()
    most = 0

    async def fail(exchange: Exchange) -> Reply:
        attempts[int(exchange.started_s)] += 1
        exchange.attempts.append(AttemptRecord("p", "m", 0.0, 0.0))
        await asyncio.sleep(0.3)
        raise UpstreamRefused(503, "overloaded", "no")

    async def one(kennel: Kennel) -> None:
        nonlocal most
        exchange = ASK.exchange(kennel)
        exchange.watchdog.limit(20.0)
        calls[int(exchange.started_s)] += 1
        try:
            await guard(exchange, fail)
        except UpstreamRefused:
            most = max(most, len(exchange.attempts))
        finally:
            exchange.watchdog.close()

    async def all_of_them() -> None:
        loop = asyncio.get_running_loop()
        kennel = Kennel(loop)
        async with asyncio.TaskGroup() as group:
            for tick in range(seconds * 50):
                for _ in range(per_s // 50):
                    group.create_task(one(kennel))
                await asyncio.sleep((tick + 1) / 50 - loop.time())

    run_virtual(all_of_them())
    return calls, attempts, most


@pytest.mark.slow
def test_a_storm_of_failures_is_not_amplified() -> None:
    draw: Callable[[], float] = Random(7).random  # noqa: S311  # a fair die, no secret
    calls, attempts, most = _storm(RetryGuard(RetrySettings(retries=3), RetryQuotas(), draw), 60, 1000)

    first = sum(attempts[s] for s in range(5)) / sum(calls[s] for s in range(5))
    later = sum(attempts[s] for s in range(5, 60)) / sum(calls[s] for s in range(5, 60))
    assert sum(calls.values()) == 60_000
    assert first <= 1.2
    assert later <= 1.08
    assert most <= 4
