"""What one call can cost at most: known before it is sent, held until its usage is known."""

import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

from seawall.core.money import TOKENS_PER_MTOK
from seawall.core.price import Price, Rates

# What can be asked for, by the words of both providers, and of that what a provider never chooses by itself.
_TIERS: Final = frozenset(
    {"", "auto", "default", "standard", "standard_only", "flex", "priority", "fast", "ultrafast", "scale", "batch"}
)
_SPEEDS: Final = frozenset({"", "default", "standard", "fast"})
_ONLY_ASKED: Final = frozenset({"fast", "ultrafast", "batch"})
_ALIASES: Final = {"fast": "priority", "priority": "fast"}  # OpenAI serves `fast` as `priority`

_MAX_KEPT: Final = 1024
_KEPT: Final[dict[tuple[object, ...], tuple[Price, tuple["_Row", ...]]]] = {}


class Bound(NamedTuple):
    """What a call can use at most.

    `input_tokens` bounds all billed tokens of the prompt, cached or not; None means that there is no bound, and `why`
    says what makes it so and how to mend it. `output_tokens` bounds everything billed as output, thinking and further
    choices included. `searches` bounds the uses of web search. `writes_short` and `writes_long` say whether the prompt
    can be written to a cache of the provider's, by its two lifetimes.
    `service_tier`, `speed` and `geo` are as the request asks for them: "auto" is the provider's choice, and empty is
    what it does where nobody asks.
    """

    input_tokens: int | None
    output_tokens: int
    searches: int = 0
    writes_short: bool = False
    writes_long: bool = False
    service_tier: str = ""
    speed: str = ""
    geo: str = ""
    why: str = ""


def worst_nusd(price: Price, bound: Bound) -> int:
    """Price the dearest call within a bound, in nano-dollars, rounded up once.

    No usage within the bound, served in a mode that the provider may choose for it, costs more by `cost_nusd`. Nothing
    is taken for granted of the price: a longer prompt, a cache or another mode may be cheaper or dearer.

    Raises:
        ValueError: the bound has no `input_tokens`; such a call must not be sent where money counts.
    """
    if bound.input_tokens is None:
        raise ValueError(f"expected a bound on input tokens, found none: {bound.why}")
    most, output, searches = bound.input_tokens, bound.output_tokens, bound.searches
    dearest = 0
    for row in _rows(price, bound):
        if row.above_tokens < most or not row.above_tokens:
            prompt = min(most, row.until_tokens)
            dearest = max(dearest, prompt * row.input + output * row.output + searches * row.search)
    return -(-dearest // (1000 * TOKENS_PER_MTOK))


class _Row(NamedTuple):
    """The rates of prompts of more than one and at most another length, times a thousand for the region's factor.

    A prompt that just stays below the next band can cost more than a longer one.
    """

    above_tokens: int
    until_tokens: int
    input: int
    output: int
    search: int

    def covers(self, other: "_Row") -> bool:
        """Say whether every call costs as much by this row as by the other one, or more."""
        return (
            self.above_tokens <= other.above_tokens
            and self.until_tokens >= other.until_tokens
            and self.input >= other.input
            and self.output >= other.output
            and self.search >= other.search
        )


def _rows(price: Price, bound: Bound) -> tuple[_Row, ...]:
    """Give the rows that can apply, kept by the price and by what of a bound decides: finding them takes longer."""
    key = (id(price), *bound[3:8])
    kept = _KEPT.get(key)
    if kept is not None and kept[0] is price:
        return kept[1]
    rows = _found_rows(price, bound)
    if len(_KEPT) >= _MAX_KEPT:
        _KEPT.clear()
    _KEPT[key] = (price, rows)
    return rows


def _found_rows(price: Price, bound: Bound) -> tuple[_Row, ...]:
    # A provider may serve a call at its standard where what was asked for is not to be had.
    modes = [price.bands, *(bands for name, bands in price.modes.items() if _may_serve(name, bound))]
    permille = _geo_permille(price.geo_permille, bound.geo)
    rows: list[_Row] = []
    for bands in modes:
        ends = [*(band.above_tokens for band in bands[1:]), sys.maxsize]
        for band, end in zip(bands, ends, strict=True):
            rates = band.rates
            row = _Row(
                band.above_tokens,
                end,
                permille * _dearest_input(rates, bound),
                permille * rates.output,
                permille * rates.web_search * TOKENS_PER_MTOK,
            )
            if not any(other.covers(row) for other in rows):
                rows = [*(other for other in rows if not row.covers(other)), row]
    return tuple(rows)


def _dearest_input(rates: Rates, bound: Bound) -> int:
    # A read needs no leave of ours: whatever an earlier call wrote can be found.
    return max(
        rates.input,
        rates.cache_read,
        rates.cache_write_short if bound.writes_short else 0,
        rates.cache_write_long if bound.writes_long else 0,
    )


def _may_serve(mode: str, bound: Bound) -> bool:
    tier, speed = bound.service_tier, bound.speed
    if mode in (tier, speed, _ALIASES.get(tier)):
        return True
    # The provider's choice is never what has a price for being asked; a word that nobody knows can mean anything.
    return (tier == "auto" and mode not in _ONLY_ASKED) or tier not in _TIERS or speed not in _SPEEDS


def _geo_permille(by_geo: Mapping[str, int], geo: str) -> int:
    if geo:
        return max(1000, by_geo.get(geo, 1000))
    return max(1000, 0, *by_geo.values())  # nobody asked: the settings of the account at the provider decide
