"""Prices over time: what a model costs from which day on, in plain numbers that can be kept in a file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Any, Final, TypeAlias

from seawall.core.price import Band, Price, Rates

PERMILLE: Final = 1000


@dataclass(frozen=True, slots=True)
class Period:
    """One price, from the start of a day (UTC) on; None means that it always held."""

    starts: date | None
    price: Price


Schedule: TypeAlias = tuple[Period, ...]


def price_on(schedule: Schedule, day: date) -> Price | None:
    """Pick the price of a day; None before the first."""
    found = None
    for period in schedule:
        if period.starts is None or period.starts <= day:
            found = period.price
    return found


def changes_after(schedule: Schedule, day: date) -> date | None:
    """Give the first day after `day` on which the price changes."""
    return min((p.starts for p in schedule if p.starts is not None and p.starts > day), default=None)


def changed(schedule: Schedule, change: Callable[[Price], Price], *, until: date | None = None) -> Schedule:
    """Change every price, or only what held before a day."""
    if until is None:
        return tuple(replace(period, price=change(period.price)) for period in schedule)
    before = [replace(p, price=change(p.price)) for p in schedule if p.starts is None or p.starts < until]
    after = [p for p in schedule if p.starts is not None and p.starts >= until]
    held = price_on(schedule, until)
    if held is not None and not any(p.starts == until for p in after):
        after.insert(0, Period(until, held))
    return (*before, *after)


def with_rates(price: Price, change: Callable[[Rates], Rates]) -> Price:
    """Change the rates of every band and mode."""
    return replace(
        price,
        bands=_changed(price.bands, change),
        modes={name: _changed(bands, change) for name, bands in price.modes.items()},
    )


def _changed(bands: Sequence[Band], change: Callable[[Rates], Rates]) -> tuple[Band, ...]:
    return tuple(Band(band.above_tokens, change(band.rates)) for band in bands)


def scaled(bands: Sequence[Band], permille: int) -> tuple[Band, ...]:
    """Multiply every rate of tokens, rounding up; fees for each use stay."""

    def up(rate: int) -> int:
        return -(-rate * permille // PERMILLE)

    def scale(rates: Rates) -> Rates:
        return Rates(
            input=up(rates.input),
            output=up(rates.output),
            cache_read=up(rates.cache_read),
            cache_write_short=up(rates.cache_write_short),
            cache_write_long=up(rates.cache_write_long),
            web_search=rates.web_search,
        )

    return _changed(bands, scale)


def to_plain(schedule: Schedule) -> list[dict[str, Any]]:
    """Write a schedule as JSON values (Any: lists, mappings and numbers)."""
    return [
        {
            "starts": None if period.starts is None else period.starts.isoformat(),
            "bands": _plain_bands(period.price.bands),
            "modes": {name: _plain_bands(bands) for name, bands in sorted(period.price.modes.items())},
        }
        for period in schedule
    ]


def from_plain(plain: Sequence[Mapping[str, Any]], source: str) -> Schedule:
    """Read a schedule that `to_plain` wrote."""
    return tuple(
        Period(
            None if period["starts"] is None else date.fromisoformat(period["starts"]),
            Price(
                _bands(period["bands"]),
                source,
                modes={name: _bands(bands) for name, bands in period["modes"].items()},
            ),
        )
        for period in plain
    )


def _plain_bands(bands: Sequence[Band]) -> list[list[int]]:
    return [[band.above_tokens, *astuple(band.rates)] for band in bands]


def _bands(plain: Sequence[Sequence[int]]) -> tuple[Band, ...]:
    return tuple(Band(above, Rates(*rates)) for above, *rates in plain)
