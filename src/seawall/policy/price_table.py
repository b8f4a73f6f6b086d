"""The built-in prices: genai-prices' table with our corrections.

The table of the two official providers lies beside this file as a snapshot of the package, because importing the
package costs more time and memory than everything else that a policy needs. The snapshot holds only while the installed
package has the version that it was made from; for any other version, and for any other provider, the package is asked.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import import_module, metadata, resources
from typing import Any, Final

import orjson

from seawall.core.money import nusd_from_usd
from seawall.core.price import Band, Price, Rates
from seawall.policy.price_schedule import PERMILLE, Period, Schedule, changed, from_plain, scaled, with_rates

PACKAGE: Final = "genai-prices"
CORRECTED: Final = ", corrected"
_SEARCHES: Final = 1000

Plain = Mapping[str, Any]  # JSON or TOML: what it holds is known only by looking


@dataclass(frozen=True, slots=True)
class Listing:
    """A model as the table knows it: its provider there, its id there, and its prices (empty: none that we can use)."""

    provider: str
    model: str
    schedule: Schedule


def find_listing(url: str, dialect: str, model: str) -> Listing | None:
    """Look a model up: at the provider behind the address, or at the dialect's own where the address is nobody's.

    An address that nobody is known by (a proxy, a sandbox) is taken for one that serves the dialect's own models at
    their own prices; `prices:` in the policy says otherwise.
    """
    provider = provider_behind(url) or dialect
    found = _found(provider, model.lower())
    if found is None:
        return None
    return replace(found, schedule=_corrected(found))


def provider_behind(url: str) -> str | None:
    """Name the table's provider whose address this is; None for an address of its own."""
    patterns: Mapping[str, str] = _snapshot()["patterns"]
    return next((name for name, pattern in patterns.items() if re.match(pattern, url)), None)


def upcoming_change(today: date) -> date | None:
    """Give the first day after `today` on which any price of the snapshot changes."""
    days = {
        period["starts"]
        for models in _snapshot()["models"].values()
        for model in models
        for period in model["periods"]
        if period["starts"] is not None and period["starts"] > today.isoformat()
    }
    return date.fromisoformat(min(days)) if days else None


@cache
def _snapshot() -> Plain:
    plain: Plain = orjson.loads(resources.files("seawall.policy").joinpath("price_snapshot.json").read_bytes())
    return plain


@cache
def _corrections() -> Plain:
    return tomllib.loads(resources.files("seawall.policy").joinpath("price_corrections.toml").read_text("utf-8"))


@cache
def _snapshot_holds() -> bool:
    return bool(metadata.version(PACKAGE) == _snapshot()["version"])


def _found(provider: str, model: str) -> Listing | None:
    for extra in _corrections()["model"]:
        if (extra["provider"], extra["id"]) == (provider, model):
            return Listing(provider, model, _extra(extra))
    models = _snapshot()["models"].get(provider)
    if models is None or not _snapshot_holds():
        found = import_module("seawall.policy.price_package").find_schedule(provider, model)
        return None if found is None else Listing(provider, found[0], found[1])
    for entry in models:
        if matches(entry["match"], model):
            source = f"{PACKAGE} {_snapshot()['version']}"
            return Listing(provider, entry["id"], from_plain(entry["periods"], source))
    return None


def matches(clause: Plain, text: str) -> bool:
    """Say whether a name, in lower case, fits a rule of the table."""
    ((kind, operand),) = clause.items()
    match kind:
        case "or":
            return any(matches(part, text) for part in operand)
        case "and":
            return all(matches(part, text) for part in operand)
        case "regex":
            return re.search(operand, text) is not None
        case "equals":
            return bool(text == operand)
        case "starts_with":
            return text.startswith(operand)
        case "ends_with":
            return text.endswith(operand)
        case _:
            return bool(operand in text)


def _corrected(listing: Listing) -> Schedule:
    schedule = listing.schedule
    for correction in _corrections()["correction"]:
        names = correction["models"]
        if correction["provider"] == listing.provider and (listing.model in names or "*" in names):
            schedule = changed(schedule, _change(correction), until=correction.get("until"))
    fee = _corrections()["web_search"].get(listing.provider)
    if fee is not None:
        each = -(-nusd_from_usd(fee) // _SEARCHES)
        schedule = changed(schedule, lambda price: with_rates(price, lambda rates: _with_fee(rates, each)))
    return schedule


def _with_fee(rates: Rates, each: int) -> Rates:
    return rates if rates.web_search else replace(rates, web_search=each)


def _change(correction: Plain) -> Callable[[Price], Price]:
    def change(price: Price) -> Price:
        changed_price = with_rates(price, lambda rates: _with_permille(rates, correction))
        changed_price = replace(
            changed_price,
            modes={**changed_price.modes, **_more_modes(changed_price.bands, correction)},
            geo_permille={**changed_price.geo_permille, **correction.get("geo_permille", {})},
        )
        if changed_price.bands == price.bands:
            return changed_price
        return replace(changed_price, source=price.source.removesuffix(CORRECTED) + CORRECTED)

    return change


def _with_permille(rates: Rates, correction: Plain) -> Rates:
    read = correction.get("cache_read_permille", PERMILLE)
    rates = replace(rates, cache_read=-(-rates.cache_read * read // PERMILLE))
    write = correction.get("long_write_permille")
    # Only where the shorter lifetime has a fee of its own: without one, writing to the cache costs nothing extra.
    if write is None or rates.cache_write_short <= rates.input or rates.cache_write_long != rates.cache_write_short:
        return rates
    return replace(rates, cache_write_long=-(-rates.cache_write_short * write // PERMILLE))


def _more_modes(bands: tuple[Band, ...], plain: Plain) -> dict[str, tuple[Band, ...]]:
    return {name: scaled(bands, permille) for name, permille in plain.get("mode_permille", {}).items()}


def _extra(plain: Plain) -> Schedule:
    fields = ("input", "output", "cache_read", "cache_write_short", "cache_write_long")
    bands = (Band(0, Rates(*(nusd_from_usd(plain[name]) for name in fields))),)
    return (Period(None, Price(bands, "seawall's own table", modes=_more_modes(bands, plain))),)
