"""Which policy a run has, who calls when, and what the operator does: all written down before the run begins."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from seawall.core.error import NotFound
from seawall.core.principal import Principal
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.core.target import Origin, Provider, Target, Timeouts
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.concurrency.settings import AdmissionSettings, ConcurrencySettings
from seawall.guards.degraded.settings import DegradedSettings
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.guards.killswitch.settings import KillSettings
from seawall.guards.retry.settings import RetrySettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.policy.plan import CompiledPolicy, JournalSettings, Leg, LegSettings, Plan
from tests.laws.chance import Chance
from tests.scene import PRICE

LENGTH_S: Final = 4.0  # in which calls begin
MESSAGE: Final = "nobody can answer just now"
TEAMS: Final = ("red", "blue")
FEATURES: Final = ("search", "chat")
CLASSES: Final = ("interactive", "automation", "analysis")
KEYS: Final = {f"sk-{n}".encode(): Principal(f"key_{n}", team=TEAMS[n % 2]) for n in range(3)}


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a client, and how the client behaves. `leaves_after_s` None stays to the end."""

    number: int
    at_s: float
    endpoint: str
    route: str
    is_stream: bool
    body: bytes
    headers: Mapping[bytes, bytes]
    wants_usage: bool = False
    leaves_after_s: float | None = None
    reads_every_s: float = 0.0
    body_after_s: float = 0.0

    @property
    def key(self) -> bytes:
        """The idempotency key, or nothing."""
        return self.headers.get(b"idempotency-key", b"")


@dataclass(frozen=True, slots=True)
class Deed:
    """What the operator does at a moment: the switches that are thrown from then on."""

    at_s: float
    switches: tuple[Switch, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that is decided before the first call."""

    policy: CompiledPolicy
    workers: int
    calls: tuple[Call, ...]
    deeds: tuple[Deed, ...]
    crashes: tuple[tuple[float, int, float], ...]  # when, which worker, for how long
    isolations: tuple[tuple[float, str, bool], ...] = field(default=())


def write_scenario(seed: int) -> Scenario:
    """Draw a scenario."""
    chance = Chance(seed, "scenario")
    plans = [_plan(f"/r{n}", chance) for n in range(chance.count(1, 2))]
    policy = _policy(plans, chance)
    workers = chance.count(1, 3)
    crashes = [
        (chance.between(0.2, LENGTH_S), chance.count(0, workers - 1), chance.between(0.05, 1.5))
        for _ in range(chance.count(0, 2) if chance.happens(0.5) else 0)
    ]
    return Scenario(
        policy,
        workers,
        _calls(tuple(policy.plans.values()), Chance(seed, "calls")),
        _deeds(policy, Chance(seed, "operator")),
        tuple(sorted(crashes)),
        _isolations(policy, Chance(seed, "isolations")),
    )


def _providers() -> dict[str, Provider]:
    return {
        name: Provider(name, dialect, Origin("https", f"{name}.test", 443), "/v1", None)
        for name, dialect in (("a1", "anthropic"), ("a2", "anthropic"), ("o1", "openai"), ("o2", "openai"))
    }


def _plan(route: str, chance: Chance) -> Plan:
    pool = [Target(provider, f"{provider.name}-{size}", PRICE) for provider in _providers().values() for size in "sl"]
    attempts, timeouts = chance.count(1, 4), _timeouts(chance)
    targets = [pool.pop(chance.count(0, len(pool) - 1)) for _ in range(chance.count(1, 3))]
    own = _settings(chance, timeouts, attempts)
    legs = [Leg(targets[0], own)] + [
        Leg(target, own if chance.happens(0.5) else _settings(chance, timeouts, attempts)) for target in targets[1:]
    ]
    if len(legs) > 1 and chance.happens(0.2):
        legs[-1] = Leg(legs[-1].target, legs[-1].settings, is_degraded=True)
    degraded = DegradedSettings(
        MESSAGE if chance.happens(0.5) else None, chance.pick((None, 1.0, 60.0)) if chance.happens(0.5) else None
    )
    return Plan(
        route=route,
        traffic_class=chance.pick(CLASSES),
        profile="interactive",
        legs=tuple(legs),
        own=own,
        streaming=True,
        hold_back_s=chance.pick((0.0, 0.1, 0.5)),
        degraded=degraded if chance.happens(0.4) else DegradedSettings(),
        continues=chance.happens(0.4),
    )


def _timeouts(chance: Chance) -> Timeouts:
    return Timeouts(
        total_s=chance.between(0.6, 3.0),
        connect_s=0.5,
        first_token_s=chance.between(0.2, 1.0),
        idle_s=chance.between(0.2, 0.8),
        answer_s=chance.pick((None, 0.5, 1.0)),
    )


def _settings(chance: Chance, timeouts: Timeouts, attempts: int) -> LegSettings:
    breaker = BreakerSettings(
        failure_ratio=chance.pick((0.3, 0.5, 1.0)),
        slow_ratio=chance.pick((0.5, 0.9)),
        slow_s=chance.pick((None, 0.2)),
        min_calls=chance.count(1, 5),
        window_s=chance.pick((1.0, 5.0)),
        open_s=chance.between(0.2, 1.5),
        longest_open_s=3.0,
        probes=chance.count(1, 2),
    )
    retry = RetrySettings(chance.count(0, 3), attempts, throttle_base_s=chance.pick((0.1, 1.0)))
    return LegSettings(timeouts, TokenSettings(1000), SamplingSettings(), retry, breaker)


def _policy(plans: list[Plan], chance: Chance) -> CompiledPolicy:
    def resolve(model: str) -> Target:
        raise NotFound(f"no provider has {model}")

    tight = ConcurrencySettings(first=2, least=1, most=4) if chance.happens(0.5) else ConcurrencySettings()
    return CompiledPolicy(
        version="simulated",
        source="policy.yaml",
        plans={plan.route: plan for plan in plans},
        providers=_providers(),
        journal=JournalSettings(30, 7),
        body_limit=1 << 20,
        resolve=resolve,
        admission=AdmissionSettings(chance.pick((3, 6, 2000))),
        concurrency=dict.fromkeys(("a1", "o1"), tight),
        kill=KillSettings(chance.pick(("finish", "cut"))),
        idempotency=IdempotencySettings(86_400.0, chance.pick((300, 1 << 20))),
    )


def _calls(plans: tuple[Plan, ...], chance: Chance) -> tuple[Call, ...]:
    calls = list[Call]()
    most = chance.count(6, 20)
    while len(calls) < most:
        at_s = chance.between(0.0, LENGTH_S)
        first = _call(len(calls), at_s, plans, chance)
        calls.append(first)
        for _ in range(chance.count(1, 3) if first.key else 0):
            calls.append(_repeat(len(calls), first, chance))
    return tuple(sorted(calls, key=lambda call: (call.at_s, call.number)))


def _call(number: int, at_s: float, plans: tuple[Plan, ...], chance: Chance) -> Call:
    endpoint, is_stream = chance.pick(("messages", "chat", "messages", "chat", "responses")), chance.happens(0.6)
    headers = {b"x-api-key": chance.pick(tuple(KEYS)), b"x-call": b"%d" % number}
    if chance.happens(0.3):
        headers[b"x-seawall-class"] = chance.pick(CLASSES).encode()
    if chance.happens(0.3):
        headers[b"x-seawall-feature"] = chance.pick(FEATURES).encode()
    if chance.happens(0.3):
        headers[b"idempotency-key"] = b"once-%d" % number
    if chance.happens(0.02):
        headers[b"x-api-key"] = b"sk-nobody"
    # Few questions, so that the last good answer to one is asked for again.
    body: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": f"say {chance.count(0, 2)}"}]}
    if endpoint == "messages":
        body["max_tokens"] = 100
    elif endpoint == "responses":
        body = {"model": "any", "input": f"say {chance.count(0, 2)}"}
    if is_stream:
        body["stream"] = True
    wants_usage = is_stream and endpoint == "chat" and chance.happens(0.4)
    if wants_usage:
        body["stream_options"] = {"include_usage": True}
    return Call(
        number,
        at_s,
        endpoint,
        chance.pick(plans).route,
        is_stream,
        b"{nonsense" if chance.happens(0.02) else orjson.dumps(body),
        headers,
        wants_usage,
        chance.latency_s(0.3) if chance.happens(0.2) else None,
        chance.between(0.0, 0.4) if chance.happens(0.15) else 0.0,
        chance.between(0.0, 0.3) if chance.happens(0.05) else 0.0,
    )


def _repeat(number: int, first: Call, chance: Chance) -> Call:
    """Ask once more under the same key: at once, while it runs, or long afterwards; seldom for something else."""
    headers = {**first.headers, b"x-call": b"%d" % number}
    if chance.happens(0.1):
        headers[b"x-seawall-idempotency-rerun"] = b"true"
    body = first.body
    if chance.happens(0.1):
        body = body.replace(b'"say ', b'"tell ')
    return Call(
        number,
        first.at_s + chance.pick((0.0, chance.between(0.0, 0.5), chance.between(0.0, 4.0))),
        first.endpoint,
        first.route,
        first.is_stream,
        body,
        headers,
        first.wants_usage,
        chance.latency_s(0.3) if chance.happens(0.2) else None,
    )


def _deeds(policy: CompiledPolicy, chance: Chance) -> tuple[Deed, ...]:
    if chance.happens(0.5):
        return ()
    plan = chance.pick(tuple(policy.plans.values()))
    target = chance.pick(plan.targets)
    levels = (
        EVERYTHING,
        Level("provider", target.provider.name),
        Level("model", target.model),
        Level("model", target.name),
        Level("route", plan.route),
        Level("team", chance.pick(TEAMS)),
        Level("feature", chance.pick(FEATURES)),
        Level("key", "key_1"),
    )
    deeds, at_s = list[Deed](), chance.between(0.0, LENGTH_S / 2)
    for _ in range(chance.count(1, 2)):
        thrown = [Switch(chance.pick(levels), why="simulated") for _ in range(chance.count(1, 2))]
        deeds.append(Deed(at_s, tuple(thrown)))
        at_s += chance.between(0.1, 2.0)
        deeds.append(Deed(at_s, ()))
        at_s += chance.between(0.1, 1.0)
    return tuple(deeds)


def _isolations(policy: CompiledPolicy, chance: Chance) -> tuple[tuple[float, str, bool], ...]:
    if chance.happens(0.9):
        return ()
    name = chance.pick(chance.pick(tuple(policy.plans.values())).targets).name
    at_s = chance.between(0.0, LENGTH_S)
    return ((at_s, name, True), (at_s + chance.between(0.3, 1.5), name, False))
