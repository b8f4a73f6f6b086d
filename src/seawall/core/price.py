"""What a model costs, and what one attempt cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.core.money import TOKENS_PER_MTOK
from seawall.core.usage import Usage


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars per million tokens of each bucket of `Usage`; fees are nano-dollars per use."""

    input: int
    output: int
    cache_read: int
    cache_write_short: int
    cache_write_long: int
    web_search: int = 0


@dataclass(frozen=True, slots=True)
class Band:
    """Rates for the whole call when its prompt is longer than `above_tokens`."""

    above_tokens: int
    rates: Rates


@dataclass(frozen=True, slots=True)
class Mode:
    """How the provider says it served the call; each part can change the price. Empty means its default."""

    service_tier: str = ""
    speed: str = ""
    geo: str = ""


STANDARD = Mode()


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one model: bands by rising `above_tokens`, the first at 0, and the modes that differ from them.

    `source` names the table or override it came from (`genai-prices 0.2.3`, `policy.yaml:12`), and goes into records.
    A mode that is not in `modes` costs the standard rates, except that `geo_permille` multiplies for a named region.
    """

    bands: tuple[Band, ...]
    source: str
    modes: Mapping[str, tuple[Band, ...]] = field(default_factory=dict)
    geo_permille: Mapping[str, int] = field(default_factory=dict)

    def rates(self, prompt_tokens: int, mode: Mode = STANDARD) -> Rates:
        """Pick the rates for a prompt of this length, served in this mode."""
        bands = self.bands
        if mode is not STANDARD and self.modes:
            bands = self.modes.get(mode.speed) or self.modes.get(mode.service_tier) or bands
        found = bands[0]
        for band in bands:
            if prompt_tokens > band.above_tokens:
                found = band
        return found.rates


def cost_nusd(price: Price, usage: Usage, mode: Mode = STANDARD) -> int:
    """Price one attempt: exact in integers, rounded up once at the end."""
    prompt_tokens = usage.input + usage.cache_read + usage.cache_write_short + usage.cache_write_long
    rates = price.rates(prompt_tokens, mode)
    scaled = (
        usage.input * rates.input
        + (usage.output + usage.thinking) * rates.output
        + usage.cache_read * rates.cache_read
        + usage.cache_write_short * rates.cache_write_short
        + usage.cache_write_long * rates.cache_write_long
        + usage.web_searches * rates.web_search * TOKENS_PER_MTOK
    )
    if mode.geo and mode.geo in price.geo_permille:
        return -(-scaled * price.geo_permille[mode.geo] // (1000 * TOKENS_PER_MTOK))
    return -(-scaled // TOKENS_PER_MTOK)
