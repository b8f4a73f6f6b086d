"""Every effective setting of a route, where it came from, and what its calls are going to cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from seawall.core.error import NotFound
from seawall.core.money import usd_text
from seawall.core.price import Price, Rates, cost_nusd
from seawall.core.target import Target
from seawall.core.usage import Usage
from seawall.policy.document import RouteDocument
from seawall.policy.effective import SETTINGS, Effective, Origin, effective, key_of
from seawall.policy.fault import Path
from seawall.policy.load import Reading
from seawall.policy.plan import CompiledPolicy, Plan
from seawall.policy.roster import Found, Roster
from seawall.policy.validate import did_you_mean

CALLS: Final = 1000
TYPICAL_PROMPT: Final = 1000
DEFAULT: Final = "default"

_NOT_YET: Final = " (this version does not enforce it)"
_UNSAID: Final = {
    "temperature": "the client's own",
    "top_p": "the client's own",
    "max_input_tokens": "the provider's own limit",
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
    """One model of a route: where it is called, with which key (by reference), and at what price."""

    name: str
    url: str
    key: str
    note: str
    price_source: str
    bands: tuple[BandView, ...]
    modes: tuple[str, ...]


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
    """Everything that holds for one route."""

    route: str
    place: str
    targets: tuple[TargetView, ...]
    settings: tuple[Setting, ...]
    estimates: tuple[Estimate, ...]


def explain(reading: Reading, policy: CompiledPolicy, roster: Roster, route: str) -> Explanation:
    """Explain a route of a policy without faults.

    Raises:
        NotFound: the policy has no such route; the message names the nearest.
    """
    if reading.document is None or route not in policy.plans:
        hint = did_you_mean(route, policy.plans) or "it has " + ", ".join(policy.plans)
        raise NotFound(f"found the route {route!r}, expected one of {reading.source}; {hint}", code="route.not_found")
    document, plan = reading.document, policy.plans[route]
    said, settings = document.routes[route], effective(document, route)
    names = [name for name in (said.model, *said.fallback) if name is not None]
    found = [each for name in names if isinstance(each := roster.find(name), Found) and each.entry.is_enabled]
    pairs = list(zip(found, plan.targets, strict=True))
    return Explanation(
        route=route,
        place=_place(reading, ("routes", route)),
        targets=tuple(_target(each, target) for each, target in pairs),
        settings=tuple(_settings(reading, route, said, settings)),
        estimates=tuple(estimate for each, target in pairs for estimate in _estimates(each, target, plan)),
    )


def _settings(reading: Reading, route: str, said: RouteDocument, settings: Effective) -> Iterator[Setting]:
    def own(key: str, value: str, unsaid: str) -> Setting:
        path: Path = ("routes", route, key)
        is_said = path in reading.places.values
        return Setting(key, value if is_said else unsaid, _place(reading, path) if is_said else DEFAULT)

    yield own("model", said.model or "", "the client's own")
    yield own("fallback", ", ".join(said.fallback) + _NOT_YET, "none")
    yield own("profile", said.profile or "", "none")
    yield own("budget_per_day_usd", f"{said.budget_per_day_usd}{_NOT_YET}", "none: nothing caps what it may spend")
    for field in SETTINGS:
        value = getattr(settings, field)
        text = _UNSAID.get(field, "none") if value is None else _text(value)
        note = _NOT_YET if field == "retries" else ""
        yield Setting(key_of(field), text + note, _origin(reading, settings.origins[field]))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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


def _target(found: Found, target: Target) -> TargetView:
    facts = found.facts
    notes = [
        "temperature and top_p are left out" if target.drops_sampling else "",
        f"switched off on {facts.retires_on}" if facts.retires_on is not None else "",
    ]
    price = target.price
    return TargetView(
        name=f"{found.entry.name}/{found.model}",
        url=found.entry.address.url,
        key="none" if found.entry.key is None else str(found.entry.key),
        note="; ".join(note for note in notes if note),
        price_source="" if price is None else price.source,
        bands=() if price is None else tuple(_band(band.above_tokens, band.rates) for band in price.bands),
        modes=() if price is None else tuple(sorted(price.modes)),
    )


def _band(above_tokens: int, rates: Rates) -> BandView:
    return BandView(
        above_tokens,
        usd_text(rates.input),
        usd_text(rates.output),
        usd_text(rates.cache_read),
        usd_text(rates.cache_write_short),
        usd_text(rates.cache_write_long),
    )


def _estimates(found: Found, target: Target, plan: Plan) -> Iterator[Estimate]:
    if target.price is None:
        return
    name = f"{found.entry.name}/{found.model}"
    answer = plan.tokens.max_tokens
    prompt = min(TYPICAL_PROMPT, plan.tokens.max_input_tokens or TYPICAL_PROMPT)
    half = -(-answer // 2)
    typical = cost_nusd(target.price, Usage(input=prompt, output=half))
    assumption = f"{prompt:,} tokens in, {half:,} out, no cache"
    yield Estimate(name, "typical", assumption, CALLS, usd_text(typical * CALLS))
    longest = plan.tokens.max_input_tokens or found.facts.context_tokens
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
