from seawall.core.target import Timeouts
from seawall.guards.breaker.settings import BreakerSettings
from seawall.policy.document import FallbackDocument, PolicyDocument
from seawall.policy.effective import effective
from seawall.policy.leg import leg_settings, own_settings
from seawall.policy.plan import LegSettings


def _route(route: object, profiles: object = None) -> LegSettings:
    document = PolicyDocument.model_validate({"routes": {"/a": route}, "profiles": profiles or {}})
    return leg_settings(effective(document, "/a"))


def test_every_wait_is_in_seconds() -> None:
    leg = _route({"timeout_ms": 9000, "answer_timeout_ms": 2500, "idle_timeout_ms": 99_999})

    assert leg.timeouts == Timeouts(total_s=9, connect_s=5, first_token_s=9, idle_s=9, answer_s=2.5)


def test_a_fallback_that_says_nothing_is_asked_as_the_route_is() -> None:
    leg = _route({"temperature": 0.5})

    assert own_settings(leg, FallbackDocument.model_validate({"model": "m"})) == leg


def test_zero_is_said_too() -> None:
    leg = own_settings(
        _route({"temperature": 0.5, "retries": 3}),
        FallbackDocument.model_validate({"model": "m", "temperature": 0, "retries": 0, "top_p": 0.5}),
    )

    assert (leg.sampling.temperature, leg.sampling.top_p, leg.retry.retries) == (0, 0.5, 0)


def test_a_wait_of_its_own_ends_with_the_total() -> None:
    said = {"model": "m", "connect_timeout_ms": 10, "first_token_timeout_ms": 5000, "answer_timeout_ms": 5000}

    leg = own_settings(_route({"timeout_ms": 4000}), FallbackDocument.model_validate(said))

    assert leg.timeouts == Timeouts(total_s=4, connect_s=0.01, first_token_s=4, idle_s=4, answer_s=4)


def test_a_breaker_takes_each_key_from_the_nearest_that_says_it() -> None:
    profiles = {"p": {"breaker": {"open_s": 5, "min_calls": 7}}}

    leg = _route({"profile": "p", "breaker": {"open_s": 2, "slow_ms": 1500}}, profiles)

    assert leg.breaker == BreakerSettings(open_s=2, min_calls=7, slow_s=1.5)


def test_a_breaker_is_never_open_for_longer_at_first_than_at_last() -> None:
    assert _route({"breaker": {"open_s": 900}}).breaker.longest_open_s == 900
