from dataclasses import fields, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from seawall.core.price import STANDARD, Band, Mode, Price, Rates, cost_nusd
from seawall.core.usage import NO_USAGE, Usage

RATES = Rates(
    input=3_000_000_000,
    output=15_000_000_000,
    cache_read=300_000_000,
    cache_write_short=3_750_000_000,
    cache_write_long=6_000_000_000,
    web_search=10_000_000,
)
LONG = replace(RATES, input=6_000_000_000, output=22_500_000_000)
FAST = replace(RATES, input=30_000_000_000, output=150_000_000_000)
BATCH = replace(RATES, input=1_500_000_000, output=7_500_000_000)
PRICE = Price(
    bands=(Band(0, RATES), Band(200_000, LONG)),
    source="test",
    modes={"fast": (Band(0, FAST),), "batch": (Band(0, BATCH),)},
    geo_permille={"us": 1100},
)

COUNTS = st.integers(0, 10**7)
USAGES = st.builds(Usage, *[COUNTS] * len(Usage.__struct_fields__))
RATE = st.integers(0, 10**12)
ANY_RATES = st.builds(Rates, *[RATE] * len(fields(Rates)))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(Usage(input=1_000_000), LONG.input, id="a million in, long"),
        pytest.param(Usage(input=100_000), RATES.input // 10, id="input"),
        pytest.param(Usage(output=1_000_000), RATES.output, id="output"),
        pytest.param(Usage(thinking=1_000_000), RATES.output, id="thinking costs as output"),
        pytest.param(Usage(cache_read=100_000), RATES.cache_read // 10, id="cache read"),
        pytest.param(Usage(cache_write_short=100_000), RATES.cache_write_short // 10, id="short cache write"),
        pytest.param(Usage(cache_write_long=100_000), RATES.cache_write_long // 10, id="long cache write"),
        pytest.param(Usage(web_searches=3), 30_000_000, id="three searches"),
        pytest.param(NO_USAGE, 0, id="nothing"),
    ],
)
def test_each_bucket_has_its_own_rate(usage: Usage, expected: int) -> None:
    assert cost_nusd(PRICE, usage) == expected


def test_a_fraction_of_a_nano_dollar_rounds_up_once_for_the_call() -> None:
    cheap = Price(bands=(Band(0, Rates(1, 1, 1, 1, 1)),), source="test")

    assert cost_nusd(cheap, Usage(input=1)) == 1
    assert cost_nusd(cheap, Usage(input=500_000, output=500_000)) == 1
    assert cost_nusd(cheap, Usage(input=500_000, output=500_001)) == 2


@pytest.mark.parametrize(
    ("prompt_tokens", "expected"),
    [
        pytest.param(0, RATES, id="an empty prompt"),
        pytest.param(200_000, RATES, id="the last short prompt"),
        pytest.param(200_001, LONG, id="the first long prompt"),
    ],
)
def test_the_length_of_the_prompt_picks_the_band(prompt_tokens: int, expected: Rates) -> None:
    assert PRICE.rates(prompt_tokens) == expected


def test_cached_tokens_count_for_the_length_of_the_prompt() -> None:
    usage = Usage(input=1, cache_read=100_000, cache_write_short=50_000, cache_write_long=50_000)

    assert cost_nusd(PRICE, usage) > cost_nusd(PRICE, structs.replace(usage, input=0)) + RATES.input // 1_000_000


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        pytest.param(STANDARD, RATES, id="standard"),
        pytest.param(Mode(speed="fast"), FAST, id="by speed"),
        pytest.param(Mode(service_tier="batch"), BATCH, id="by tier"),
        pytest.param(Mode(service_tier="batch", speed="fast"), FAST, id="speed before tier"),
        pytest.param(Mode(service_tier="priority"), RATES, id="unknown modes cost the standard rates"),
    ],
)
def test_the_mode_picks_the_rates(mode: Mode, expected: Rates) -> None:
    assert PRICE.rates(10, mode) == expected


def test_a_price_without_modes_is_the_same_in_every_mode() -> None:
    plain = Price(bands=(Band(0, RATES),), source="test")

    assert plain.rates(10, Mode(speed="fast")) == RATES


def test_a_named_region_multiplies() -> None:
    usage = Usage(input=100_000)

    assert cost_nusd(PRICE, usage, Mode(geo="us")) == 330_000_000
    assert cost_nusd(PRICE, usage, Mode(geo="eu")) == 300_000_000


@given(usage=USAGES, rates=ANY_RATES)
def test_cost_is_the_exact_amount_rounded_up(usage: Usage, rates: Rates) -> None:
    cost = cost_nusd(Price(bands=(Band(0, rates),), source="test"), usage)

    exact = (
        Fraction(
            usage.input * rates.input
            + usage.billed_output * rates.output
            + usage.cache_read * rates.cache_read
            + usage.cache_write_short * rates.cache_write_short
            + usage.cache_write_long * rates.cache_write_long,
            1_000_000,
        )
        + usage.web_searches * rates.web_search
    )
    assert 0 <= cost - exact < 1


@given(usage=USAGES, rates=ANY_RATES, permille=st.integers(1000, 3000))
def test_a_region_never_makes_a_call_cheaper_than_its_surcharge(usage: Usage, rates: Rates, permille: int) -> None:
    price = Price(bands=(Band(0, rates),), source="test", geo_permille={"here": permille})

    plain, there = cost_nusd(price, usage), cost_nusd(price, usage, Mode(geo="here"))
    assert plain <= there <= -(-plain * permille // 1000)


@given(usage=USAGES, bucket=st.sampled_from(Usage.__struct_fields__), rates=ANY_RATES)
def test_using_more_never_costs_less(usage: Usage, bucket: str, rates: Rates) -> None:
    price = Price(bands=(Band(0, rates),), source="test")
    more = structs.replace(usage, **{bucket: getattr(usage, bucket) + 1})

    assert cost_nusd(price, more) >= cost_nusd(price, usage)
