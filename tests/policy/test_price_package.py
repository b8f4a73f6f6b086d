import re
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, Decimal
from typing import Final

import genai_prices
import orjson
import pytest
from genai_prices import types
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.price import Mode, Rates, cost_nusd
from seawall.core.usage import Usage
from seawall.policy.price_package import (
    SNAPSHOT,
    SNAPSHOT_PROVIDERS,
    find_schedule,
    plain_clause,
    provider_id_of,
    schedule_of,
    snapshot,
)
from seawall.policy.price_schedule import price_on

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
# What the package is asked, and what an answer says of itself, for the same thing.
MODES: Final = {
    "anthropic": {
        "standard": (None, Mode(service_tier="standard")),
        "batch": ({"processing": "batch"}, Mode(service_tier="batch")),
        "fast": ({"speed": "fast"}, Mode(speed="fast")),
    },
    "openai": {
        "standard": (None, Mode(service_tier="default")),
        "batch": ({"processing": "batch"}, Mode(service_tier="batch")),
        "flex": ({"service_tier": "flex"}, Mode(service_tier="flex")),
        "fast": ({"service_tier": "fast"}, Mode(service_tier="fast")),
        "priority": ({"service_tier": "priority"}, Mode(service_tier="priority")),
    },
}
MODELS: Final = {
    f"{provider.id}/{model.id}": (provider, model)
    for provider in providers
    if provider.id in SNAPSHOT_PROVIDERS
    for model in provider.models
    if schedule_of(model)
}
CASES: Final = [(name, mode) for name, (provider, _) in MODELS.items() for mode in MODES[provider.id]]
# Every bucket alone and all together, on both sides of every band that there is.
EDGES: Final = [
    Usage(**{kind: tokens}, output=7, web_searches=1)
    for tokens in (1, 100_000, 100_001, 200_000, 200_001, 272_000, 272_001)
    for kind in ("input", "cache_read", "cache_write_short", "cache_write_long")
] + [Usage(3, 5, 7, 11, 13, 17, 2)]

TOKENS = st.integers(0, 400_000)
USAGES = st.builds(
    Usage,
    input=TOKENS,
    cache_read=TOKENS,
    cache_write_short=TOKENS,
    cache_write_long=TOKENS,
    output=TOKENS,
    thinking=TOKENS,
    web_searches=st.integers(0, 50),
)


def _package_nusd(name: str, mode: str, usage: Usage) -> int:
    provider, model = MODELS[name]
    asked = genai_prices.Usage(
        input_tokens=usage.prompt,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_short + usage.cache_write_long,
        cache_write_1h_tokens=usage.cache_write_long,
        output_tokens=usage.billed_output,
        web_searches=usage.web_searches,
    )
    context = MODES[provider.id][mode][0]
    found = model.calc_price(asked, provider, genai_request_timestamp=NOON, price_context=context)
    return int((found.total_price * 10**9).to_integral_value(rounding=ROUND_CEILING))


def _our_nusd(name: str, mode: str, usage: Usage) -> int:
    provider, model = MODELS[name]
    price = price_on(schedule_of(model) or (), NOON.date())
    assert price is not None
    return cost_nusd(price, usage, MODES[provider.id][mode][1])


@given(case=st.sampled_from(CASES), usage=USAGES)
def test_any_call_costs_what_the_package_says_to_the_nano_dollar(case: tuple[str, str], usage: Usage) -> None:
    assert _our_nusd(*case, usage) == _package_nusd(*case, usage)


@pytest.mark.parametrize("provider", SNAPSHOT_PROVIDERS)
def test_every_model_and_mode_agrees_at_the_edges_of_every_band(provider: str) -> None:
    cases = [case for case in CASES if case[0].startswith(f"{provider}/")]
    different = [
        (case, usage) for case in cases for usage in EDGES if _our_nusd(*case, usage) != _package_nusd(*case, usage)
    ]

    assert different == []


def test_no_digit_of_a_price_is_lost() -> None:
    stated = [value for _, model in MODELS.values() for value in model.get_prices(NOON).__dict__.values()]
    amounts = [value for value in stated if isinstance(value, Decimal)]
    amounts += [value.base for value in stated if isinstance(value, types.TieredPrices)]

    assert len(amounts) > len(MODELS)
    assert [amount for amount in amounts if (amount * 10**9) % 1] == []


def test_the_snapshot_is_what_the_installed_package_says() -> None:
    assert orjson.loads(SNAPSHOT.read_bytes()) == orjson.loads(orjson.dumps(snapshot())), (
        "run python -m seawall.policy.price_package"
    )


def test_an_address_belongs_to_its_provider() -> None:
    assert provider_id_of("https://api.openai.com/v1") == "openai"
    assert provider_id_of("https://api.groq.com/openai/v1") == "groq"
    assert provider_id_of("http://127.0.0.1:8000/v1") is None


def test_a_model_is_found_at_other_providers_too() -> None:
    found = find_schedule("groq", "llama-3.1-8b-instant")

    assert found is not None
    assert found[1]
    assert find_schedule("groq", "nobody") is None


@pytest.mark.parametrize("model", ["gpt-audio", "gpt-realtime", "whisper-1", "gpt-image-1", "moderation"])
def test_a_price_that_depends_on_what_is_not_counted_is_unknown(model: str) -> None:
    found = find_schedule("openai", model)

    assert found is not None
    assert found[1] == ()


def _model(prices: types.ModelPrice | list[types.ConditionalPrice], id_: str = "m") -> types.ModelInfo:
    return types.ModelInfo(id=id_, match=types.ClauseEquals(id_), prices=prices)


def test_a_price_by_the_hour_is_the_dearest_of_the_day() -> None:
    night = types.TimeOfDateConstraint(time(16, 30, tzinfo=UTC), time(0, 30, tzinfo=UTC))
    dear = types.ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(3))
    cheap = types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(4))
    model = _model([types.ConditionalPrice(prices=dear), types.ConditionalPrice(constraint=night, prices=cheap)])

    price = price_on(schedule_of(model) or (), NOON.date())

    assert price is not None
    assert price.bands[0].rates == Rates(2 * 10**9, 4 * 10**9, 2 * 10**9, 2 * 10**9, 2 * 10**9)


def test_a_dated_price_begins_on_its_day() -> None:
    later = types.StartDateConstraint(date(2026, 12, 1))
    model = _model(
        [
            types.ConditionalPrice(prices=types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1))),
            types.ConditionalPrice(
                constraint=later, prices=types.ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(2))
            ),
        ]
    )

    schedule = schedule_of(model)

    assert schedule is not None
    assert [period.starts for period in schedule] == [None, date(2026, 12, 1)]
    assert [period.price.bands[0].rates.input for period in schedule] == [10**9, 2 * 10**9]


@pytest.mark.parametrize(
    "prices",
    [
        pytest.param({"output_mtok": Decimal(1)}, id="no input"),
        pytest.param({"input_mtok": Decimal(1)}, id="no output"),
        pytest.param({"input_mtok": Decimal(1), "output_mtok": Decimal(1), "requests_kcount": Decimal(1)}, id="a fee"),
    ],
)
def test_an_incomplete_price_is_unknown(prices: dict[str, Decimal]) -> None:
    assert schedule_of(_model(types.ModelPrice(**prices))) is None


def test_an_embedding_has_no_output() -> None:
    schedule = schedule_of(_model(types.ModelPrice(input_mtok=Decimal("0.02")), "text-embedding-x"))

    assert schedule is not None
    assert schedule[0].price.bands[0].rates.output == 0


def test_a_mode_that_only_some_hours_have_a_price_for_is_unknown() -> None:
    variant = types.PriceVariant(when={"speed": "fast"}, prices=types.ModelPrice(input_audio_mtok=Decimal(1)))
    model = _model(types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)))
    model.price_variants = [variant]

    assert schedule_of(model) is None


def test_a_variant_of_several_conditions_is_no_mode() -> None:
    when = {"speed": "fast", "service_tier": "flex"}
    model = _model(types.ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(1)))
    model.price_variants = [types.PriceVariant(when=when, prices=types.ModelPrice(input_mtok=Decimal(9)))]

    schedule = schedule_of(model)

    assert schedule is not None
    assert schedule[0].price.modes == {}


def test_every_rule_of_matching_can_be_written_down() -> None:
    clause = types.ClauseAnd(
        and_=[
            types.ClauseOr(or_=[types.ClauseEquals("A"), types.ClauseStartsWith("B")]),
            types.ClauseEndsWith("C"),
            types.ClauseContains("D"),
            types.ClauseRegex("^e$"),
        ]
    )

    assert plain_clause(clause) == {
        "and": [
            {"or": [{"equals": "a"}, {"starts_with": "b"}]},
            {"ends_with": "c"},
            {"contains": "d"},
            {"regex": "^e$"},
        ]
    }


def test_an_unknown_rule_of_matching_is_refused() -> None:
    with pytest.raises(TypeError, match=re.escape("str is a rule")):
        plain_clause("x")
