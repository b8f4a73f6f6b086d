from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core import worst_case
from seawall.core.price import Band, Mode, Price, Rates, cost_nusd
from seawall.core.usage import Usage
from seawall.core.worst_case import Bound, worst_nusd

RATES: Final = Rates(1_000_000, 5_000_000, 100_000, 1_250_000, 2_000_000, web_search=10)
PLAIN: Final = Price((Band(0, RATES),), "test")
MODES: Final = ("flex", "priority", "fast", "ultrafast", "batch", "scale")
COUNTS: Final = st.integers(0, 10**6)
RATE: Final = st.integers(0, 10**10)
RATES_: Final = st.builds(Rates, RATE, RATE, RATE, RATE, RATE, RATE)
BANDS: Final = st.lists(st.integers(1, 10**6), max_size=3, unique=True).flatmap(
    lambda starts: st.tuples(*[st.builds(Band, st.just(start), RATES_) for start in [0, *sorted(starts)]])
)
PRICES: Final = st.builds(
    Price,
    BANDS,
    st.just("test"),
    st.dictionaries(st.sampled_from(MODES), BANDS, max_size=3),
    st.dictionaries(st.sampled_from(["us", "eu"]), st.integers(500, 2_000), max_size=2),
)
TIERS: Final = ("", "auto", "default", "standard_only", "flex", "priority", "fast", "ultrafast", "never heard of")
CHOSEN: Final = {"auto": ("flex", "priority", "scale"), "priority": ("fast",), "fast": ("priority",)}


@st.composite
def _served(draw: st.DrawFn, bound: Bound) -> Mode:
    """Draw how a provider may serve what was asked for so."""
    tiers = MODES if bound.service_tier == "never heard of" else CHOSEN.get(bound.service_tier, ())
    speeds = MODES if bound.speed == "turbo" else (bound.speed,)
    geos = ("us", "eu") if not bound.geo else (bound.geo,)
    return Mode(
        draw(st.sampled_from(["", bound.service_tier, *tiers])),
        draw(st.sampled_from(["", *speeds])),
        draw(st.sampled_from(["", *geos])),
    )


@st.composite
def _cases(draw: st.DrawFn) -> tuple[Bound, Usage, Mode]:
    short, long = draw(st.booleans()), draw(st.booleans())
    usage = Usage(
        draw(COUNTS),
        draw(COUNTS),
        draw(COUNTS) if short else 0,
        draw(COUNTS) if long else 0,
        draw(COUNTS),
        draw(COUNTS),
        draw(st.integers(0, 9)),
    )
    bound = Bound(
        usage.prompt + draw(COUNTS),
        usage.billed_output + draw(COUNTS),
        usage.web_searches + draw(st.integers(0, 3)),
        writes_short=short,
        writes_long=long,
        service_tier=draw(st.sampled_from(TIERS)),
        speed=draw(st.sampled_from(["", "standard", "fast", "turbo"])),
        geo=draw(st.sampled_from(["", "us", "global"])),
    )
    return bound, usage, draw(_served(bound))


@given(price=PRICES, case=_cases())
def test_nothing_within_a_bound_costs_more(price: Price, case: tuple[Bound, Usage, Mode]) -> None:
    bound, usage, mode = case

    assert cost_nusd(price, usage, mode) <= worst_nusd(price, bound)


@given(price=BANDS.map(lambda bands: Price(bands, "test")), tokens=COUNTS, output=COUNTS)
def test_some_call_within_the_bound_costs_just_that(price: Price, tokens: int, output: int) -> None:
    ends = [tokens, *(band.above_tokens for band in price.bands if band.above_tokens < tokens)]
    usages = [usage for end in ends for usage in (Usage(end, output=output), Usage(cache_read=end, output=output))]

    assert worst_nusd(price, Bound(tokens, output)) == max(cost_nusd(price, usage) for usage in usages)


def test_a_bound_without_input_is_no_bound() -> None:
    with pytest.raises(ValueError, match="a file"):
        worst_nusd(PLAIN, Bound(None, 1, why="a file"))


def test_nothing_used_costs_nothing() -> None:
    assert worst_nusd(PLAIN, Bound(0, 0)) == 0


@pytest.mark.parametrize(
    ("bound", "nusd"),
    [
        pytest.param(Bound(100, 0), 100, id="input"),
        pytest.param(Bound(100, 10), 150, id="input and output"),
        pytest.param(Bound(100, 0, 3), 130, id="searches"),
        pytest.param(Bound(100, 0, writes_short=True), 125, id="short writes"),
        pytest.param(Bound(100, 0, writes_long=True), 200, id="long writes"),
        pytest.param(Bound(1, 0, writes_short=True), 2, id="rounded up"),
    ],
)
def test_each_part_has_its_dearest_rate(bound: Bound, nusd: int) -> None:
    assert worst_nusd(PLAIN, bound) == nusd


def test_a_band_that_is_cheaper_further_on_is_priced_where_it_ends() -> None:
    price = Price((Band(0, RATES), Band(50, replace(RATES, input=1_000, cache_read=0))), "test")

    assert worst_nusd(price, Bound(60, 0)) == 50
    assert worst_nusd(price, Bound(50, 0)) == 50
    assert worst_nusd(price, Bound(40, 0)) == 40


@pytest.mark.parametrize(
    ("tier", "speed", "nusd"),
    [
        pytest.param("default", "", 100, id="standard"),
        pytest.param("auto", "", 300, id="the provider chooses, but not what is only asked for"),
        pytest.param("fast", "", 700, id="asked for"),
        pytest.param("", "fast", 700, id="speed asked for"),
        pytest.param("turbo", "", 700, id="a tier nobody knows"),
        pytest.param("", "turbo", 700, id="a speed nobody knows"),
        pytest.param("flex", "", 100, id="cheaper, and not to be relied on"),
    ],
)
def test_the_dearest_mode_that_may_serve_counts(tier: str, speed: str, nusd: int) -> None:
    def mode(times: int) -> tuple[Band, ...]:
        return (Band(0, Rates(times * 1_000_000, 0, 0, 0, 0)),)

    modes = {"priority": mode(3), "fast": mode(7)} if tier != "flex" else {"flex": (Band(0, Rates(1, 0, 0, 0, 0)),)}

    assert worst_nusd(replace(PLAIN, modes=modes), Bound(100, 0, service_tier=tier, speed=speed)) == nusd


@pytest.mark.parametrize(("geo", "nusd"), [("us", 110), ("global", 100), ("", 110)])
def test_where_nobody_asks_for_a_region_the_account_decides(geo: str, nusd: int) -> None:
    assert worst_nusd(replace(PLAIN, geo_permille={"us": 1_100}), Bound(100, 0, geo=geo)) == nusd


def test_what_is_kept_of_a_price_is_bounded_and_never_another_ones() -> None:
    for number in range(1, 3_000):
        price = Price((Band(0, Rates(number * 1_000_000, 0, 0, 0, 0)),), "test")

        assert [worst_nusd(price, Bound(1, 0, geo=f"{number % 7}")) for _ in range(2)] == [number, number]

    assert len(worst_case._KEPT) <= 1_024
