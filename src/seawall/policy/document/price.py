"""`prices`: what the operator knows better than the built-in table."""

from collections import Counter
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from seawall.policy.document.section import Day, Section, Tokens, UsdPerMtok, wrong


class RatesDocument(Section):
    """Dollars per million tokens. What is left out stays as the built-in table has it."""

    input_usd_per_mtok: UsdPerMtok | None = Field(None, description="Prompt tokens that touch no cache.")
    output_usd_per_mtok: UsdPerMtok | None = Field(None, description="Answer tokens, thinking included.")
    cache_read_usd_per_mtok: UsdPerMtok | None = Field(None, description="Prompt tokens read from the cache.")
    cache_write_5m_usd_per_mtok: UsdPerMtok | None = Field(
        None, description="Prompt tokens written to the cache with the shorter lifetime (5 minutes; OpenAI 30 minutes)."
    )
    cache_write_1h_usd_per_mtok: UsdPerMtok | None = Field(
        None, description="Prompt tokens written to the cache with the longer lifetime (1 hour; OpenAI 12 hours)."
    )


class BandDocument(RatesDocument):
    """The rates of the whole call once its prompt is longer than `above_tokens`."""

    above_tokens: Tokens = Field(description="The prompt length, cached tokens included, above which these rates hold.")


class PriceDocument(RatesDocument):
    """One price of one model, from a date on."""

    starts: Day | None = Field(None, alias="from", description="The first day (UTC) of this price. Default: always.")
    web_search_usd_per_1000: UsdPerMtok | None = Field(None, description="A thousand web searches by the provider.")
    bands: Annotated[tuple[BandDocument, ...], Field(strict=False, max_length=8)] = Field(
        (), description="Other rates for long prompts."
    )


def _as_list(value: object) -> object:
    if isinstance(value, dict | PriceDocument):
        return [value]
    if isinstance(value, list | tuple) and value:
        return value
    raise wrong("a price or a list of dated prices")


def _each_from_another_day(prices: tuple[PriceDocument, ...]) -> tuple[PriceDocument, ...]:
    # Of two that begin together one would never hold, and nobody would be told which.
    for day, number in Counter(price.starts for price in prices).items():
        if number > 1:
            raise wrong(f"one price from {day} on" if day else "one price without `from`, and `from` at every other")
    return prices


PriceList: TypeAlias = Annotated[
    tuple[PriceDocument, ...],
    Field(strict=False, max_length=64),
    AfterValidator(_each_from_another_day),
    BeforeValidator(_as_list, json_schema_input_type=PriceDocument | list[PriceDocument]),
]
