from datetime import date

import pytest

from seawall.policy.model_facts import facts_of, family, known_models
from seawall.policy.price_table import find_listing


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("claude-haiku-5-5", "anthropic"),
        ("gpt-6-luna", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("o1", "openai"),
        ("o4-mini", "openai"),
        ("text-embedding-3-small", "openai"),
        ("codex-mini-latest", "openai"),
        ("llama-4", None),
        ("o5", None),
        ("o10", None),
        ("my-claude-3", None),
    ],
)
def test_a_bare_name_tells_its_family(model: str, dialect: str | None) -> None:
    assert family(model) == dialect


@pytest.mark.parametrize(
    ("model", "floats", "snapshot"),
    [
        pytest.param("claude-haiku-5-5", False, "", id="an id without a date, the only one"),
        pytest.param("claude-haiku-4-5", True, "claude-haiku-4-5-20251001", id="an alias of a dated id"),
        pytest.param("claude-haiku-4-5-20251001", False, "", id="the dated id"),
        pytest.param("claude-3-5-haiku-latest", True, "", id="latest"),
        pytest.param("gpt-5.5", True, "gpt-5.5-2026-04-23", id="an OpenAI alias"),
        pytest.param("gpt-5.5-2026-04-23", False, "", id="an OpenAI snapshot"),
        pytest.param("gpt-6-luna", False, "", id="an OpenAI id without snapshots"),
        pytest.param("llama-latest", True, "", id="latest of nobody"),
        pytest.param("llama-4", False, "", id="nobody's"),
    ],
)
def test_a_floating_name_is_known_with_what_it_stands_for(model: str, floats: bool, snapshot: str) -> None:
    facts = facts_of(family(model) or "openai", model)

    assert (facts.is_floating, facts.snapshot) == (floats, snapshot)


@pytest.mark.parametrize(
    ("model", "day"),
    [
        ("claude-3-haiku-20240307", date(2026, 4, 20)),
        ("claude-3-sonnet-20240229", date(2025, 7, 21)),
        ("claude-sonnet-4-5-20250929", date(2026, 11, 30)),
        ("claude-opus-4-20250514", date(2026, 6, 15)),
        ("claude-opus-5-5", None),
        ("gpt-4o-2024-05-13", date(2026, 10, 23)),
        ("gpt-4o-2024-11-20", date(2027, 1, 14)),
        ("gpt-5", date(2026, 12, 11)),
        ("gpt-6-luna", None),
    ],
)
def test_the_day_of_a_models_end_is_known(model: str, day: date | None) -> None:
    assert facts_of(family(model) or "", model).retires_on == day


@pytest.mark.parametrize(
    ("model", "drops"),
    [
        ("claude-opus-5-5", True),
        ("claude-opus-4-7", True),
        ("claude-sonnet-5-20260801", True),
        ("claude-haiku-5-5", True),
        ("claude-opus-4-6", False),
        ("claude-sonnet-4-5", False),
        ("gpt-6-astra", True),
        ("gpt-6-sol", False),
    ],
)
def test_it_is_known_which_models_refuse_sampling(model: str, drops: bool) -> None:
    assert facts_of(family(model) or "", model).drops_sampling is drops


@pytest.mark.parametrize(
    ("model", "wants"),
    [("gpt-6-sol", True), ("o3", True), ("gpt-4o", False), ("gpt-4.1-mini", False), ("llama", False)],
)
def test_it_is_known_which_models_want_the_newer_field(model: str, wants: bool) -> None:
    assert facts_of("openai", model).wants_completion_tokens is wants


def test_of_a_dialect_that_nobody_knows_nothing_is_known() -> None:
    assert not facts_of("nobody", "claude-haiku-5-5").is_known
    assert known_models("nobody") == ()


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_what_is_advised_instead_is_current_and_has_a_price(dialect: str) -> None:
    advised = {facts.instead for model in known_models(dialect) if (facts := facts_of(dialect, model)).instead}
    url = {"anthropic": "https://api.anthropic.com/v1", "openai": "https://api.openai.com/v1"}[dialect]

    listings = {model: find_listing(url, dialect, model) for model in advised}

    assert [model for model in advised if facts_of(dialect, model).retires_on is not None] == []
    assert [model for model, listing in listings.items() if listing is None or not listing.schedule] == []


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_every_listed_name_is_of_its_family(dialect: str) -> None:
    assert [model for model in known_models(dialect) if family(model) != dialect] == []
