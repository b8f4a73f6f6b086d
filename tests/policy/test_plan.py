from dataclasses import replace

from seawall.policy.plan import Leg
from tests.assembly.conftest import plan
from tests.scene import target


def test_targets_stand_in_the_order_in_which_they_are_tried() -> None:
    first, second = target("anthropic", "claude-haiku-4-5"), target("openai", "gpt-4o-mini")

    assert plan("/ai/chat", first, second).targets == (first, second)


def test_a_routes_settings_are_those_of_its_first_target() -> None:
    made = plan("/ai/chat", target())
    settings = made.legs[0].settings
    timeouts = replace(settings.timeouts, total_s=1.5)
    tokens = replace(settings.tokens, max_tokens=7)

    chain = replace(made, legs=(Leg(target(), replace(settings, timeouts=timeouts, tokens=tokens)), *made.legs))

    assert (chain.timeouts, chain.tokens) == (timeouts, tokens)


def test_without_a_model_of_its_own_a_route_has_its_own_settings() -> None:
    made = plan("/ai/open")

    assert (made.targets, made.timeouts, made.tokens) == ((), made.own.timeouts, made.own.tokens)
