"""How a target is asked: what holds for its route, and what it says for itself."""

from dataclasses import replace

from seawall.core.target import Timeouts
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.retry.settings import RetrySettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.policy.document import BreakerDocument, FallbackDocument
from seawall.policy.effective import Effective
from seawall.policy.plan import LegSettings


def leg_settings(settings: Effective) -> LegSettings:
    """Give what holds for a route's targets."""
    return LegSettings(
        timeouts=Timeouts(
            total_s=settings.timeout_ms / 1000,
            connect_s=settings.connect_timeout_ms / 1000,
            first_token_s=settings.first_token_timeout_ms / 1000,
            idle_s=settings.idle_timeout_ms / 1000,
            answer_s=None if settings.answer_timeout_ms is None else settings.answer_timeout_ms / 1000,
        ),
        tokens=TokenSettings(settings.max_tokens, settings.max_tokens_above == "refuse", settings.max_input_tokens),
        sampling=SamplingSettings(settings.temperature, settings.top_p, settings.enforce_json),
        retry=RetrySettings(settings.retries, settings.max_attempts),
        breaker=_breaker(settings.breaker),
    )


def own_settings(route: LegSettings, said: FallbackDocument) -> LegSettings:
    """Give what holds for a target that says something for itself. A wait longer than the total is cut to it."""
    waits = {
        "connect_s": said.connect_timeout_ms,
        "first_token_s": said.first_token_timeout_ms,
        "idle_s": said.idle_timeout_ms,
        "answer_s": said.answer_timeout_ms,
    }
    total_s = route.timeouts.total_s
    return replace(
        route,
        timeouts=replace(
            route.timeouts, **{name: min(wait / 1000, total_s) for name, wait in waits.items() if wait is not None}
        ),
        tokens=replace(route.tokens, max_tokens=said.max_tokens or route.tokens.max_tokens),
        sampling=replace(
            route.sampling,
            temperature=route.sampling.temperature if said.temperature is None else said.temperature,
            top_p=route.sampling.top_p if said.top_p is None else said.top_p,
        ),
        retry=replace(route.retry, retries=route.retry.retries if said.retries is None else said.retries),
    )


def _breaker(said: BreakerDocument) -> BreakerSettings:
    slow_s = None if said.slow_ms is None else said.slow_ms / 1000
    breaker = BreakerSettings(**said.model_dump(exclude={"slow_ms"}, exclude_none=True), slow_s=slow_s)
    return replace(breaker, longest_open_s=max(breaker.longest_open_s, breaker.open_s))
