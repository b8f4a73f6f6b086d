"""What one call can cost at most: known before it is sent, held until its usage is known."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from seawall.core.money import TOKENS_PER_MTOK
from seawall.core.price import Band, Price, Rates

# What can be asked for, by the words of both providers, and of that what a provider never chooses by itself.
_TIERS: Final = frozenset(
    {"", "auto", "default", "standard", "standard_only", "flex", "priority", "fast", "ultrafast", "scale", "batch"}
)
_SPEEDS: Final = frozenset({"", "default", "standard", "fast"})
_ONLY_ASKED: Final = frozenset({"fast", "ultrafast", "batch"})
_ALIASES: Final = {"fast": "priority", "priority": "fast"}  # OpenAI serves `fast` as `priority`


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
    # A provider may serve a call at its standard where what was asked for is not to be had.
    dearest = _dearest(price.bands, bound, bound.input_tokens)
    for name, bands in price.modes.items():
        if _may_serve(name, bound):
            dearest = max(dearest, _dearest(bands, bound, bound.input_tokens))
    if price.geo_permille:
        return -(-dearest * _geo_permille(price.geo_permille, bound.geo) // (1000 * TOKENS_PER_MTOK))
    return -(-dearest // TOKENS_PER_MTOK)


def _dearest(bands: tuple[Band, ...], bound: Bound, most: int) -> int:
    """Price the dearest prompt of each band in turn: one that just stays in it can cost more than a longer one."""
    dearest, until = 0, most
    for band in reversed(bands):
        if band.above_tokens < most or band is bands[0]:
            rates = band.rates
            scaled = (
                until * _dearest_input(rates, bound)
                + bound.output_tokens * rates.output
                + bound.searches * rates.web_search * TOKENS_PER_MTOK
            )
            dearest = max(dearest, scaled)
            until = band.above_tokens
    return dearest


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
    return max(1000, *by_geo.values())  # nobody asked: the settings of the account at the provider decide
