"""Turn a compiled policy into running pipelines."""

from collections.abc import Mapping
from dataclasses import dataclass

from seawall.assembly.order import ORDER
from seawall.core.target import Provider
from seawall.guards.access.guard import AccessGuard
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.journal import JournalGuard
from seawall.guards.meter import MeterGuard
from seawall.guards.route import RouteGuard, RouteSettings
from seawall.guards.sampling.guard import SamplingGuard
from seawall.guards.tokens.guard import TokensGuard
from seawall.pipeline.dispatch import Dispatch, Outlet
from seawall.pipeline.exchange import CallNext, Guard, compose
from seawall.policy.plan import CompiledPolicy, Plan


@dataclass(frozen=True, slots=True)
class House:
    """What all pipelines of a process share; it outlives every policy."""

    journal: JournalGuard
    outlet: Outlet


def build_routes(policy: CompiledPolicy, house: House) -> Mapping[str, CallNext]:
    """Build one pipeline a route, without its journal, which stands around them all."""
    speakers: dict[str, Provider] = {}
    for provider in policy.providers.values():
        speakers.setdefault(provider.dialect, provider)
    return {route: _pipeline(plan, policy, speakers, house) for route, plan in policy.plans.items()}


def _pipeline(plan: Plan, policy: CompiledPolicy, speakers: dict[str, Provider], house: House) -> CallNext:
    target = plan.targets[0] if plan.targets else None
    rooms: dict[str, Guard] = {
        "access": AccessGuard(),
        "deadline": DeadlineGuard(plan.timeouts.total_s),
        "intake": IntakeGuard(policy.body_limit, plan.traffic_class),
        "route": RouteGuard(RouteSettings(target, policy.resolve, speakers, plan.streaming)),
        "tokens": TokensGuard(plan.tokens),
        "sampling": SamplingGuard(plan.own.sampling),
        "meter": MeterGuard(),
    }
    guards = tuple(rooms[name] for name in ORDER if name != "journal")
    return compose(guards, Dispatch(house.outlet, plan.timeouts, plan.hold_back_s))
