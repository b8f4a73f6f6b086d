from collections.abc import Callable
from datetime import date
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.price import Mode, Price, cost_nusd
from seawall.core.usage import Usage
from seawall.policy.address import OFFICIAL, parse_address
from seawall.policy.compile import Compiled
from seawall.policy.document import PolicyDocument
from seawall.policy.price_schedule import changes_after, price_on
from seawall.policy.prices import PriceBook
from seawall.policy.roster import Entry, Found

TODAY: Final = date(2026, 11, 21)


def _book(prices: object) -> PriceBook:
    document = PolicyDocument.model_validate({"routes": {"/a": {}}, "prices": prices})
    origins = {(name, n): f"p.yaml:{n}" for name, entries in document.prices.items() for n in range(len(entries))}
    return PriceBook(document.prices, origins)


def _model(name: str, dialect: str = "anthropic") -> Found:
    address = parse_address(OFFICIAL[dialect], dialect)
    return Found(Entry(dialect, dialect, address, None, is_enabled=True, path=()), name)


def _price(prices: object, model: str = "claude-opus-5-5", day: date = TODAY) -> Price | None:
    return price_on(_book(prices).schedule(_model(model)), day)


def _cost(prices: object, usage: Usage, mode: Mode | None = None, model: str = "claude-opus-5-5") -> int:
    price = _price(prices, model)
    assert price is not None
    return cost_nusd(price, usage, mode or Mode())


def test_without_an_entry_the_table_holds() -> None:
    assert _cost({}, Usage(input=1000)) == 4_000_000


def test_an_entry_replaces_what_it_says_and_leaves_the_rest() -> None:
    own = {"claude-opus-5-5": {"input_usd_per_mtok": 3, "cache_read_usd_per_mtok": 0.025}}

    assert _cost(own, Usage(input=1000)) == 3_000_000
    assert _cost(own, Usage(output=1000)) == 20_000_000
    assert _cost(own, Usage(cache_read=1000)) == 25_000
    assert _cost(own, Usage(cache_write_long=1000)) == 8_000_000


def test_the_source_is_the_line_of_the_entry() -> None:
    price = _price({"claude-opus-5-5": {"input_usd_per_mtok": 3}})

    assert price is not None
    assert price.source == "p.yaml:0"


def test_an_entry_for_one_provider_comes_before_one_for_the_model() -> None:
    own = {
        "claude-opus-5-5": {"input_usd_per_mtok": 3},
        "anthropic/claude-opus-5-5": {"input_usd_per_mtok": 2},
    }

    assert _cost(own, Usage(input=1000)) == 2_000_000
    assert _book(own).name_used(_model("claude-opus-5-5")) == "anthropic/claude-opus-5-5"
    assert _book(own).name_used(_model("claude-opus-5-5", "openai")) == "claude-opus-5-5"
    assert _book(own).name_used(_model("claude")) is None


@pytest.mark.parametrize(
    ("day", "nusd"),
    [(date(2026, 10, 31), 4_000_000), (date(2026, 11, 1), 3_000_000), (date(2026, 12, 1), 2_000_000)],
)
def test_a_dated_entry_begins_on_its_day(day: date, nusd: int) -> None:
    own = {
        "claude-opus-5-5": [
            {"input_usd_per_mtok": 2, "from": "2026-12-01"},
            {"input_usd_per_mtok": 3, "from": "2026-11-01"},
        ]
    }

    price = _price(own, day=day)

    assert price is not None
    assert cost_nusd(price, Usage(input=1000)) == nusd
    assert changes_after(_book(own).schedule(_model("claude-opus-5-5")), TODAY) == date(2026, 12, 1)


def test_what_an_entry_leaves_to_the_table_changes_with_the_table() -> None:
    # The table knows the priority tier of this model since 2026-10-12.
    own = {
        "gpt-6-sol": [{"input_usd_per_mtok": 1, "from": "2026-09-01"}, {"input_usd_per_mtok": 3, "from": "2026-12-01"}]
    }

    def cost(day: date) -> int:
        price = price_on(_book(own).schedule(_model("gpt-6-sol", "openai")), day)
        assert price is not None
        return cost_nusd(price, Usage(input=1000), Mode(service_tier="priority"))

    assert (cost(date(2026, 9, 30)), cost(TODAY), cost(date(2026, 12, 1))) == (1_000_000, 2_000_000, 6_000_000)


def test_an_entry_of_no_day_follows_the_table_from_its_beginning() -> None:
    own = {"claude-sonnet-5-5": {"input_usd_per_mtok": 1}}

    def cost(day: date) -> int:
        price = _price(own, "claude-sonnet-5-5", day)
        assert price is not None
        return cost_nusd(price, Usage(cache_read=1000))

    assert (cost(date(2026, 10, 6)), cost(TODAY)) == (200_000, 100_000)


def test_modes_stay_as_much_dearer_as_in_the_table() -> None:
    own = {"claude-opus-5-5": {"input_usd_per_mtok": 2}}

    assert _cost(own, Usage(input=1000), Mode(speed="fast")) == 4_000_000
    assert _cost(own, Usage(output=1000), Mode(speed="fast")) == 40_000_000
    assert _cost(own, Usage(input=1000), Mode(service_tier="batch")) == 1_000_000
    assert _cost(own, Usage(input=1000), Mode(geo="us")) == 2_200_000


def test_bands_stay_as_much_dearer_as_in_the_table() -> None:
    own = {"claude-haiku-5-5": {"input_usd_per_mtok": 0.05}}

    assert _cost(own, Usage(input=100_000), model="claude-haiku-5-5") == 5_000_000
    assert _cost(own, Usage(input=100_001), model="claude-haiku-5-5") == 25_000_250


def test_bands_of_the_entry_replace_those_of_the_table() -> None:
    bands = [{"above_tokens": 200_000, "input_usd_per_mtok": 1}]
    own = {"claude-haiku-5-5": {"input_usd_per_mtok": 0.5, "bands": bands}}

    assert _cost(own, Usage(input=100_001), model="claude-haiku-5-5") == 50_000_500
    assert _cost(own, Usage(input=200_001), model="claude-haiku-5-5") == 200_001_000
    # The table's batch mode is half of its own rates, and so it is half of these.
    assert _cost(own, Usage(input=200_001), Mode(service_tier="batch"), "claude-haiku-5-5") == 100_000_500


def test_a_model_that_nobody_knows_needs_input_and_output() -> None:
    assert _price({"llama": {"input_usd_per_mtok": 1}}, "llama") is None
    assert _price({"llama": {"output_usd_per_mtok": 1}}, "llama") is None


def test_what_nobody_says_of_a_cache_costs_the_dearest_known() -> None:
    own = {"llama": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2}}

    assert _cost(own, Usage(cache_read=1000), model="llama") == 1_000_000
    assert _cost(own, Usage(cache_write_short=1000), model="llama") == 1_250_000
    assert _cost(own, Usage(cache_write_long=1000), model="llama") == 2_500_000
    assert _cost(own, Usage(web_searches=1), model="llama") == 10_000_000


def test_a_model_of_ones_own_may_be_free() -> None:
    own = {"llama": {"input_usd_per_mtok": 0, "output_usd_per_mtok": 0, "web_search_usd_per_1000": 0}}

    assert _cost(own, Usage(input=1000, output=1000, cache_write_long=5, web_searches=1), model="llama") == 0


def test_a_zero_rate_of_the_table_is_not_divided_by() -> None:
    own = {"text-embedding-3-small": {"output_usd_per_mtok": 1}}

    price = price_on(_book(own).schedule(_model("text-embedding-3-small", "openai")), TODAY)

    assert price is not None
    assert cost_nusd(price, Usage(output=1000)) == 1_000_000


@given(usd=st.decimals(0, 1000, places=6))
def test_a_stated_rate_is_kept_to_the_nano_dollar(usd: object) -> None:
    own = {"llama": {"input_usd_per_mtok": float(str(usd)), "output_usd_per_mtok": 1}}

    price = _price(own, "llama")

    assert price is not None
    assert price.bands[0].rates.input == round(float(str(usd)) * 10**9)


def test_the_line_of_an_entry_ends_in_the_compiled_price(compiled: Callable[..., Compiled]) -> None:
    policy = compiled(
        "routes: {/a: {model: claude-opus-5-5}}\nprices:\n  claude-opus-5-5: {input_usd_per_mtok: 3}"
    ).policy

    assert policy is not None
    price = policy.plans["/a"].targets[0].price
    assert price is not None
    assert price.source == "p.yaml:3"
