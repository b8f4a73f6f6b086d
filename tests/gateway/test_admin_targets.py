import asyncio

import pytest

from seawall.gateway.admin_targets import TargetState, target_states, targets_table
from seawall.guards.breaker.register import way_of
from seawall.guards.breaker.rule import Outcome
from seawall.guards.breaker.settings import BreakerSettings
from tests.assembly.conftest import Home
from tests.scene import target

SETTINGS = BreakerSettings(min_calls=2, open_s=20.0)
WAY = way_of(SETTINGS)


@pytest.fixture
def home() -> Home:
    return Home()


async def test_targets_stand_with_their_breaker_and_their_limit(home: Home) -> None:
    house, now_s = home.house, asyncio.get_running_loop().time()
    good, bad = target(model="good"), target(model="bad")
    house.breakers.of(good.name, SETTINGS, WAY)
    broken = house.breakers.of(bad.name, SETTINGS, WAY)
    for _ in range(2):
        permit = broken.admit(now_s)
        assert permit is not None
        broken.report(permit, Outcome.FAILED, now_s)
    house.limits.of(good).enter("interactive")

    states = {state.target: state for state in target_states(house, now_s)}

    assert list(states) == [bad.name, good.name]
    assert (states[bad.name].state, states[bad.name].limit) == ("open", None)
    assert 0 < (states[bad.name].opens_in_s or 0) <= 20.0 * 1.1
    assert (states[good.name].state, states[good.name].in_flight, states[good.name].limit) == ("closed", 1, 100)


async def test_an_isolated_target_that_was_never_called_is_shown(home: Home) -> None:
    house = home.house
    house.breakers.isolate("p/m", 1.0)

    assert target_states(house, 0.0) == [TargetState("p/m", "isolated", None, 0, 0, 0)]


def test_nothing_is_shown_before_the_first_call() -> None:
    assert targets_table([]) == ""


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        pytest.param(TargetState("p/m", "closed", 0.0, 3, 1, 0, 2, 100), "<td>closed</td>", id="closed"),
        pytest.param(TargetState("p/m", "open", 11.6, 0, 0, 0), "<strong>open</strong>, 12 s more", id="open"),
        pytest.param(TargetState("p/m", "half_open", 0.0, 0, 0, 0), "<strong>half open</strong>", id="half open"),
        pytest.param(TargetState("p/m", "isolated", None, 0, 0, 0), "<strong>isolated</strong>", id="isolated"),
        pytest.param(TargetState("p/<m>", "closed", 0.0, 0, 0, 0), "p/&lt;m&gt;", id="a hostile name"),
        pytest.param(
            TargetState("p/m", "closed", 0.0, 3, 1, 0, 2, 100),
            "<td>2 of 100</td><td>3</td><td>1</td><td>0</td>",
            id="numbers",
        ),
    ],
)
def test_a_row_says_how_its_target_stands(state: TargetState, shown: str) -> None:
    assert shown in targets_table([state])
