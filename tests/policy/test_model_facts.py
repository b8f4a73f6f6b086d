from datetime import date
from typing import Final

import pytest

from seawall.core.traits import UNKNOWN_TRAITS, ChatTools, ThinkingOff, Traits
from seawall.policy.model_facts import facts_of, family, known_models
from seawall.policy.price_table import find_listing
from seawall.sandbox.anthropic.model import CLAUDE, Claude
from seawall.sandbox.openai.model import GPT, Gpt

_CHAT_TOOLS: Final[dict[str, ChatTools]] = {
    "any": "any",
    "none": "effort_none",
    "sent_none": "effort_none",
    "never": "responses",
}


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


@pytest.mark.parametrize("model", CLAUDE.values(), ids=lambda model: model.id)
def test_the_traits_of_a_claude_model_are_those_that_the_sandbox_holds_it_to(model: Claude) -> None:
    facts = facts_of("anthropic", model.id)
    thinking_off: ThinkingOff = "never"
    if model.can_disable or model.can_think_between_tools:
        thinking_off = "off" if model.can_disable else "between_tools"

    assert facts.traits == Traits(
        forces_tools=model.can_force_tools,
        prefills=model.can_prefill,
        mid_system=model.has_system_messages,
        thinking_off=thinking_off,
        budgeted_thinking=model.can_budget,
        efforts=facts.traits.efforts,
        output_tokens=facts.output_tokens,
        input_tokens=facts.context_tokens,
        image_tokens=facts.traits.image_tokens,
    )
    assert facts.output_tokens in {None, model.max_output}
    assert facts.context_tokens in {None, model.context}
    assert (facts.traits.image_tokens or 4_784) >= model.most_image_tokens
    assert facts.drops_sampling is not model.can_sample


@pytest.mark.parametrize("model", GPT.values(), ids=lambda model: model.id)
def test_the_traits_of_an_openai_model_are_those_that_the_sandbox_holds_it_to(model: Gpt) -> None:
    traits = facts_of("openai", model.id).traits

    assert set(traits.efforts) <= set(model.efforts)
    assert ("none" in traits.efforts) is ("none" in model.efforts)
    assert traits.chat_tools == _CHAT_TOOLS[model.tools]
    assert (traits.takes_stop, traits.output_tokens) == (model.takes_stop, model.max_output)
    assert traits.cache_marks is model.has_write_fee
    assert (traits.mid_system, traits.forces_tools) == (True, True)
    assert traits.input_tokens == model.most_input


def test_efforts_are_listed_weakest_first() -> None:
    order = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]
    models = [facts_of(dialect, model) for dialect in ("anthropic", "openai") for model in known_models(dialect)]

    assert [
        f.traits.efforts for f in models if list(f.traits.efforts) != sorted(f.traits.efforts, key=order.index)
    ] == []


def test_a_dated_id_has_the_traits_of_its_plain_name() -> None:
    assert facts_of("openai", "o3-2025-04-16").traits == facts_of("openai", "o3").traits
    assert facts_of("anthropic", "claude-opus-4-5-20251101").traits.budgeted_thinking


def test_an_unlisted_id_of_its_makers_is_taken_for_a_newer_model() -> None:
    claude = facts_of("anthropic", "claude-opus-6", is_official=True)
    gpt = facts_of("openai", "gpt-7-luna", is_official=True)

    assert (claude.is_known, claude.drops_sampling, claude.traits.output_tokens) == (False, True, None)
    assert (claude.traits.forces_tools, claude.traits.prefills, claude.traits.thinking_off) == (False, False, "never")
    assert claude.traits.efforts == ("low", "medium", "high")
    assert (gpt.wants_completion_tokens, gpt.traits.chat_tools) == (True, "responses")


@pytest.mark.parametrize("dialect", ["anthropic", "openai"])
def test_whatever_is_sent_to_an_unlisted_id_every_model_of_the_newest_takes(dialect: str) -> None:
    unlisted = facts_of(dialect, {"anthropic": "claude-x", "openai": "gpt-x"}[dialect], is_official=True).traits
    newest = {
        "anthropic": ("claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"),
        "openai": ("gpt-6-astra", "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-sol", "gpt-6-luna"),
    }[dialect]

    for traits in (facts_of(dialect, model).traits for model in newest):
        assert set(unlisted.efforts) <= set(traits.efforts)
        assert unlisted.forces_tools <= traits.forces_tools
        assert unlisted.prefills <= traits.prefills
        assert unlisted.mid_system <= traits.mid_system
        assert unlisted.budgeted_thinking <= traits.budgeted_thinking
        assert unlisted.cache_marks <= traits.cache_marks


@pytest.mark.parametrize(
    ("dialect", "model", "is_official"),
    [
        pytest.param("anthropic", "claude-opus-6", False, id="elsewhere it may be anything"),
        pytest.param("openai", "llama-4", True, id="no name of the family"),
        pytest.param("anthropic", "gpt-7", True, id="the family of another dialect"),
        pytest.param("nobody", "claude-opus-6", True, id="no dialect"),
    ],
)
def test_of_any_other_unlisted_id_nothing_is_known(dialect: str, model: str, is_official: bool) -> None:
    facts = facts_of(dialect, model, is_official=is_official)

    assert facts.traits == UNKNOWN_TRAITS
    assert not facts.drops_sampling
