"""Turn a compiled policy into running pipelines."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.assembly.clock import SystemClock
from seawall.assembly.language import LANGUAGES
from seawall.assembly.order import ORDER
from seawall.core.target import Provider
from seawall.guards.access.guard import AccessGuard
from seawall.guards.breaker.guard import BreakerGuard
from seawall.guards.breaker.register import Breakers
from seawall.guards.budget.accounts import PER_ATTEMPT, PER_CALL, Accounts
from seawall.guards.budget.any_purse import AnyPurse
from seawall.guards.budget.calls import CallsGuard
from seawall.guards.budget.guard import BudgetGuard
from seawall.guards.concurrency.admission import AdmissionGuard, Admissions, LoopLag
from seawall.guards.concurrency.guard import ConcurrencyGuard
from seawall.guards.concurrency.register import TargetLimits
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.degraded.guard import DegradedGuard
from seawall.guards.degraded.store import LastGood
from seawall.guards.fallback.guard import ChainedLeg, ChainSettings, Fallback
from seawall.guards.hangup import drain_hang_ups
from seawall.guards.idempotency.guard import IdempotencyGuard
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.intake import IntakeGuard
from seawall.guards.journal import JournalGuard
from seawall.guards.killswitch.guard import KillSwitchGuard, LastLook
from seawall.guards.killswitch.running import Running
from seawall.guards.limits.any_till import AnyTill
from seawall.guards.limits.guard import LimitsGuard, Spot
from seawall.guards.meter import MeterGuard
from seawall.guards.retry.guard import RetryGuard
from seawall.guards.retry.quota import RetryQuotas
from seawall.guards.route import RouteGuard, RouteSettings
from seawall.guards.sampling.guard import SamplingGuard
from seawall.guards.tokens.guard import TokensGuard
from seawall.guards.translation.guard import TranslationGuard
from seawall.pipeline.dispatch import Dispatch, Outlet
from seawall.pipeline.exchange import CallNext, Guard, compose
from seawall.policy.plan import CompiledPolicy, LegSettings, Plan
from seawall.ports.switches import Switches
from seawall.stores.memory.switches import MemorySwitches

_FORK = ORDER.index("fallback")
_CALL = ORDER[1:_FORK]  # without the journal, which stands around all routes
_LEG = ORDER[_FORK + 1 :]
NOTHING_OFF = MemorySwitches(lambda: 0.0)


@dataclass(frozen=True, slots=True)
class House:
    """What all pipelines of a process share; it outlives every policy.

    `keys` None means that idempotency keys are passed over. Without `switches` nothing can be switched off. Without a
    `purse` no policy with budgets can be built, and without a `till` none with limits. `hash_person` gives what stands
    for a person's name in the names of accounts.
    """

    journal: JournalGuard
    outlet: Outlet
    switches: Switches = NOTHING_OFF
    keys: KeysInUse | None = None
    running: Running = field(default_factory=Running)
    breakers: Breakers = field(default_factory=Breakers)
    quotas: RetryQuotas = field(default_factory=RetryQuotas)
    limits: TargetLimits = field(default_factory=TargetLimits)
    last_good: LastGood = field(default_factory=lambda: LastGood(SystemClock()))
    admissions: Admissions = field(default_factory=lambda: Admissions(LoopLag()))
    draw: Callable[[], float] = random.random
    purse: AnyPurse | None = None
    till: AnyTill | None = None
    hash_person: Callable[[str], str] = str


class _Books(NamedTuple):
    """A policy's accounts, found for attempts and for calls; None where no budget counts them."""

    attempts: Accounts | None
    calls: Accounts | None


class _Ground(NamedTuple):
    """What all routes of a policy are built on."""

    policy: CompiledPolicy
    speakers: dict[str, Provider]
    house: House
    books: _Books


def build_routes(policy: CompiledPolicy, house: House) -> Mapping[str, CallNext]:
    """Build one pipeline a route, without its journal, which stands around them all."""
    house.limits.follow(policy.concurrency)
    books = _books(policy, house)
    speakers: dict[str, Provider] = {}
    for provider in policy.providers.values():
        speakers.setdefault(provider.dialect, provider)
    return {route: _pipeline(plan, _Ground(policy, speakers, house, books)) for route, plan in policy.plans.items()}


def _books(policy: CompiledPolicy, house: House) -> _Books:
    """Open the policy's accounts.

    Raises:
        RuntimeError: the policy has budgets or limits, and the house nothing to keep them with.
    """
    if policy.limits and house.till is None:
        raise RuntimeError("a policy with limits needs a till: what cannot be counted must not be let through")
    if not policy.budgets:
        return _Books(None, None)
    if house.purse is None:
        raise RuntimeError("a policy with budgets needs a purse: what cannot be booked must not be spent")
    counted = {budget.unit for budget in policy.budgets}
    attempts, calls = (
        Accounts(policy.budgets, house.purse.lease_of, house.hash_person, units) if units & counted else None
        for units in (PER_ATTEMPT, PER_CALL)
    )
    return _Books(attempts, calls)


def _pipeline(plan: Plan, ground: _Ground) -> CallNext:
    policy, speakers, house, books = ground
    target = plan.targets[0] if plan.targets else None
    rooms: dict[str, Guard] = {
        "access": AccessGuard(),
        "deadline": DeadlineGuard(plan.timeouts.total_s),
        "intake": IntakeGuard(policy.body_limit, plan.traffic_class),
        "killswitch": KillSwitchGuard(house.switches, policy.kill, house.running),
        "admission": AdmissionGuard(policy.admission, house.admissions),
        "route": RouteGuard(RouteSettings(target, policy.resolve, speakers, plan.streaming)),
    }
    if plan.degraded.message is not None or plan.degraded.cached_s is not None:
        rooms["degraded"] = DegradedGuard(plan.degraded, house.last_good, LANGUAGES.forms)
    if house.keys is not None:
        rooms["idempotency"] = IdempotencyGuard(policy.idempotency, house.keys)
    if plan.drains:
        rooms["hangup"] = drain_hang_ups
    if books.calls is not None and house.purse is not None:
        rooms["calls"] = CallsGuard(books.calls, house.purse)
    if policy.limits and house.till is not None:
        rooms["limits"] = LimitsGuard(
            policy.limits, house.till, house.hash_person, Spot(plan.tokens.max_tokens, target)
        )
    own = _leg(plan, plan.own, ground)
    chain = [
        ChainedLeg(leg.target, own if leg.settings == plan.own else _leg(plan, leg.settings, ground), leg.is_degraded)
        for leg in plan.legs
    ]
    fallback = Fallback(chain, own, ChainSettings(plan.own.retry.max_attempts, plan.continues, LANGUAGES.forms))
    return compose(tuple(rooms[name] for name in _CALL if name in rooms), fallback)


def _leg(plan: Plan, settings: LegSettings, ground: _Ground) -> CallNext:
    """Build what leads to a target, from its translation to its dispatch."""
    house = ground.house
    rooms: dict[str, Guard] = {
        "translation": TranslationGuard(LANGUAGES, is_strict=plan.is_strict),
        "tokens": TokensGuard(settings.tokens),
        "sampling": SamplingGuard(settings.sampling),
        "retry": RetryGuard(settings.retry, house.quotas, house.draw),
        "lastlook": LastLook(house.switches),
        "breaker": BreakerGuard(settings.breaker, house.breakers),
        "concurrency": ConcurrencyGuard(house.limits),
        "budget": BudgetGuard(plan.budget, ground.books.attempts, house.purse),
        "meter": MeterGuard(),
    }
    guards = tuple(rooms[name] for name in _LEG if name in rooms)
    return compose(guards, Dispatch(house.outlet, settings.timeouts, plan.hold_back_s))
