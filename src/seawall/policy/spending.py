"""From what the document says of budgets and limits to the caps and rates in force; pure.

A cap is never rounded up. Where the same thing is capped twice, the smaller cap holds.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date
from typing import Final, NamedTuple, cast

from seawall.core.account import Unit
from seawall.core.holder import EACH, KINDS, Kind
from seawall.core.money import nusd_from_usd, usd_text
from seawall.core.rate import Rate
from seawall.core.window import Period
from seawall.guards.budget.settings import Budget
from seawall.guards.limits.settings import Limit
from seawall.policy.document import BudgetDocument, LimitDocument, PolicyDocument
from seawall.policy.document.zone import zone_of
from seawall.policy.fault import Fault, Path, Places
from seawall.policy.roster import Roster, Unclear
from seawall.policy.validate import did_you_mean

OWN_KEY: Final = "budget_per_day_usd"

# From the longest window to the shortest.
_MONEY: Final = {
    "usd": Period.LIFETIME,
    "per_month_usd": Period.MONTH,
    "per_day_usd": Period.DAY,
    "per_hour_usd": Period.HOUR,
    "per_minute_usd": Period.MINUTE,
}
_TOKENS: Final = {
    "tokens": Period.LIFETIME,
    "per_month_tokens": Period.MONTH,
    "per_day_tokens": Period.DAY,
    "per_hour_tokens": Period.HOUR,
}
_ORDER: Final = tuple(Period)


class StatedBudget(NamedTuple):
    """A cap, and where the document states it."""

    budget: Budget
    path: Path


class StatedLimit(NamedTuple):
    """A rate, and where the document states it."""

    limit: Limit
    path: Path


@dataclass(frozen=True, slots=True)
class Stated:
    """Everything that the document caps, from the root to the leaf; what names no model of the policy is left out."""

    budgets: tuple[StatedBudget, ...]
    limits: tuple[StatedLimit, ...]

    @property
    def budgets_in_force(self) -> tuple[Budget, ...]:
        """The budgets, each account's once."""
        chosen: dict[tuple[object, ...], Budget] = {}
        for budget, _ in self.budgets:
            first = chosen.get(sameness(budget))
            if first is None or budget.cap < first.cap:
                chosen[sameness(budget)] = budget
        return tuple(chosen.values())

    @property
    def limits_in_force(self) -> tuple[Limit, ...]:
        """The limits, each bucket's once."""
        chosen: dict[tuple[object, ...], Limit] = {}
        for limit, _ in self.limits:
            key = (limit.kind, limit.name, limit.counts)
            rate = chosen[key].rate if key in chosen else limit.rate
            least = Rate(min(rate.per_minute, limit.rate.per_minute), min(rate.burst, limit.rate.burst))
            chosen[key] = Limit(limit.kind, limit.name, limit.counts, least)
        return tuple(chosen.values())


def sameness(budget: Budget) -> tuple[object, ...]:
    """Give what two budgets have in common that count the same thing for the same holder in the same windows."""
    zone = None if budget.period is Period.LIFETIME else str(budget.zone)
    return (budget.kind, budget.name, budget.unit, budget.period, zone)


def stated(document: PolicyDocument, roster: Roster) -> Stated:
    """List what the document caps; a bare model is given its provider."""
    budgets: list[StatedBudget] = []
    limits: list[StatedLimit] = []
    for account, said in document.budgets.items():
        holder = _holder(account, roster)
        if holder is not None:
            budgets += _budgets(holder, said, ("budgets", account))
    for account, rates in document.limits.items():
        holder = _holder(account, roster)
        if holder is not None:
            budgets += _calls(holder, rates, ("limits", account))
            limits += _limits(holder, rates, ("limits", account))
    for route, settings in document.routes.items():
        if settings.budget_per_day_usd is not None:
            cap = _cap_nusd(settings.budget_per_day_usd)
            own = Budget("route", route, Unit.NUSD, Period.DAY, cap, UTC)
            budgets.append(StatedBudget(own, ("routes", route, OWN_KEY)))
    return Stated(
        tuple(sorted(budgets, key=lambda each: _budget_rank(each.budget))),
        tuple(sorted(limits, key=lambda each: _rank(each.limit.kind, each.limit.name))),
    )


def spending_faults(document: PolicyDocument, roster: Roster, places: Places, today: date) -> Iterator[Fault]:
    """Find names that mean nothing here, and attestations from the future."""
    for section, named in (("budgets", document.budgets), ("limits", document.limits)):
        for account in named:
            kind, _, name = account.partition(":")
            path: Path = (section, account)
            known = {"route": list(document.routes), "provider": list(roster.entries)}.get(kind)
            if known is not None and name not in (EACH, *known):
                hint = did_you_mean(name, known)
                expected, leans_on = f"a {kind} of this policy", frozenset({f"{kind}s"})
                yield Fault(
                    places.of_value(path), path, f'the {kind} "{name}"', expected, hint, "name.unknown", leans_on
                )
            found = roster.find(name) if kind == "model" and name != EACH else None
            if isinstance(found, Unclear):
                where, leans_on = places.of_value(path), frozenset({"providers"})
                yield Fault(where, path, found.found, found.expected, found.hint, "model.unclear", leans_on)
    for name, provider in document.providers.items():
        cap = provider.console_cap
        if cap is not None and cap.on > today:
            path = ("providers", name, "console_cap", "on")
            yield Fault(places.of_value(path), path, f"{cap.on}", f"a day that is not after today, {today}")


class _Holder(NamedTuple):
    kind: Kind
    name: str


def _holder(account: str, roster: Roster) -> _Holder | None:
    kind, _, name = account.partition(":")
    if kind == "model" and name != EACH:
        found = roster.find(name)
        # The caps are looked up by the full name: a bare one would never be met.
        return None if isinstance(found, Unclear) else _Holder("model", f"{found.entry.name}/{found.model}")
    return _Holder(cast("Kind", kind), name)  # the document's pattern lets no other kind through


def _budgets(holder: _Holder, said: BudgetDocument, path: Path) -> Iterator[StatedBudget]:
    zone = zone_of(said.time_zone)
    for key, period in _MONEY.items():
        usd = getattr(said, key)
        if usd is not None:
            budget = Budget(holder.kind, holder.name, Unit.NUSD, period, _cap_nusd(usd), zone)
            yield StatedBudget(budget, (*path, key))
    for key, period in _TOKENS.items():
        tokens = getattr(said, key)
        if tokens is not None:
            yield StatedBudget(Budget(holder.kind, holder.name, Unit.TOKENS, period, tokens, zone), (*path, key))


def _calls(holder: _Holder, said: LimitDocument, path: Path) -> Iterator[StatedBudget]:
    if said.calls_per_day is not None:
        zone = zone_of(said.time_zone)
        budget = Budget(holder.kind, holder.name, Unit.CALLS, Period.DAY, said.calls_per_day, zone)
        yield StatedBudget(budget, (*path, "calls_per_day"))


def _limits(holder: _Holder, said: LimitDocument, path: Path) -> Iterator[StatedLimit]:
    if said.requests_per_minute is not None:
        rate = Rate(said.requests_per_minute, said.burst or said.requests_per_minute)
        yield StatedLimit(Limit(holder.kind, holder.name, "requests", rate), (*path, "requests_per_minute"))
    if said.tokens_per_minute is not None:
        rate = Rate(said.tokens_per_minute, said.burst_tokens or said.tokens_per_minute)
        yield StatedLimit(Limit(holder.kind, holder.name, "tokens", rate), (*path, "tokens_per_minute"))


def _cap_nusd(usd: float) -> int:
    # Down: what is rounded up below zero is rounded down above it.
    return -nusd_from_usd(-usd)


def _rank(kind: Kind, name: str) -> tuple[int, bool, str]:
    return (KINDS.index(kind), name != EACH, name)


def _budget_rank(budget: Budget) -> tuple[object, ...]:
    window = -_ORDER.index(budget.period)
    return (*_rank(budget.kind, budget.name), window, budget.unit.name, str(budget.zone))


def concerns(cap: Budget | Limit, route: str, models: Collection[str]) -> bool:
    """Say whether calls of a route may count against a cap; without `models` (provider/model) the client chooses."""
    if cap.name in ("", EACH):
        return True
    match cap.kind:
        case "route":
            return cap.name == route
        case "provider":
            return not models or any(model.startswith(f"{cap.name}/") for model in models)
        case "model":
            return not models or cap.name in models
        case _:
            return True  # who calls is not known before the call


def cap_text(budget: Budget) -> str:
    """Write a cap in words: `50 USD a day (UTC)`, `60,000 tokens in all`."""
    units = {Unit.TOKENS: "tokens", Unit.CALLS: "calls"}
    amount = f"{usd_text(budget.cap)} USD" if budget.unit is Unit.NUSD else f"{budget.cap:,} {units[budget.unit]}"
    if budget.period is Period.LIFETIME:
        return f"{amount} in all"
    article = "an" if budget.period is Period.HOUR else "a"
    zone = f" ({budget.zone})" if budget.period in (Period.DAY, Period.MONTH) else ""
    return f"{amount} {article} {budget.period.value}{zone}"


def rate_text(limit: Limit) -> str:
    """Write a rate in words: `20 calls a minute, 5 at once`."""
    counts = "calls" if limit.counts == "requests" else "tokens"
    return f"{limit.rate.per_minute:,} {counts} a minute, {limit.rate.burst:,} at once"


def doubled(budgets: Iterable[StatedBudget]) -> Iterator[tuple[StatedBudget, StatedBudget]]:
    """Pair each budget that does not hold with the smaller one that holds in its place."""
    held: dict[tuple[object, ...], StatedBudget] = {}
    for each in budgets:
        first = held.setdefault(sameness(each.budget), each)
        if first is each:
            continue
        if each.budget.cap < first.budget.cap:
            held[sameness(each.budget)] = each
            yield first, each
        else:
            yield each, first
