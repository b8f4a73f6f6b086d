"""The price of a model under a policy: the built-in table, with what the policy says on top."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from seawall.core.money import nusd_from_usd
from seawall.core.price import Band, Price, Rates
from seawall.policy.document import PriceDocument, RatesDocument
from seawall.policy.price_schedule import Period, Schedule, price_on
from seawall.policy.price_table import find_listing
from seawall.policy.roster import Found

_FIELDS: Final = {
    "input": "input_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "cache_read": "cache_read_usd_per_mtok",
    "cache_write_short": "cache_write_5m_usd_per_mtok",
    "cache_write_long": "cache_write_1h_usd_per_mtok",
}
# What a cache write costs, as a multiple of the input, where neither the policy nor the table says: the dearest known.
_SHORT_WRITE: Final = Fraction(5, 4)
_LONG_WRITE: Final = Fraction(5, 2)
_WEB_SEARCH: Final = nusd_from_usd("0.01")


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All prices of one policy.

    `stated` holds the policy's own entries by model or provider/model; `origin` writes where entry number `n` of a name
    stands (`seawall.yaml:12`), which becomes the price's source.
    """

    stated: Mapping[str, tuple[PriceDocument, ...]]
    origins: Mapping[tuple[str, int], str]

    def schedule(self, found: Found) -> Schedule:
        """Give every price of a model over time; empty where nobody knows one."""
        listing = find_listing(found.entry.address.url, found.entry.dialect, found.model)
        table = () if listing is None else listing.schedule
        name = self.name_used(found)
        if name is None:
            return table
        own = tuple(self._stated(name, table))
        return (*_before(table, own), *own)

    def name_used(self, found: Found) -> str | None:
        """Name the entry of the policy that prices this model; None where the table does."""
        names = (f"{found.entry.name}/{found.model}", found.model)
        return next((name for name in names if name in self.stated), None)

    def _stated(self, name: str, table: Schedule) -> Iterator[Period]:
        entries = sorted(enumerate(self.stated[name]), key=lambda entry: (entry[1].starts or date.min, entry[0]))
        ends = [entry.starts or date.min for _, entry in entries[1:]]
        for (number, entry), end in zip(entries, [*ends, date.max], strict=True):
            # What the entry leaves to the table changes with the table.
            starts = entry.starts or date.min
            changes = [p.starts for p in table if p.starts is not None and starts < p.starts < end]
            for day in (entry.starts, *changes):
                price = _merged(entry, price_on(table, day or date.min), self.origins[name, number])
                if price is not None:
                    yield Period(day, price)


def _before(table: Schedule, own: Schedule) -> Schedule:
    """Keep what the table says for the days before the policy's first entry."""
    if not own:
        return table
    first = own[0].starts
    return () if first is None else tuple(p for p in table if p.starts is None or p.starts < first)


def _merged(entry: PriceDocument, known: Price | None, source: str) -> Price | None:
    base = _first_rates(entry) if known is None else _rates(entry, known.bands[0].rates)
    if base is None:
        return None
    if entry.web_search_usd_per_1000 is not None:
        base = replace(base, web_search=-(-nusd_from_usd(entry.web_search_usd_per_1000) // 1000))
    bands = [Band(0, base)]
    for band in sorted(entry.bands, key=lambda band: band.above_tokens):
        bands.append(Band(band.above_tokens, _rates(band, bands[-1].rates)))
    if known is None:
        return Price(tuple(bands), source)
    if not entry.bands:
        bands += [Band(b.above_tokens, _in_proportion(b.rates, known.bands[0].rates, base)) for b in known.bands[1:]]
    modes = {
        name: tuple(
            Band(
                b.above_tokens, _in_proportion(mode.rates(b.above_tokens + 1), known.rates(b.above_tokens + 1), b.rates)
            )
            for b in bands
        )
        for name, mode in ((name, Price(mode_bands, source)) for name, mode_bands in known.modes.items())
    }
    return Price(tuple(bands), source, modes=modes, geo_permille=known.geo_permille)


def _rates(entry: RatesDocument, known: Rates) -> Rates:
    return replace(known, **_stated_rates(entry))


def _first_rates(entry: RatesDocument) -> Rates | None:
    stated = _stated_rates(entry)
    if "input" not in stated or "output" not in stated:
        return None
    plain = stated["input"]
    dearest = {
        "cache_read": plain,
        "cache_write_short": _up(plain * _SHORT_WRITE),
        "cache_write_long": _up(plain * _LONG_WRITE),
    }
    return Rates(**{**dearest, **stated}, web_search=_WEB_SEARCH)


def _stated_rates(entry: RatesDocument) -> dict[str, int]:
    return {
        field: nusd_from_usd(amount) for field, name in _FIELDS.items() if (amount := getattr(entry, name)) is not None
    }


def _in_proportion(other: Rates, standard: Rates, stated: Rates) -> Rates:
    """Price a mode or band that the policy does not name: as much dearer or cheaper as the table has it."""

    def part(field: str) -> int:
        table, own = getattr(standard, field), getattr(stated, field)
        return _up(Fraction(getattr(other, field) * own, table)) if table else getattr(other, field)

    return Rates(**{field: part(field) for field in _FIELDS}, web_search=stated.web_search)


def _up(amount: Fraction) -> int:
    return -(-amount.numerator // amount.denominator)
