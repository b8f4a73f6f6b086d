"""The rules about budgets; what each finds is in the table of test_lint.py, what decides between cases is here."""

from collections.abc import Callable
from typing import Final

import pytest

from seawall.policy.lint.judged import Finding

Judge = Callable[..., list[Finding]]

ROUTE: Final = "routes: {/a: {model: claude-opus-4-6, fallback: [gpt-6-luna], max_tokens: 1000}}\n"


@pytest.mark.parametrize(
    "budgets",
    [
        pytest.param("all: {tokens: 5}", id="of all, in tokens"),
        pytest.param("'key:*': {per_day_usd: 1}", id="of each key"),
        pytest.param("'provider:*': {per_day_usd: 1}", id="of each provider"),
        pytest.param("'model:*': {per_day_usd: 1}", id="of each model"),
        pytest.param("'provider:anthropic': {usd: 1}, 'model:gpt-6-luna': {usd: 1}", id="of all its models"),
    ],
)
def test_what_every_call_counts_against_covers_a_route(judge: Judge, budgets: str) -> None:
    assert judge(ROUTE + f"budgets: {{{budgets}, 'user:*': {{usd: 1}}}}", "budget.none") == []
    assert judge(ROUTE + f"budgets: {{{budgets}, 'user:*': {{usd: 1}}}}", "budget.label_only") == []


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("limits: {all: {calls_per_day: 5}}", id="calls are no money"),
        pytest.param("budgets: {'provider:anthropic': {usd: 1}}", id="one of two models"),
        pytest.param("budgets: {'key:one': {usd: 1}}", id="one of all keys"),
        pytest.param("budgets: {'team:*': {usd: 1}}", id="a key need not have a team"),
        pytest.param("budgets: {'user:*': {usd: 1}, 'conversation:*': {usd: 1}}", id="what callers make up"),
    ],
)
def test_what_leaves_calls_out_does_not_cover_a_route(judge: Judge, said: str) -> None:
    (finding,) = judge(ROUTE + said, "budget.none")

    assert finding.path == ("routes", "/a")


def test_where_the_client_chooses_one_provider_does_not_cover_a_route(judge: Judge) -> None:
    assert judge("routes: {/a: {}}\nbudgets: {'provider:openai': {usd: 1}}", "budget.none")


@pytest.mark.parametrize("kind", ["user", "feature", "conversation"])
def test_each_kind_that_callers_make_up_is_told(judge: Judge, kind: str) -> None:
    (finding,) = judge(ROUTE + f"budgets: {{'{kind}:*': {{usd: 1}}, '{kind}:one': {{usd: 1}}}}", "budget.label_only")

    assert finding.path == ("budgets", f"{kind}:*")
    assert finding.message == (
        f"callers name their {kind}s themselves, each new one has a budget of its own,"
        " and nothing caps the sum of them on /a"
    )
    assert finding.mend == 'add a budget for all, or for each key: "key:*"'


def test_the_ceiling_that_would_fit_is_named(judge: Judge) -> None:
    (money,) = judge(ROUTE + "budgets: {all: {usd: 0.02}}", "budget.too_small")
    (tokens,) = judge(ROUTE + "budgets: {all: {per_day_tokens: 1000, per_hour_tokens: 999}}", "budget.too_small")

    assert money.mend == "set max_tokens below 800, raise the cap, or add on_exhausted: clamp"
    assert tokens.message == ("an answer on /a may take 1,000 tokens: with 999 tokens an hour such a call never passes")
    assert tokens.mend == "set max_tokens below 998, raise the cap, or add on_exhausted: clamp"


def test_where_no_ceiling_would_fit_none_is_named(judge: Judge) -> None:
    (finding,) = judge(ROUTE + "budgets: {all: {usd: 0.00002}}", "budget.too_small")

    assert finding.mend == "raise the cap, or add on_exhausted: clamp"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ROUTE + "budgets: {all: {usd: 0.025}}", id="just enough"),
        pytest.param(ROUTE + "budgets: {all: {usd: 0}}", id="nothing is meant to pass"),
        pytest.param(ROUTE + "limits: {all: {calls_per_day: 1}}", id="calls"),
        pytest.param(ROUTE + "budgets: {'provider:openai': {usd: 0.01}}", id="the dear model is elsewhere"),
        pytest.param(
            "routes: {/a: {model: claude-opus-4-6, max_tokens: 1000, on_exhausted: clamp}}\n"
            "budgets: {all: {usd: 0.01}}",
            id="what does not fit is clamped",
        ),
        pytest.param(
            "routes: {/a: {model: gpt-6-luna, fallback: [{model: claude-opus-4-6, enabled: false}]}}\n"
            "budgets: {'provider:anthropic': {usd: 0.001}}",
            id="switched off",
        ),
        pytest.param(
            "routes: {/a: {model: text-embedding-3-small}}\nbudgets: {all: {tokens: 5}}", id="embeddings have no answer"
        ),
        pytest.param("routes: {/a: {}}\nbudgets: {all: {usd: 0.000001}}", id="the client's own model"),
    ],
)
def test_a_budget_that_is_no_smaller_than_it_has_to_be_is_quiet(judge: Judge, text: str) -> None:
    assert judge(text, "budget.too_small") == []


def test_a_models_own_ceiling_counts(judge: Judge) -> None:
    text = "routes: {/a: {model: gpt-6-luna, max_tokens: 10, fallback: [{model: claude-opus-4-6, max_tokens: 1000}]}}\n"

    (finding,) = judge(text + "budgets: {all: {usd: 0.02}}", "budget.too_small")

    assert "1,000 tokens of anthropic/claude-opus-4-6" in finding.message


@pytest.mark.parametrize(
    "budgets",
    [
        pytest.param("'team:*': {usd: 2}, 'team:a': {usd: 1}", id="less than each"),
        pytest.param("'team:*': {per_day_usd: 1}, 'team:a': {usd: 2}", id="another window"),
        pytest.param("'team:*': {usd: 1}, 'team:a': {tokens: 2000000000}", id="another unit"),
        pytest.param("'team:*': {usd: 1}, 'user:a': {usd: 2}", id="another kind"),
    ],
)
def test_a_budget_that_can_be_reached_is_quiet(judge: Judge, budgets: str) -> None:
    assert judge(ROUTE + f"budgets: {{{budgets}}}", "budget.unreachable") == []


@pytest.mark.parametrize(
    "degraded", ["fallback: [gpt-6-luna]", "degraded: {message: Later.}", "degraded: {model: gpt-6-luna}"]
)
def test_there_is_somewhere_to_degrade_to(judge: Judge, degraded: str) -> None:
    text = f"routes: {{/a: {{model: claude-opus-5, on_exhausted: degrade, {degraded}}}}}"

    assert judge(text, "budget.no_way_down") == []


def test_a_profile_that_degrades_is_where_it_is_told(judge: Judge) -> None:
    text = "routes: {/a: {profile: p}, /b: {profile: p}}\nprofiles: {p: {on_exhausted: degrade}}"

    assert {finding.path for finding in judge(text, "budget.no_way_down")} == {("profiles", "p", "on_exhausted")}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("budgets: {'model:gpt-6-luna': {usd: 1}}", id="a fallback"),
        pytest.param("budgets: {'provider:openai': {usd: 1}}", id="the provider of a fallback"),
        pytest.param("limits: {'team:nobody': {calls_per_day: 1}}", id="who calls is not known here"),
    ],
)
def test_what_a_route_uses_is_used(judge: Judge, said: str) -> None:
    assert judge(ROUTE + said, "budget.unused") == []


def test_what_the_client_may_choose_is_used(judge: Judge) -> None:
    assert judge("routes: {/a: {}}\nbudgets: {'model:gpt-6-sol': {usd: 1}}", "budget.unused") == []


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("{/a: {max_tokens: 500}}\nlimits: {all: {tokens_per_minute: 501}}", id="room for it"),
        pytest.param("{/a: {}}\nlimits: {all: {requests_per_minute: 1}}", id="calls"),
        pytest.param("{/a: {}, /b: {max_tokens: 1}}\nlimits: {'route:/b': {tokens_per_minute: 5}}", id="elsewhere"),
        pytest.param(
            "{/a: {model: text-embedding-3-small}}\nlimits: {all: {tokens_per_minute: 5}}",
            id="embeddings have no answer",
        ),
    ],
)
def test_a_burst_that_an_answer_fits_into_is_quiet(judge: Judge, said: str) -> None:
    assert judge(f"routes: {said}", "limit.too_small") == []
