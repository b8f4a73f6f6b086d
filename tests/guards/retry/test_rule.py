import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.remedy import NOTHING, Remedy
from seawall.guards.retry.rule import (
    HOPELESS,
    NO_ATTEMPTS,
    NO_PATIENCE,
    NO_TIME,
    PATIENCE_S,
    Decision,
    Failure,
    Wait,
    decide,
    may_repeat,
)
from seawall.guards.retry.settings import RetrySettings

SETTINGS = RetrySettings(retries=3, max_attempts=4)
BROKEN = Remedy(again=True, elsewhere=True, is_outage=True)
THROTTLED = Remedy(again=True, elsewhere=True, is_outage=True, is_throttle=True)


def _failure(remedy: Remedy = BROKEN, **more: Any) -> Failure:  # Failure's own fields
    facts = {"retry": 0, "attempts_left": 3, "legs_left": 0, "left_s": 60.0, "demanded_s": None, "draw": 0.5}
    return Failure(remedy, **{**facts, **more})


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        pytest.param(_failure(), Wait(0.025), id="half of the first ceiling"),
        pytest.param(_failure(retry=1), Wait(0.05), id="the ceiling doubles"),
        pytest.param(_failure(retry=2), Wait(0.1), id="and doubles again"),
        pytest.param(_failure(THROTTLED), Wait(0.5), id="too much waits longer than broken"),
        pytest.param(_failure(draw=0.0), Wait(0.0), id="the jitter is full: it may be nothing"),
        pytest.param(_failure(NOTHING), HOPELESS, id="nothing helps"),
        pytest.param(_failure(Remedy(elsewhere=True)), HOPELESS, id="only another target helps"),
        pytest.param(_failure(retry=3), NO_ATTEMPTS, id="as often as the policy says"),
        pytest.param(_failure(attempts_left=0), NO_ATTEMPTS, id="the call has no attempt left"),
        pytest.param(_failure(attempts_left=1, legs_left=1), NO_ATTEMPTS, id="the last attempt is another target's"),
        pytest.param(_failure(attempts_left=2, legs_left=1), Wait(0.025), id="one for the other target, one for this"),
        pytest.param(_failure(left_s=0.02), NO_TIME, id="the deadline comes first"),
        pytest.param(_failure(left_s=0.025), NO_TIME, id="a wait to the deadline leaves no time"),
        pytest.param(_failure(THROTTLED, legs_left=1), Wait(PATIENCE_S / 2), id="less patience with another target"),
        pytest.param(_failure(legs_left=1, took_s=0.51), NO_PATIENCE, id="it took too long to fail"),
        pytest.param(_failure(legs_left=1, took_s=0.5), Wait(0.025), id="it failed soon enough"),
        pytest.param(_failure(took_s=30.0), Wait(0.025), id="who else is there to ask"),
    ],
)
def test_a_failure_is_decided(failure: Failure, expected: Decision) -> None:
    assert decide(SETTINGS, failure) == expected


@pytest.mark.parametrize(
    ("demanded_s", "legs_left", "left_s", "expected"),
    [
        pytest.param(7.0, 0, 60.0, Wait(7.025), id="waited in full, the jitter on top"),
        pytest.param(7.0, 0, 7.0, NO_TIME, id="as long as the deadline allows"),
        pytest.param(59.0, 0, 60.0, Wait(59.025), id="nearly all the time there is"),
        pytest.param(1e9, 0, 60.0, NO_TIME, id="a billion seconds"),
        pytest.param(1e9, 0, math.inf, Wait(1e9 + 0.025), id="without a deadline there is no end"),
        pytest.param(0.3, 1, 60.0, Wait(0.325), id="short enough to stay"),
        pytest.param(0.6, 1, 60.0, NO_PATIENCE, id="another target is quicker"),
    ],
)
def test_a_demand_is_waited_or_left_alone(demanded_s: float, legs_left: int, left_s: float, expected: Decision) -> None:
    assert decide(SETTINGS, _failure(demanded_s=demanded_s, legs_left=legs_left, left_s=left_s)) == expected


FAILURES = st.builds(
    Failure,
    remedy=st.sampled_from([BROKEN, THROTTLED, NOTHING]),
    retry=st.integers(0, 10_000),
    attempts_left=st.integers(-2, 6),
    legs_left=st.integers(0, 4),
    left_s=st.floats(-5, 1e6),
    demanded_s=st.none() | st.floats(0, 1e12, exclude_min=True),
    draw=st.floats(0, 1, exclude_max=True),
    took_s=st.floats(0, 1e6),
)


@given(settings=st.builds(RetrySettings, retries=st.integers(0, 10_000)), failure=FAILURES)
def test_no_wait_goes_beyond_the_deadline_or_what_is_demanded_and_allowed(
    settings: RetrySettings, failure: Failure
) -> None:
    decision = decide(settings, failure)

    if isinstance(decision, Wait):
        assert 0 <= decision.for_s < failure.left_s
        assert (failure.demanded_s or 0) <= decision.for_s <= (failure.demanded_s or 0) + settings.longest_s
        assert failure.attempts_left > failure.legs_left
        assert failure.retry < settings.retries


def _distance(draws: Sequence[float]) -> float:
    """Give the Kolmogorov-Smirnov distance from the uniform distribution on [0, 1]."""
    ordered, n = sorted(draws), len(draws)
    return max(max((i + 1) / n - x, x - i / n) for i, x in enumerate(ordered))


@pytest.mark.parametrize(("retry", "ceiling_s"), [(0, 0.05), (3, 0.4), (29, 8.0), (10_000, 8.0)])
def test_jitter_is_uniform_up_to_its_ceiling(retry: int, ceiling_s: float) -> None:
    random, n = Random(20_261_121), 10_000  # noqa: S311  # a fair die, no secret
    settings = RetrySettings(retries=1_000_000)
    waits = [decide(settings, _failure(retry=retry, draw=random.random())) for _ in range(n)]

    # 1.63 / sqrt(n) is the critical distance at one per cent.
    assert _distance([wait.for_s / ceiling_s for wait in waits if isinstance(wait, Wait)]) < 1.63 / math.sqrt(n)
    assert all(isinstance(wait, Wait) for wait in waits)


@pytest.mark.parametrize(
    ("demanded_s", "expected"), [(None, False), (5.0, True), (120.0, True), (120.5, False)], ids=str
)
def test_clients_may_only_repeat_after_a_wait_that_they_obey(demanded_s: float | None, expected: bool) -> None:
    assert may_repeat(demanded_s) is expected
