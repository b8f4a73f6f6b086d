from datetime import date
from importlib import metadata
from typing import Final

import pytest
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.price import Mode, Price, cost_nusd
from seawall.core.usage import Usage
from seawall.policy import price_table
from seawall.policy.price_package import SNAPSHOT_PROVIDERS, plain_clause
from seawall.policy.price_schedule import price_on
from seawall.policy.price_table import find_listing, matches, provider_behind, upcoming_change

TODAY: Final = date(2026, 11, 21)
ANTHROPIC: Final = "https://api.anthropic.com/v1"
OPENAI: Final = "https://api.openai.com/v1"
MTOK: Final = 1_000_000


def _price(model: str, day: date = TODAY, url: str | None = None) -> Price:
    dialect = "anthropic" if model.startswith("claude") else "openai"
    listing = find_listing(url or (ANTHROPIC if dialect == "anthropic" else OPENAI), dialect, model)
    assert listing is not None, model
    price = price_on(listing.schedule, day)
    assert price is not None, model
    return price


# Input, output, cache read, short write, long write in dollars per million tokens, from the providers' price pages.
@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("claude-fable-5-2", (8, 40, 0.20, 10, 16)),
        ("claude-fable-5-1", (10, 50, 0.25, 12.5, 20)),
        ("claude-fable-5", (10, 50, 1, 12.5, 20)),
        ("claude-opus-5-5", (4, 20, 0.20, 5, 8)),
        ("claude-opus-4-8", (5, 25, 0.50, 6.25, 10)),
        ("claude-opus-4-5-20251101", (5, 25, 0.50, 6.25, 10)),
        ("claude-sonnet-5-5", (2, 10, 0.10, 2.5, 4)),
        ("claude-sonnet-5", (2, 10, 0.20, 2.5, 4)),
        ("claude-sonnet-4-6", (3, 15, 0.30, 3.75, 6)),
        ("claude-sonnet-4-5-20250929", (3, 15, 0.30, 3.75, 6)),
        ("claude-haiku-5-5", (0.10, 0.50, 0.01, 0.125, 0.20)),
        ("claude-haiku-4-5", (1, 5, 0.10, 1.25, 2)),
        ("claude-mythos-5", (10, 50, 1, 12.5, 20)),
        ("claude-mythos-5-1", (10, 50, 0.25, 12.5, 20)),
        ("claude-mythos-5-2", (8, 40, 0.20, 10, 16)),
        ("claude-3-haiku-20240307", (0.25, 1.25, 0.03, 0.30, 0.50)),
        ("claude-3-sonnet-20240229", (3, 15, 0.30, 3.75, 6)),
        ("gpt-6-astra", (10, 50, 1, 12.5, 25)),
        ("gpt-6.1-sol", (2, 10, 0.10, 2.5, 5)),
        ("gpt-6-sol", (2, 10, 0.20, 2.5, 5)),
        ("gpt-6.1-terra", (1, 5, 0.05, 1.25, 2.5)),
        ("gpt-6-luna", (0.10, 0.50, 0.01, 0.125, 0.25)),
        ("gpt-5.6-sol", (4, 20, 0.40, 5, 10)),
        ("gpt-5.6-luna", (0.20, 1.20, 0.02, 0.25, 0.50)),
        ("gpt-5.5", (5, 30, 0.50, 5, 5)),
        ("gpt-5.4-mini", (0.75, 4.5, 0.075, 0.75, 0.75)),
        ("gpt-4o-mini", (0.15, 0.60, 0.075, 0.15, 0.15)),
        ("text-embedding-3-small", (0.02, 0, 0.02, 0.02, 0.02)),
    ],
)
def test_a_million_tokens_of_each_kind_cost_what_the_price_page_says(model: str, rates: tuple[float, ...]) -> None:
    price = _price(model)
    kinds = ("input", "output", "cache_read", "cache_write_short", "cache_write_long")

    # In calls of 10,000 tokens, so that no long-context band begins.
    cost = [cost_nusd(price, Usage(**{kind: 10_000})) * 100 for kind in kinds]

    assert cost == [round(rate * 10**9) for rate in rates]


@pytest.mark.parametrize(
    ("model", "usage", "nusd"),
    [
        pytest.param("claude-haiku-5-5", Usage(input=100_000, output=1000), 10_500_000, id="haiku up to 100,000"),
        pytest.param("claude-haiku-5-5", Usage(input=100_001, output=1000), 52_500_500, id="haiku above, answer too"),
        pytest.param(
            "claude-haiku-5-5",
            Usage(input=1, cache_read=50_000, cache_write_short=50_000, output=1000),
            36_250_500,
            id="haiku: cached tokens count",
        ),
        pytest.param("gpt-6.1-sol", Usage(input=272_000), 544_000_000, id="sol up to 272,000"),
        pytest.param("gpt-6.1-sol", Usage(input=272_001, output=10), 1_088_154_000, id="sol above, whole request"),
        pytest.param("claude-opus-5-5", Usage(web_searches=3), 30_000_000, id="three web searches"),
        pytest.param("claude-3-haiku-20240307", Usage(web_searches=1), 10_000_000, id="a search is never free"),
        pytest.param("claude-fable-5-1", Usage(cache_read=1), 250, id="one token"),
        pytest.param("claude-haiku-5-5", Usage(cache_read=1), 10, id="the cheapest token"),
    ],
)
def test_a_call_worked_out_by_hand(model: str, usage: Usage, nusd: int) -> None:
    assert cost_nusd(_price(model), usage) == nusd


@pytest.mark.parametrize(
    ("model", "mode", "permille"),
    [
        ("claude-opus-5-5", Mode(speed="fast"), 2000),
        ("claude-opus-5-5", Mode(service_tier="batch"), 500),
        ("claude-opus-5-5", Mode(service_tier="standard"), 1000),
        ("claude-opus-5-5", Mode(geo="us"), 1100),
        ("claude-opus-5-5", Mode(geo="global"), 1000),
        ("claude-opus-5-5", Mode(service_tier="batch", geo="us"), 550),
        ("claude-sonnet-4-5", Mode(geo="us"), 1000),
        ("claude-mythos-5", Mode(service_tier="batch"), 500),
        ("gpt-6.1-sol", Mode(service_tier="flex"), 500),
        ("gpt-6.1-sol", Mode(service_tier="priority"), 2000),
        ("gpt-6.1-sol", Mode(service_tier="ultrafast"), 6000),
        ("gpt-6.1-terra", Mode(service_tier="ultrafast"), 1000),
        ("gpt-5.5", Mode(service_tier="priority"), 2500),
        ("gpt-5.4", Mode(service_tier="default"), 1000),
    ],
)
def test_a_mode_multiplies_the_price(model: str, mode: Mode, permille: int) -> None:
    usage = Usage(input=1000, output=1000)

    assert cost_nusd(_price(model), usage, mode) * 1000 == cost_nusd(_price(model), usage) * permille


def test_what_the_table_has_for_all_time_is_dated_here() -> None:
    read = Usage(cache_read=MTOK)

    assert cost_nusd(_price("claude-sonnet-5-5", date(2026, 10, 6)), read) == 200_000_000
    assert cost_nusd(_price("claude-sonnet-5-5", date(2026, 10, 7)), read) == 100_000_000


def test_the_source_names_the_table_and_its_version() -> None:
    assert _price("claude-haiku-5-5").source == "genai-prices 0.2.3"
    assert _price("gpt-6.1-sol").source == "genai-prices 0.2.3, corrected"
    assert _price("claude-mythos-5").source == "seawall's own table"


@pytest.mark.parametrize("model", ["claude-nobody", "gpt-99", ""])
def test_a_model_that_nobody_knows_has_no_listing(model: str) -> None:
    assert find_listing(ANTHROPIC, "anthropic", model) is None


def test_a_model_that_is_known_without_a_usable_price_has_an_empty_schedule() -> None:
    listing = find_listing(OPENAI, "openai", "gpt-realtime")

    assert listing is not None
    assert listing.schedule == ()


def test_an_address_of_nobody_has_the_prices_of_its_dialect() -> None:
    assert _price("claude-opus-5-5", url="http://127.0.0.1:9/v1") == _price("claude-opus-5-5")


def test_an_address_of_somebody_else_has_their_prices() -> None:
    listing = find_listing("https://api.groq.com/openai/v1", "openai", "llama-3.1-8b-instant")

    assert listing is not None
    assert (listing.provider, bool(listing.schedule)) == ("groq", True)
    assert find_listing("https://api.groq.com/openai/v1", "openai", "gpt-6.1-sol") is None


def test_another_version_of_the_package_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    # The one thing that cannot be arranged for real: that another version is installed.
    monkeypatch.setattr(metadata, "version", lambda _: "9.9.9")
    price_table._snapshot_holds.cache_clear()
    try:
        listing = find_listing(ANTHROPIC, "anthropic", "claude-opus-5-5")
        nobody = find_listing(ANTHROPIC, "anthropic", "claude-nobody")
    finally:
        price_table._snapshot_holds.cache_clear()

    assert nobody is None
    assert listing is not None
    assert price_on(listing.schedule, TODAY) == _price("claude-opus-5-5")


def test_an_address_is_known_by_its_pattern() -> None:
    assert provider_behind(ANTHROPIC) == "anthropic"
    assert provider_behind(OPENAI) == "openai"
    assert provider_behind("https://gateway.example/v1") is None


def test_the_next_change_of_the_table_is_known() -> None:
    change = upcoming_change(date(2026, 10, 1))

    assert change is not None
    assert change > date(2026, 10, 1)
    assert upcoming_change(date(2999, 1, 1)) is None


NAMES = st.sampled_from([model.id for p in providers if p.id in SNAPSHOT_PROVIDERS for model in p.models])
SUFFIXES = st.sampled_from(["", "-20251001", "-2026-04-23", "-latest", "@20251001", "-v1", ".ft-x", "x"])


@given(name=NAMES, suffix=SUFFIXES, provider=st.sampled_from(SNAPSHOT_PROVIDERS))
def test_names_match_as_they_do_in_the_package(name: str, suffix: str, provider: str) -> None:
    text = (name + suffix).lower()
    theirs = next(p for p in providers if p.id == provider)

    found = next((model.id for model in theirs.models if matches(plain_clause(model.match), text)), None)

    expected = theirs._match_model(text)  # what find_model does before it rewrites dates
    assert found == (None if expected is None else expected.id)


@pytest.mark.parametrize(
    ("clause", "text", "expected"),
    [
        ({"and": [{"starts_with": "a"}, {"ends_with": "c"}]}, "abc", True),
        ({"and": [{"starts_with": "a"}, {"ends_with": "d"}]}, "abc", False),
        ({"contains": "b"}, "abc", True),
        ({"contains": "x"}, "abc", False),
    ],
)
def test_rules_of_matching_are_followed(clause: dict[str, object], text: str, expected: bool) -> None:
    assert matches(clause, text) is expected
