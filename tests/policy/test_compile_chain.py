"""Compiling what a route says of failures, and a worker's capacity."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.concurrency.settings import AdmissionSettings, ConcurrencySettings
from seawall.guards.degraded.settings import DegradedSettings
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.guards.killswitch.settings import KillSettings
from seawall.guards.retry.settings import RetrySettings
from seawall.policy.compile import Compiled, compile_text
from seawall.policy.plan import CompiledPolicy

Compile = Callable[..., Compiled]

KEYS: Final = {"ANTHROPIC_API_KEY": "canary-for-anthropic-1", "OPENAI_API_KEY": "canary-for-openai-2"}
CHAIN: Final = """
providers:
  openai: {concurrency: {most: 50, adaptive: false}}
routes:
  /a:
    model: claude-opus-5-5
    fallback:
      - {model: gpt-6-luna, enabled: "env:FLAG", max_tokens: 10, temperature: 1.5, retries: 0, idle_timeout_ms: 99999}
      - {model: gpt-6-sol, enabled: false}
      - claude-opus-4-6
    timeout_ms: 9000
    retries: 1
    max_attempts: 3
    on_broken_stream: continue
    strict_translation: true
    breaker: {failure_ratio: 0.3, slow_ms: 1500}
    degraded: {message: Later., cached_s: 60, model: claude-haiku-5-5}
overload: {max_in_flight: 20, shares: {analysis: 0.5}}
killswitch: {in_flight: cut}
idempotency: {keep_hours: 0.5, max_answer_mb: 1}
"""


def _policy(text: str, environment: Mapping[str, str] = KEYS) -> CompiledPolicy:
    return compile_text(text, environment=environment, today=date(2026, 11, 21))


def test_a_chain_has_a_leg_for_each_model_that_is_switched_on() -> None:
    off, on = (_policy(CHAIN, {**KEYS, "FLAG": flag}).plans["/a"] for flag in ("0", "1"))

    assert [target.model for target in off.targets] == ["claude-opus-5-5", "claude-opus-4-6", "claude-haiku-5-5"]
    assert [target.model for target in on.targets][1] == "gpt-6-luna"
    assert [leg.is_degraded for leg in on.legs] == [False, False, False, True]
    assert [leg.settings == on.own for leg in on.legs] == [True, False, True, True]


def test_a_leg_says_some_things_for_itself() -> None:
    plan = _policy(CHAIN, {**KEYS, "FLAG": "1"}).plans["/a"]

    leg = plan.legs[1].settings
    assert (leg.tokens.max_tokens, leg.sampling.temperature, leg.retry.retries) == (10, 1.5, 0)
    assert (leg.timeouts.idle_s, leg.timeouts.first_token_s) == (9, 9)
    assert leg.retry.max_attempts == plan.own.retry.max_attempts == 3
    assert plan.own.breaker == BreakerSettings(failure_ratio=0.3, slow_s=1.5)
    assert leg.breaker == plan.own.breaker


def test_what_happens_on_a_failure_is_in_the_plan() -> None:
    plan = _policy(CHAIN, KEYS).plans["/a"]

    assert plan.degraded == DegradedSettings("Later.", 60)
    assert (plan.continues, plan.is_strict) == (True, True)


def test_what_holds_for_a_worker_is_in_the_policy() -> None:
    policy = _policy(CHAIN, KEYS)

    assert policy.admission == AdmissionSettings(20, {"interactive": 1.0, "automation": 0.85, "analysis": 0.5})
    assert dict(policy.concurrency) == {"openai": ConcurrencySettings(50, 8, 50, is_adaptive=False)}
    assert policy.kill == KillSettings("cut")
    assert policy.idempotency == IdempotencySettings(1800, 1024 * 1024)


def test_without_a_word_the_guards_have_their_own_defaults() -> None:
    policy = _policy("routes: {/a: {}}")
    plan = policy.plans["/a"]

    assert (plan.own.breaker, plan.own.retry) == (BreakerSettings(), RetrySettings())
    assert (plan.degraded, plan.continues, plan.is_strict) == (DegradedSettings(), False, False)
    assert (policy.admission, dict(policy.concurrency)) == (AdmissionSettings(), {})
    assert (policy.kill, policy.idempotency) == (KillSettings(), IdempotencySettings())


def test_a_flag_that_is_neither_on_nor_off_is_a_fault_at_its_entry(compiled: Compile) -> None:
    (fault,) = compiled(CHAIN, {**KEYS, "FLAG": "perhaps"}).faults

    assert fault.path == ("routes", "/a", "fallback", 0, "enabled")
    assert "perhaps" not in fault.sentence


def test_what_is_switched_off_is_told(compiled: Compile) -> None:
    assert compiled(CHAIN).off == {("routes", "/a", "fallback", 0), ("routes", "/a", "fallback", 1)}
