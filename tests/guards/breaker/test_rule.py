import asyncio
from typing import Any

import pytest

from seawall.guards.breaker.rule import BUCKETS, Breaker, Outcome, Permit, State
from seawall.guards.breaker.settings import BreakerSettings
from seawall.testing.virtual_loop import run_virtual

GOOD, FAILED, SLOW, UNKNOWN = Outcome.GOOD, Outcome.FAILED, Outcome.SLOW, Outcome.UNKNOWN
SETTINGS = BreakerSettings(min_calls=4, window_s=10.0, open_s=10.0, longest_open_s=35.0, probes=2)


def _breaker(**more: Any) -> Breaker:  # BreakerSettings' own fields
    defaults = {"min_calls": 4, "window_s": 10.0, "open_s": 10.0, "longest_open_s": 35.0, "probes": 2}
    return Breaker(BreakerSettings(**{**defaults, **more}))


def _call(breaker: Breaker, outcome: Outcome, now_s: float) -> None:
    permit = breaker.admit(now_s)
    assert permit is not None
    breaker.report(permit, outcome, now_s)


def _opened(now_s: float = 0.0, **more: Any) -> Breaker:
    breaker = _breaker(**more)
    for _ in range(breaker.settings.min_calls):
        _call(breaker, FAILED, now_s)
    assert _state(breaker) is State.OPEN
    return breaker


def _state(breaker: Breaker) -> State:
    return breaker.state


def _permit(breaker: Breaker, now_s: float) -> Permit:
    permit = breaker.admit(now_s)
    assert permit is not None
    return permit


def test_half_of_enough_calls_open_it() -> None:
    breaker = _breaker()
    for outcome in (GOOD, GOOD, FAILED):
        _call(breaker, outcome, 0.0)
    assert _state(breaker) is State.CLOSED

    _call(breaker, FAILED, 1.0)

    assert _state(breaker) is State.OPEN
    assert breaker.admit(10.9) is None
    assert breaker.opens_in_s(4.0) == 7.0


def test_a_few_failures_say_nothing() -> None:
    breaker = _breaker()
    for _ in range(3):
        _call(breaker, FAILED, 0.0)

    assert _state(breaker) is State.CLOSED
    assert breaker.opens_in_s(0.0) == 0.0


def test_a_tenth_is_three_of_thirty() -> None:
    breaker = _breaker(failure_ratio=0.1, min_calls=30)
    for i in range(30):
        _call(breaker, FAILED if i >= 27 else GOOD, 0.0)

    assert _state(breaker) is State.OPEN


def test_a_ratio_of_nothing_wants_one_failure_all_the_same() -> None:
    breaker = _breaker(failure_ratio=0.0, slow_ratio=0.0, min_calls=1)
    _call(breaker, GOOD, 0.0)

    assert _state(breaker) is State.CLOSED


def test_slow_calls_have_a_share_of_their_own() -> None:
    breaker = _breaker(slow_ratio=0.75)
    for outcome in (SLOW, SLOW, GOOD, SLOW):
        _call(breaker, outcome, 0.0)

    assert _state(breaker) is State.OPEN


def test_what_is_unknown_does_not_count() -> None:
    breaker = _breaker()
    for _ in range(9):
        _call(breaker, UNKNOWN, 0.0)

    assert breaker.counts == (0, 0, 0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    breaker = _breaker()
    for now_s in (0.0, 0.0, 0.0, 10.0):
        _call(breaker, FAILED, now_s)
    assert _state(breaker) is State.CLOSED
    assert breaker.counts == (1, 1, 0)

    _call(breaker, SLOW, 12.0)
    assert breaker.counts == (2, 1, 1)
    _call(breaker, GOOD, 21.0)
    assert breaker.counts == (2, 0, 1)


def test_memory_does_not_grow() -> None:
    breaker = _breaker(failure_ratio=0.9)
    for i in range(10_000):
        _call(breaker, FAILED if i % 3 == 0 else GOOD, i * 0.37)

    assert len(breaker._buckets) == BUCKETS  # the bound is the point
    assert _state(breaker) is State.CLOSED


def test_every_probe_that_comes_back_closes_it() -> None:
    breaker = _opened()

    first, second = _permit(breaker, 10.0), _permit(breaker, 10.0)
    assert breaker.admit(10.0) is None
    breaker.report(first, GOOD, 10.5)
    assert _state(breaker) is State.HALF_OPEN
    assert breaker.admit(10.5) is None
    breaker.report(second, GOOD, 10.5)

    assert _state(breaker) is State.CLOSED
    assert breaker.counts == (0, 0, 0)


def test_one_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound() -> None:
    breaker, now_s = _opened(), 10.0

    for longer_s in (20.0, 35.0, 35.0):
        breaker.report(_permit(breaker, now_s), FAILED, now_s)
        assert breaker.opens_in_s(now_s) == longer_s
        now_s += longer_s


def test_a_recovery_forgets_how_long_it_was_open() -> None:
    breaker = _opened()
    breaker.report(_permit(breaker, 10.0), FAILED, 10.0)
    for probe in [_permit(breaker, 30.0), _permit(breaker, 30.0)]:
        breaker.report(probe, GOOD, 30.0)
    for _ in range(4):
        _call(breaker, FAILED, 31.0)

    assert breaker.opens_in_s(31.0) == 10.0


@pytest.mark.parametrize(
    ("second", "state"), [(SLOW, State.OPEN), (GOOD, State.CLOSED)], ids=["all slow", "half of them"]
)
def test_slow_probes_count_as_slow_calls_do(second: Outcome, state: State) -> None:
    breaker = _opened(slow_ratio=0.9)
    probes = [_permit(breaker, 10.0), _permit(breaker, 10.0)]
    breaker.report(probes[0], SLOW, 12.0)
    breaker.report(probes[1], second, 12.0)

    assert _state(breaker) is state


def test_a_probe_that_says_nothing_gives_its_place_to_another() -> None:
    breaker = _opened()
    first, _ = _permit(breaker, 10.0), _permit(breaker, 10.0)
    breaker.report(first, UNKNOWN, 10.1)

    assert breaker.admit(10.1) is not None
    assert breaker.admit(10.1) is None


def test_probes_that_are_lost_are_given_up() -> None:
    breaker = _opened()
    lost = [_permit(breaker, 10.0), _permit(breaker, 10.0)]
    assert breaker.admit(19.9) is None

    fresh = [_permit(breaker, 20.0), _permit(breaker, 20.0)]
    assert breaker.admit(20.0) is None
    for probe in lost:
        breaker.report(probe, FAILED, 21.0)
    for probe in fresh:
        breaker.report(probe, GOOD, 21.0)

    assert _state(breaker) is State.CLOSED


def test_a_late_success_of_an_old_probe_does_not_close_a_newer_open_state() -> None:
    breaker = _opened()
    early, failing = _permit(breaker, 10.0), _permit(breaker, 10.0)
    breaker.report(failing, FAILED, 11.0)

    breaker.report(early, GOOD, 12.0)
    assert _state(breaker) is State.OPEN
    newer = [_permit(breaker, 31.0), _permit(breaker, 31.0)]
    breaker.report(early, GOOD, 31.0)

    assert _state(breaker) is State.HALF_OPEN
    assert len(newer) == 2


def test_a_late_failure_from_before_it_opened_does_not_lengthen_it() -> None:
    breaker = _breaker()
    late = _permit(breaker, 0.0)
    for _ in range(4):
        _call(breaker, FAILED, 0.0)
    breaker.report(late, FAILED, 9.0)

    assert breaker.opens_in_s(9.0) == 1.0


def test_a_provider_says_how_long_it_wants_to_be_left_alone() -> None:
    breaker = _breaker()
    breaker.hold_open(7.0, 1.0)

    assert breaker.admit(6.9) is None
    assert breaker.admit(7.0) is not None
    assert _state(breaker) is State.HALF_OPEN


@pytest.mark.parametrize(
    ("until_s", "opens_in_s"),
    [
        pytest.param(5.0, 10.0, id="shorter than what is so already"),
        pytest.param(25.0, 25.0, id="longer"),
        pytest.param(1e9, 35.0, id="longer than anything may last"),
        pytest.param(-5.0, 10.0, id="in the past"),
    ],
)
def test_an_open_breaker_is_held_open_for_the_longer_time(until_s: float, opens_in_s: float) -> None:
    breaker = _opened()
    breaker.hold_open(until_s, 0.0)

    assert breaker.opens_in_s(0.0) == opens_in_s


def test_isolation_ends_by_release_alone() -> None:
    breaker = _breaker()
    before = _permit(breaker, 0.0)
    breaker.isolate()
    breaker.isolate()

    breaker.report(before, GOOD, 0.0)
    breaker.hold_open(5.0, 0.0)
    assert breaker.admit(1e9) is None
    assert breaker.opens_in_s(1e9) is None
    breaker.release()
    assert _state(breaker) is State.CLOSED
    breaker.release()
    assert breaker.admit(0.0) is not None


def test_jitter_lengthens_and_never_beyond_the_bound() -> None:
    breaker = Breaker(SETTINGS, lambda: 0.5)
    for _ in range(4):
        _call(breaker, FAILED, 0.0)
    assert breaker.opens_in_s(0.0) == pytest.approx(10.5)

    now_s = 10.5
    for longer_s in (21.0, 35.0):
        breaker.report(_permit(breaker, now_s), FAILED, now_s)
        assert breaker.opens_in_s(now_s) == pytest.approx(longer_s)
        now_s += longer_s


def test_of_a_hundred_racing_tasks_exactly_n_are_probes() -> None:
    breaker = _opened(probes=7)

    async def race() -> int:
        start = asyncio.Event()

        async def one(number: int) -> bool:
            await start.wait()
            await asyncio.sleep(number % 5 * 0.001)
            permit = breaker.admit(10.0)
            if permit is None:
                return False
            await asyncio.sleep(1.0)
            breaker.report(permit, GOOD, 11.0)
            return True

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(number)) for number in range(100)]
            start.set()
        return sum(task.result() for task in tasks)

    assert run_virtual(race()) == 7
    assert _state(breaker) is State.CLOSED
