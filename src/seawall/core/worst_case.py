"""What one call can cost at most: known before it is sent, held until its usage is known."""

import sys
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from seawall.core.money import TOKENS_PER_MTOK
from seawall.core.price import Price, Rates

# What can be asked for, by the words of both providers, and of that what a provider never chooses by itself.
_TIERS: Final = frozenset(
    {"", "auto", "default", "standard", "standard_only", "flex", "priority", "fast", "ultrafast", "scale", "batch"}
)
_SPEEDS: Final = frozenset({"", "default", "standard", "fast"})
_ONLY_ASKED: Final = frozenset({"fast", "ultrafast", "batch"})
_ALIASES: Final = {"fast": "priority", "priority": "fast"}  # OpenAI serves `fast` as `priority`

_PER_NUSD: Final = 1000 * TOKENS_PER_MTOK
_MAX_KEPT: Final = 1024
# The rates of prompts of more than one and at most another length, times a thousand for the region's factor:
# above_tokens, until_tokens, input, output, search. A prompt that just stays below the next band can cost more than a
# longer one.
_Row: TypeAlias = tuple[int, int, int, int, int]
_KEPT: Final[dict[tuple[object, ...], tuple[Price, tuple[_Row, ...]]]] = {}


class Bound(msgspec.Struct, frozen=True):
    """What a call can use at most.

    `input_tokens` bounds all billed tokens of the prompt, cached or not; None means that there is no bound, and `why`
    says what makes it so and how to mend it. `output_tokens` bounds everything billed as output, thinking and further
    choices included. `searches` bounds the uses of web search. `writes_short` and `writes_long` say whether the prompt
    can be written to a cache of the provider's, by its two lifetimes. `rounds` is how many times the prompt may be read
    and answered, all of them counted in `input_tokens` and `output_tokens`: the provider's own tools make it more.
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
    rounds: int = 1


def worst_nusd(price: Price, bound: Bound) -> int:
    """Price the dearest call within a bound, in nano-dollars, rounded up once.

    No usage within the bound, served in a mode that the provider may choose for it, costs more by `cost_nusd`. Nothing
    is taken for granted of the price: a longer prompt, a cache or another mode may be cheaper or dearer.

    Raises:
        ValueError: the bound has no `input_tokens`; such a call must not be sent where money counts.
    """
    most, longest, searches = bound.input_tokens, bound.output_tokens, bound.searches
    if most is None:
        raise ValueError(f"expected a bound on input tokens, found none: {bound.why}")
    dearest = 0
    for above, until, input_, output, search in _rows(price, bound):
        if above < most or not above:
            prompt = most if most < until else until  # noqa: FURB136  # a call costs as much as all else here
            cost = prompt * input_ + longest * output + searches * search
            if cost > dearest:  # noqa: PLR1730  # as above
                dearest = cost
    return -(-dearest // _PER_NUSD)


def _rows(price: Price, bound: Bound) -> tuple[_Row, ...]:
    """Give the rows that can apply, kept by the price and by what of a bound decides: finding them takes longer."""
    key = (id(price), bound.writes_short, bound.writes_long, bound.service_tier, bound.speed, bound.geo)
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
            row = (
                band.above_tokens,
                end,
                permille * _dearest_input(rates, bound),
                permille * rates.output,
                permille * rates.web_search * TOKENS_PER_MTOK,
            )
            if not any(_covers(other, row) for other in rows):
                rows = [*(other for other in rows if not _covers(row, other)), row]
    return tuple(rows)


def _covers(row: _Row, other: _Row) -> bool:
    """Say whether every call costs as much by a row as by the other one, or more."""
    above, *rest = row
    other_above, *other_rest = other
    return above <= other_above and all(mine >= theirs for mine, theirs in zip(rest, other_rest, strict=True))


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
