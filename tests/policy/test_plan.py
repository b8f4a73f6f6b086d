from dataclasses import replace

from seawall.core.target import Timeouts
from seawall.guards.tokens.settings import TokenSettings
from seawall.policy.plan import Leg
from tests.assembly.conftest import plan
from tests.scene import TIMEOUTS, target


def test_a_plan_names_its_targets_in_the_order_in_which_they_are_tried() -> None:
    first, second = target(model="first"), target("openai", "second")

    assert plan("/ai/chat", first, second).targets == (first, second)
    assert plan("/ai/chat").targets == ()


def test_the_first_leg_speaks_for_the_route() -> None:
    made = plan("/ai/chat", target())
    own = replace(made.own, tokens=TokenSettings(7), timeouts=Timeouts(1.0, 1.0, 1.0, 1.0))
    chained = replace(made, legs=(Leg(target(), own), *made.legs))

    assert (chained.tokens, chained.timeouts) == (TokenSettings(7), Timeouts(1.0, 1.0, 1.0, 1.0))


def test_without_legs_the_routes_own_settings_hold() -> None:
    assert plan("/ai/chat").timeouts == TIMEOUTS
    assert plan("/ai/chat").tokens == TokenSettings(1000)
