"""A house around compiled policies: the journal and the provider are scripted, everything between is real."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seawall.assembly.build import House
from seawall.assembly.entry import Entry
from seawall.core.principal import Principal
from seawall.core.target import Provider, Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.retry.settings import RetrySettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy, Leg, LegSettings, Plan
from seawall.policy.plan import JournalSettings as Retention
from seawall.ports.keys import Keys
from seawall.testing.scripted_upstream import ScriptedUpstream
from tests.scene import TIMEOUTS, Call, Ended, Records, Scene, provider, read_whole, target

GUEST = Principal("guest")
OWN = frozenset(LegSettings.__dataclass_fields__)
ENDPOINTS = (MESSAGES, COUNT_TOKENS, CHAT, EMBEDDINGS, MODELS)


def plan(route: str, *targets: Target, **more: Any) -> Plan:  # fields of Plan and of LegSettings
    """Make a plan whose targets all have the same settings."""
    own = LegSettings(TIMEOUTS, TokenSettings(1000), SamplingSettings(), RetrySettings(0), BreakerSettings())
    own = replace(own, **{name: more.pop(name) for name in tuple(more) if name in OWN})
    said = {"traffic_class": "interactive", "profile": "interactive", "streaming": True, "hold_back_s": 1.0}
    return Plan(route=route, legs=tuple(Leg(target, own) for target in targets), own=own, **{**said, **more})


def policy(*plans: Plan, version: str = "v1", **more: Any) -> CompiledPolicy:  # CompiledPolicy's own fields
    providers: Mapping[str, Provider] = {"a": provider("anthropic"), "o": provider("openai")}
    said: dict[str, Any] = {"journal": Retention(30, 7), "body_limit": 1 << 20, "resolve": _resolve}
    return CompiledPolicy(
        version=version,
        source="policy.yaml",
        plans={plan.route: plan for plan in plans},
        providers=providers,
        **{**said, **more},
    )


def _resolve(model: str) -> Target:
    return target("openai" if model.startswith("gpt") else "anthropic", model)


@dataclass
class Home:
    """What outlives every policy, with its records and its provider at hand."""

    upstream: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    records: Records = field(default_factory=Records)

    @property
    def house(self) -> House:
        """The house itself."""
        journal = JournalGuard(self.records, JournalSettings(str, str))
        return House(journal, Scene(upstream=self.upstream).outlet())

    def entry(self, policy: CompiledPolicy, keys: Keys | None = None) -> Entry:
        """Make an entry for a policy."""
        return Entry(policy, self.house, keys, GUEST)


async def enter(entry: Entry, call: Call) -> Ended:
    """Make a call through an entry, to the end of its stream."""
    exchange = call.exchange(Kennel(asyncio.get_running_loop()))
    exchange.principal = None
    ended = Ended(exchange)
    try:
        ended.reply = await entry.call(exchange)
        if ended.reply.stream is not None:
            await read_whole(ended.reply.stream, ended.written)
    except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
        ended.error = error
    finally:
        exchange.watchdog.close()
    return ended
