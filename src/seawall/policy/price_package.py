"""The genai-prices package as schedules. `python -m seawall.policy.price_package` makes the snapshot anew.

This is the only module that imports the package, and nothing imports this module before a price is asked for that the
snapshot beside it does not hold: building the package's table costs some 350 ms and 20 MB. A model is left out where a
call's price depends on what `Usage` does not count (audio, pictures, seconds): its price is unknown rather than wrong.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import genai_prices
import orjson
from genai_prices import types
from genai_prices.data import providers

from seawall.core.money import nusd_from_usd
from seawall.core.price import Band, Price, Rates
from seawall.policy.price_schedule import Period, Schedule, to_plain

SOURCE: Final = f"genai-prices {genai_prices.__version__}"
SNAPSHOT: Final = Path(__file__).with_name("price_snapshot.json")
SNAPSHOT_PROVIDERS: Final = ("anthropic", "openai")

_LONG_AGO: Final = date(2000, 1, 1)
_COUNTED: Final = frozenset(
    {"input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "web_searches_kcount"}
)
# Fees for tools that none of our endpoints can call.
_NEVER_CALLED: Final = frozenset({"storage_searches_kcount"})
_SERVED: Final = {"processing": frozenset({"batch"}), "speed": frozenset({"fast"}), "service_tier": None}

Amount: TypeAlias = Decimal | types.TieredPrices


def provider_id_of(url: str) -> str | None:
    """Name the package's provider behind an address."""
    return next((provider.id for provider in providers if re.match(provider.api_pattern, url)), None)


def find_schedule(provider_id: str, model: str) -> tuple[str, Schedule] | None:
    """Find a model's id in the package and its prices, which are empty where it has none that we can use."""
    provider = next(provider for provider in providers if provider.id == provider_id)
    found = provider.find_model(model, all_providers=providers)
    return None if found is None else (found.id, schedule_of(found) or ())


def schedule_of(model: types.ModelInfo) -> Schedule | None:
    """Convert a model's prices; None where they cannot be told from what we count."""
    periods: list[Period] = []
    for starts in (None, *sorted(_change_days(model))):
        price = _price_on(model, starts or _LONG_AGO)
        if price is None:
            return None
        if not periods or periods[-1].price != price:
            periods.append(Period(starts, price))
    return tuple(periods)


def _constraints(model: types.ModelInfo) -> Iterator[object]:
    if not isinstance(model.prices, types.ModelPrice):
        yield from (conditional.constraint for conditional in model.prices)
    yield from (variant.constraint for variant in model.price_variants or ())


def _change_days(model: types.ModelInfo) -> set[date]:
    return {c.start_date for c in _constraints(model) if isinstance(c, types.StartDateConstraint)}


def _moments(model: types.ModelInfo, day: date) -> Iterator[datetime]:
    # Some providers are cheaper at night. A plan holds one price for the whole day: the dearest.
    times = {time(0, 0)}
    for constraint in _constraints(model):
        if isinstance(constraint, types.TimeOfDateConstraint):
            times |= {constraint.start_time, constraint.end_time}
    yield from (
        datetime.combine(day, moment.replace(tzinfo=moment.tzinfo or UTC)) for moment in sorted(map(_utc, times))
    )


def _utc(moment: time) -> time:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _price_on(model: types.ModelInfo, day: date) -> Price | None:
    moments = list(_moments(model, day))
    standard = _dearest([_bands(model.get_prices(moment), model.id) for moment in moments])
    if standard is None:
        return None
    modes: dict[str, tuple[Band, ...]] = {}
    for context in _contexts(model):
        bands = _dearest([_bands(model.get_prices(moment, context), model.id) for moment in moments])
        if bands is None:
            return None
        if bands != standard:
            modes[next(iter(context.values()))] = bands
    return Price(standard, SOURCE, modes=modes)


def _contexts(model: types.ModelInfo) -> Iterator[dict[str, str]]:
    seen: set[str] = set()
    for variant in model.price_variants or ():
        if len(variant.when) != 1:
            continue
        (key, value), *_ = variant.when.items()
        allowed = _SERVED.get(key, frozenset())
        if value not in seen and value != "default" and (allowed is None or value in allowed):
            seen.add(value)
            yield {key: value}


def _dearest(found: list[tuple[Band, ...] | None]) -> tuple[Band, ...] | None:
    known = [bands for bands in found if bands is not None]
    if len(known) < len(found):
        return None
    if all(bands == known[0] for bands in known):
        return known[0]
    starts = sorted({band.above_tokens for bands in known for band in bands})
    prices = [Price(bands, SOURCE) for bands in known]
    return tuple(Band(start, _highest([price.rates(start + 1) for price in prices])) for start in starts)


def _highest(rates: list[Rates]) -> Rates:
    highest = rates[0]
    for other in rates[1:]:
        highest = replace(
            highest, **{name: max(getattr(highest, name), getattr(other, name)) for name in Rates.__slots__}
        )
    return highest


def _bands(price: types.ModelPrice, model_id: str) -> tuple[Band, ...] | None:
    amounts: dict[str, Amount] = {key: value for key, value in price.__dict__.items() if value is not None}
    is_embedding = "embed" in model_id
    if not amounts.keys() <= _COUNTED | _NEVER_CALLED or "input_mtok" not in amounts:
        return None
    if "output_mtok" not in amounts and not is_embedding:
        return None
    tiers = [amount.tiers for amount in amounts.values() if isinstance(amount, types.TieredPrices)]
    starts = sorted({0} | {tier.start for row in tiers for tier in row})
    return tuple(Band(start, _rates(amounts, start)) for start in starts)


def _rates(amounts: dict[str, Amount], start: int) -> Rates:
    # A cache price that is not given is the input price: such tokens are part of the prompt and cost what it costs.
    plain = _nusd(amounts["input_mtok"], start)

    def rate(*keys: str) -> int:
        return next((_nusd(amounts[key], start) for key in keys if key in amounts), plain)

    return Rates(
        input=plain,
        output=_nusd(amounts["output_mtok"], start) if "output_mtok" in amounts else 0,
        cache_read=rate("cache_read_mtok"),
        cache_write_short=rate("cache_write_mtok"),
        cache_write_long=rate("cache_write_1h_mtok", "cache_write_mtok"),
        web_search=-(-_nusd(amounts.get("web_searches_kcount", Decimal(0)), start) // 1000),
    )


def _nusd(amount: Amount, start: int) -> int:
    if isinstance(amount, types.TieredPrices):
        reached = [tier.price for tier in amount.tiers if start >= tier.start]
        return nusd_from_usd(reached[-1] if reached else amount.base)
    return nusd_from_usd(amount)


def snapshot() -> dict[str, Any]:
    """Write down what the table needs of the two official providers, so that nobody has to import the package.

    The values are JSON, hence Any. Every provider's address pattern is kept, to know which address is whose.
    """
    return {
        "note": "Made from the genai-prices package (MIT licence, Pydantic Services Inc.); rates are nano-dollars per"
        " million tokens: above, input, output, cache read, cache write short, cache write long; then the nano-dollars"
        " of one web search.",
        "version": genai_prices.__version__,
        "patterns": {provider.id: provider.api_pattern for provider in providers},
        "models": {
            provider.id: [
                {
                    "id": model.id,
                    "match": plain_clause(model.match),
                    "context": model.context_window,
                    "periods": to_plain(schedule_of(model) or ()),
                }
                for model in provider.models
            ]
            for provider in providers
            if provider.id in SNAPSHOT_PROVIDERS
        },
    }


def plain_clause(clause: object) -> dict[str, Any]:
    """Write a rule of matching as JSON values."""
    match clause:
        case types.ClauseOr(or_=parts):
            return {"or": [plain_clause(part) for part in parts]}
        case types.ClauseAnd(and_=parts):
            return {"and": [plain_clause(part) for part in parts]}
        case types.ClauseEquals(equals=text):
            return {"equals": text.lower()}
        case types.ClauseStartsWith(starts_with=text):
            return {"starts_with": text.lower()}
        case types.ClauseEndsWith(ends_with=text):
            return {"ends_with": text.lower()}
        case types.ClauseContains(contains=text):
            return {"contains": text.lower()}
        case types.ClauseRegex(regex=text):
            return {"regex": text}
        case _:
            raise TypeError(f"{type(clause).__name__} is a rule of matching that is not known here")


if __name__ == "__main__":  # pragma: no cover - it writes into the checkout
    SNAPSHOT.write_bytes(orjson.dumps(snapshot()) + b"\n")
