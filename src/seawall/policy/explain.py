"""Every effective setting of a route, where it came from, and what its calls are going to cost."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from seawall.core.error import NotFound
from seawall.core.holder import EACH
from seawall.core.money import usd_text
from seawall.core.price import Price, Rates, cost_nusd
from seawall.core.usage import Usage
from seawall.guards.budget.settings import Budget
from seawall.guards.limits.settings import Limit
from seawall.policy.chain import Link, chain_of
from seawall.policy.document import DegradedDocument, PolicyDocument, ProviderDocument, RouteDocument
from seawall.policy.effective import SETTINGS, Effective, Origin, effective, key_of, value_in
from seawall.policy.fault import Path, path_text
from seawall.policy.load import Reading
from seawall.policy.plan import CompiledPolicy, Leg
from seawall.policy.roster import Found, Roster
from seawall.policy.spending import Stated, cap_text, concerns, doubled, rate_text, stated
from seawall.policy.validate import did_you_mean

CALLS: Final = 1000
TYPICAL_PROMPT: Final = 1000
DEFAULT: Final = "default"

_LONGEST_MESSAGE: Final = 40
_UNSAID: Final = {
    "temperature": "the client's own",
    "top_p": "the client's own",
    "max_input_tokens": "the provider's own limit",
    "answer_timeout_ms": "what the deadline leaves, shared with the targets that are left",
    "breaker.slow_ms": "none: no call is slow",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its key, its value in words, and where it came from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class BandView:
    """Rates in dollars per million tokens for prompts longer than `above_tokens`."""

    above_tokens: int
    input: str
    output: str
    cache_read: str
    cache_write_short: str
    cache_write_long: str


@dataclass(frozen=True, slots=True)
class TargetView:
    """One model of a route: where it is called, with which key (by reference), and at what price.

    `role` is `model`, `fallback` or `degraded`; `own` holds the settings that it has instead of the route's, and
    `console_cap` says which spend limit its provider is attested to have.
    """

    role: str
    name: str
    url: str
    key: str
    note: str
    own: tuple[str, ...]
    price_source: str
    bands: tuple[BandView, ...]
    modes: tuple[str, ...]
    console_cap: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a number of calls costs under an assumption; `usd` is None where nothing bounds it."""

    target: str
    case: str
    assumption: str
    calls: int
    usd: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that holds for one route. `caps` are the budgets and limits that its calls may count against."""

    route: str
    place: str
    targets: tuple[TargetView, ...]
    settings: tuple[Setting, ...]
    estimates: tuple[Estimate, ...]
    caps: tuple[Setting, ...]


def explain(
    reading: Reading, policy: CompiledPolicy, roster: Roster, route: str, off: frozenset[Path] = frozenset()
) -> Explanation:
    """Explain a route of a policy without faults; `off` holds the places of the models that are switched off.

    Raises:
        NotFound: the policy has no such route; the message names the nearest.
    """
    if reading.document is None or route not in policy.plans:
        hint = did_you_mean(route, policy.plans) or "it has " + ", ".join(policy.plans)
        raise NotFound(f"found the route {route!r}, expected one of {reading.source}; {hint}", code="route.not_found")
    document, plan = reading.document, policy.plans[route]
    settings = effective(document, route)
    links = chain_of(document, route, settings)
    named = [(link, found) for link in links if isinstance(found := roster.find(link.model), Found)]
    live = [(link, found) for link, found in named if link.path not in off]
    legs = [(link, found, leg) for (link, found), leg in zip(live, plan.legs, strict=True)]
    return Explanation(
        route=route,
        place=_place(reading, ("routes", route)),
        targets=tuple(_target(link, found, leg, document) for link, found, leg in legs),
        settings=tuple(_settings(reading, document.routes[route], settings, _chain_text(named, off), route)),
        estimates=tuple(estimate for _, found, leg in legs for estimate in _estimates(found, leg)),
        caps=tuple(_caps(reading, stated(document, roster), route, [_name(found) for _, found in live])),
    )


def _chain_text(named: Sequence[tuple[Link, Found]], off: frozenset[Path]) -> str:
    return ", ".join(
        link.model + (f" (off: {_switch(link, found)})" if link.path in off else "")
        for link, found in named
        if link.role == "fallback"
    )


def _switch(link: Link, found: Found) -> str:
    if not found.entry.is_enabled:
        return f"{found.entry.name} is switched off"
    return "enabled: false" if link.said.enabled is False else str(link.said.enabled)


def _settings(reading: Reading, said: RouteDocument, settings: Effective, chain: str, route: str) -> Iterator[Setting]:
    def own(key: str, value: str, unsaid: str) -> Setting:
        path: Path = ("routes", route, key)
        is_said = path in reading.places.values
        return Setting(key, value if is_said else unsaid, _place(reading, path) if is_said else DEFAULT)

    yield own("model", said.model or "", "the client's own")
    yield own("fallback", chain, "none")
    yield own("profile", said.profile or "", "none")
    yield own("budget_per_day_usd", f"{said.budget_per_day_usd}", "none of its own")
    for field in SETTINGS:
        value = value_in(settings, field)
        text = _UNSAID.get(field, "none") if value is None else value_text(value)
        yield Setting(key_of(field), text, _origin(reading, settings.origins[field]))


def value_text(value: object) -> str:
    """Write a setting's value on one line, much as the document has it."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case DegradedDocument():
            return _degraded_text(value)
        case _:
            return str(value)


def _degraded_text(said: DegradedDocument) -> str:
    if said.is_error:
        return "error"
    parts = [f"model {said.model}"] if said.model is not None else []
    parts += [f"an answer of the last {said.cached_s:g} s"] if said.cached_s is not None else []
    if said.message is not None:
        cut = said.message[:_LONGEST_MESSAGE]
        parts.append(f'"{cut}"' if cut == said.message else f'"{cut}…"')
    return ", then ".join(parts)


def _origin(reading: Reading, origin: Origin) -> str:
    if origin.path:
        where = _place(reading, origin.path)
        where = f"profile {origin.profile}, {where}" if origin.profile else where
    else:
        where = f"profile {origin.profile} (built in)" if origin.profile else DEFAULT
    return f"cut to {origin.limited_by}, {where}" if origin.limited_by else where


def _place(reading: Reading, path: Path) -> str:
    place = reading.places.of_key(path)
    pin = "pin, " if place.source else ""
    return f"{pin}{FilePath(place.source or reading.source).name}:{place.line}"


def _caps(reading: Reading, caps: Stated, route: str, models: Collection[str]) -> Iterator[Setting]:
    lost = {lost.path for lost, _ in doubled(caps.budgets)}
    for budget, path in caps.budgets:
        if path not in lost and concerns(budget, route, models):
            yield Setting(path_text(path), f"{cap_text(budget)}, {_whose(budget)}", _place(reading, path))
    for limit, path in caps.limits:
        if concerns(limit, route, models):
            yield Setting(path_text(path), f"{rate_text(limit)}, {_whose(limit)}", _place(reading, path))


def _whose(cap: Budget | Limit) -> str:
    if cap.kind == "all":
        return "all together"
    return f"each {cap.kind} for itself" if cap.name == EACH else f"{cap.kind} {cap.name}"


def _console_cap(said: ProviderDocument | None) -> str:
    cap = None if said is None else said.console_cap
    if cap is None:
        return "none attested"
    amounts = [
        f"{amount:,.10g} USD a {window}"
        for amount, window in ((cap.usd_per_day, "day"), (cap.usd_per_month, "month"))
        if amount is not None
    ]
    return f"{' and '.join(amounts)}, attested by {cap.attested_by} on {cap.on}, until {cap.expires}"


def _name(found: Found) -> str:
    return f"{found.entry.name}/{found.model}"


def _target(link: Link, found: Found, leg: Leg, document: PolicyDocument) -> TargetView:
    facts, target = found.facts, leg.target
    notes = [
        "temperature and top_p are left out" if target.drops_sampling else "",
        f"switched off on {facts.retires_on}" if facts.retires_on is not None else "",
    ]
    price = target.price
    return TargetView(
        role=link.role,
        name=_name(found),
        url=found.entry.address.url,
        key="none" if found.entry.key is None else str(found.entry.key),
        note="; ".join(note for note in notes if note),
        own=tuple(_own(link)),
        price_source="" if price is None else price.source,
        bands=() if price is None else tuple(_band(band.above_tokens, band.rates) for band in price.bands),
        modes=() if price is None else tuple(sorted(price.modes)),
        console_cap=_console_cap(document.providers.get(found.entry.name)),
    )


def _own(link: Link) -> Iterator[str]:
    for name, value in link.said.model_dump(exclude={"model", "enabled"}, exclude_none=True).items():
        yield f"{name} {value}"


def _band(above_tokens: int, rates: Rates) -> BandView:
    return BandView(
        above_tokens,
        usd_text(rates.input),
        usd_text(rates.output),
        usd_text(rates.cache_read),
        usd_text(rates.cache_write_short),
        usd_text(rates.cache_write_long),
    )


def _estimates(found: Found, leg: Leg) -> Iterator[Estimate]:
    target, tokens = leg.target, leg.settings.tokens
    if target.price is None:
        return
    name = _name(found)
    answer = tokens.max_tokens
    prompt = min(TYPICAL_PROMPT, tokens.max_input_tokens or TYPICAL_PROMPT)
    half = -(-answer // 2)
    typical = cost_nusd(target.price, Usage(input=prompt, output=half))
    assumption = f"{prompt:,} tokens in, {half:,} out, no cache"
    yield Estimate(name, "typical", assumption, CALLS, usd_text(typical * CALLS))
    longest = tokens.max_input_tokens or found.facts.context_tokens
    if longest is None:
        yield Estimate(name, "worst", "nothing bounds the prompt: set max_input_tokens", CALLS, None)
        return
    worst = cost_nusd(target.price, _dearest(target.price, longest, answer))
    assumption = f"{longest:,} tokens in at the dearest rate, {answer:,} out"
    yield Estimate(name, "worst", assumption, CALLS, usd_text(worst * CALLS))


def _dearest(price: Price, prompt: int, answer: int) -> Usage:
    rates = price.rates(prompt)
    dearest = max(("input", "cache_write_short", "cache_write_long"), key=lambda bucket: int(getattr(rates, bucket)))
    return Usage(**{dearest: prompt}, output=answer)
