from collections.abc import Callable
from datetime import UTC
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.account import Unit
from seawall.core.holder import KINDS, Kind
from seawall.core.money import NUSD_PER_USD
from seawall.core.rate import Rate
from seawall.core.window import Period
from seawall.guards.budget.settings import Budget
from seawall.guards.limits.settings import Limit
from seawall.policy.compile import Compiled
from seawall.policy.document import PolicyDocument
from seawall.policy.plan import CompiledPolicy
from seawall.policy.roster import Roster
from seawall.policy.spending import cap_text, concerns, doubled, rate_text, stated

Compile = Callable[..., Compiled]
Faults = Callable[[str], list[str]]

ROUTES: Final = "routes: {/a: {model: claude-haiku-5-5}, /b: {}}\n"
USD: Final = NUSD_PER_USD


@pytest.fixture
def policy(compiled: Compile) -> Callable[[str], CompiledPolicy]:
    """Compile what is said of budgets and limits, beside two routes."""

    def run(text: str) -> CompiledPolicy:
        result = compiled(ROUTES + text)
        assert result.policy is not None, result.faults
        return result.policy

    return run


Policy = Callable[[str], CompiledPolicy]


@pytest.mark.parametrize(
    ("key", "unit", "period"),
    [
        ("per_minute_usd", Unit.NUSD, Period.MINUTE),
        ("per_hour_usd", Unit.NUSD, Period.HOUR),
        ("per_day_usd", Unit.NUSD, Period.DAY),
        ("per_month_usd", Unit.NUSD, Period.MONTH),
        ("usd", Unit.NUSD, Period.LIFETIME),
        ("per_hour_tokens", Unit.TOKENS, Period.HOUR),
        ("per_day_tokens", Unit.TOKENS, Period.DAY),
        ("per_month_tokens", Unit.TOKENS, Period.MONTH),
        ("tokens", Unit.TOKENS, Period.LIFETIME),
    ],
)
def test_each_cap_counts_its_unit_in_its_window(policy: Policy, key: str, unit: Unit, period: Period) -> None:
    (budget,) = policy(f"budgets: {{'team:*': {{{key}: 3}}}}").budgets

    assert budget == Budget("team", "*", unit, period, 3 * USD if unit is Unit.NUSD else 3)


def test_all_has_no_name(policy: Policy) -> None:
    assert policy("budgets: {all: {usd: 1}}").budgets == (Budget("all", "", Unit.NUSD, Period.LIFETIME, USD),)


def test_a_time_zone_decides_when_the_windows_begin(policy: Policy) -> None:
    compiled = policy(
        "budgets: {all: {per_day_usd: 1, time_zone: Europe/Berlin}}\n"
        "limits: {all: {calls_per_day: 5, time_zone: Asia/Tokyo}}"
    )

    assert [str(budget.zone) for budget in compiled.budgets] == ["Asia/Tokyo", "Europe/Berlin"]
    assert compiled.budgets[1].zone == ZoneInfo("Europe/Berlin")


def test_the_usual_time_zone_is_utc(policy: Policy) -> None:
    assert policy("budgets: {all: {per_day_usd: 1}}").budgets[0].zone is UTC


def test_a_routes_own_budget_is_one_of_the_policys(compiled: Compile) -> None:
    policy = compiled("routes: {/a: {budget_per_day_usd: 20}}").policy

    assert policy is not None
    assert policy.budgets == (Budget("route", "/a", Unit.NUSD, Period.DAY, 20 * USD),)


def test_calls_a_day_are_a_budget_and_rates_are_limits(policy: Policy) -> None:
    compiled = policy(
        "limits: {'user:*': {calls_per_day: 200, requests_per_minute: 20, tokens_per_minute: 900, burst_tokens: 50}}"
    )

    assert compiled.budgets == (Budget("user", "*", Unit.CALLS, Period.DAY, 200),)
    assert compiled.limits == (
        Limit("user", "*", "requests", Rate(per_minute=20, burst=20)),
        Limit("user", "*", "tokens", Rate(per_minute=900, burst=50)),
    )


def test_a_burst_of_requests_is_what_the_policy_says(policy: Policy) -> None:
    compiled = policy("limits: {all: {requests_per_minute: 60, burst: 5}}")

    assert compiled.limits == (Limit("all", "", "requests", Rate(per_minute=60, burst=5)),)


def test_a_bare_model_gets_its_provider(policy: Policy) -> None:
    compiled = policy(
        "budgets: {'model:gpt-6-luna': {usd: 1}}\nlimits: {'model:claude-opus-5': {requests_per_minute: 1}}"
    )

    assert [budget.name for budget in compiled.budgets] == ["openai/gpt-6-luna"]
    assert [limit.name for limit in compiled.limits] == ["anthropic/claude-opus-5"]


@given(usd=st.floats(0, 1e9).filter(lambda usd: usd == 0 or usd >= 1e-9))
def test_a_cap_is_never_rounded_up(usd: float) -> None:
    cap = _cap_of(usd)

    exact = Fraction(repr(usd)) * USD
    assert cap <= exact < cap + 1


def _cap_of(usd: float) -> int:
    document = PolicyDocument.model_validate({"routes": {"/a": {}}, "budgets": {"all": {"usd": usd}}})
    return stated(document, Roster({})).budgets_in_force[0].cap


def test_of_two_budgets_for_the_same_the_smaller_holds(compiled: Compile) -> None:
    text = "routes: {{/a: {{budget_per_day_usd: {own}}}}}\nbudgets: {{'route:/a': {{per_day_usd: {other}}}}}"

    policies = [compiled(text.format(own=own, other=other)).policy for own, other in ((5, 9), (9, 5), (5, 5))]

    assert [[budget.cap for budget in policy.budgets] for policy in policies if policy] == [[5 * USD]] * 3


def test_budgets_in_two_time_zones_both_hold(compiled: Compile) -> None:
    policy = compiled(
        "routes: {/a: {budget_per_day_usd: 5}}\n"
        "budgets: {'route:/a': {per_day_usd: 9, usd: 3, time_zone: Europe/Berlin}}"
    ).policy

    assert policy is not None
    assert [budget.cap for budget in policy.budgets] == [3 * USD, 9 * USD, 5 * USD]


def test_a_lifetime_has_no_time_zone(policy: Policy) -> None:
    compiled = policy(
        "budgets: {'model:gpt-6-luna': {usd: 2, time_zone: Europe/Berlin}, 'model:openai/gpt-6-luna': {usd: 3}}"
    )

    assert [budget.cap for budget in compiled.budgets] == [2 * USD]


def test_of_two_limits_for_the_same_the_slower_holds(policy: Policy) -> None:
    compiled = policy(
        "limits: {'model:gpt-6-luna': {requests_per_minute: 9, burst: 2},"
        " 'model:openai/gpt-6-luna': {requests_per_minute: 5}}"
    )

    assert compiled.limits == (Limit("model", "openai/gpt-6-luna", "requests", Rate(per_minute=5, burst=2)),)


def test_the_order_is_from_the_root_to_the_leaf_whatever_the_document_has(policy: Policy) -> None:
    names = ["conversation:*", "user:u", "user:*", "key:*", "route:/a", "team:*", "model:*", "provider:*", "all"]
    said = [f"{name!r}: {{usd: 1, per_day_usd: 1, per_day_tokens: 1}}" for name in names]

    one = policy(f"budgets: {{{', '.join(said)}}}").budgets
    other = policy(f"budgets: {{{', '.join(reversed(said))}}}").budgets

    assert one == other
    ranks = [KINDS.index(budget.kind) for budget in one]
    assert ranks == sorted(ranks)
    assert [(budget.kind, budget.name) for budget in one if budget.kind == "user"][::3] == [
        ("user", "*"),
        ("user", "u"),
    ]


def test_what_is_doubled_is_told_with_what_holds() -> None:
    document = PolicyDocument.model_validate(
        {
            "routes": {"/a": {"budget_per_day_usd": 5}, "/b": {"budget_per_day_usd": 5}},
            "budgets": {"route:/a": {"per_day_usd": 9}, "route:/b": {"per_day_usd": 1}},
        }
    )

    pairs = [(lost.path, held.path) for lost, held in doubled(stated(document, Roster({})).budgets)]

    assert pairs == [
        (("budgets", "route:/a", "per_day_usd"), ("routes", "/a", "budget_per_day_usd")),
        (("routes", "/b", "budget_per_day_usd"), ("budgets", "route:/b", "per_day_usd")),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "budgets: {'route:/aa': {usd: 1}}",
            'p.yaml:2:24 budgets.route:/aa: found the route "/aa", expected a route of this policy; did you mean "/a"?',
            id="a route that is not there",
        ),
        pytest.param(
            "limits: {'provider:opnai': {calls_per_day: 1}}",
            'p.yaml:2:28 limits.provider:opnai: found the provider "opnai", expected a provider of this policy;'
            ' did you mean "openai"?',
            id="a provider that is not there",
        ),
        pytest.param(
            "budgets: {'model:llama': {usd: 1}}",
            'p.yaml:2:26 budgets.model:llama: found "llama", which does not say whose model it is,'
            " expected provider/model with a provider of anthropic, openai",
            id="a model of nobody",
        ),
        pytest.param(
            "limits: {'model:llama': {burst_tokens: 1, tokens_per_minute: 1}}",
            'p.yaml:2:25 limits.model:llama: found "llama", which does not say whose model it is,'
            " expected provider/model with a provider of anthropic, openai",
            id="a limit for a model of nobody",
        ),
        pytest.param(
            "providers: {openai: {console_cap: {usd_per_day: 1, attested_by: x, on: 2026-11-22, expires: 2027-01-01}}}",
            "p.yaml:2:72 providers.openai.console_cap.on: found 2026-11-22,"
            " expected a day that is not after today, 2026-11-21",
            id="an attestation from the future",
        ),
    ],
)
def test_what_means_nothing_here_is_a_fault(faults: Faults, text: str, expected: str) -> None:
    assert faults(ROUTES + text) == [expected]


@pytest.mark.parametrize(
    ("kind", "name", "models", "is_met"),
    [
        pytest.param("all", "", ["x/m"], True, id="all"),
        pytest.param("provider", "*", ["x/m"], True, id="each"),
        pytest.param("route", "/a", ["x/m"], True, id="the route"),
        pytest.param("route", "/b", ["x/m"], False, id="another route"),
        pytest.param("provider", "x", ["y/m", "x/m"], True, id="a provider of the chain"),
        pytest.param("provider", "x", ["xx/m"], False, id="another provider"),
        pytest.param("provider", "x", [], True, id="the client chooses the provider"),
        pytest.param("model", "x/m", ["x/m"], True, id="a model of the chain"),
        pytest.param("model", "x/m", ["x/mm"], False, id="another model"),
        pytest.param("model", "x/m", [], True, id="the client chooses the model"),
        pytest.param("team", "a", ["x/m"], True, id="whoever calls"),
    ],
)
def test_a_cap_concerns_what_may_count_against_it(kind: Kind, name: str, models: list[str], is_met: bool) -> None:
    assert concerns(Limit(kind, name, "requests", Rate(1, 1)), "/a", models) is is_met


@pytest.mark.parametrize(
    ("unit", "period", "text"),
    [
        (Unit.NUSD, Period.MINUTE, "0.05 USD a minute"),
        (Unit.NUSD, Period.HOUR, "0.05 USD an hour"),
        (Unit.NUSD, Period.DAY, "0.05 USD a day (Europe/Berlin)"),
        (Unit.TOKENS, Period.MONTH, "50,000,000 tokens a month (Europe/Berlin)"),
        (Unit.TOKENS, Period.LIFETIME, "50,000,000 tokens in all"),
        (Unit.CALLS, Period.DAY, "50,000,000 calls a day (Europe/Berlin)"),
    ],
)
def test_a_cap_is_written_in_words(unit: Unit, period: Period, text: str) -> None:
    assert cap_text(Budget("all", "", unit, period, 50_000_000, ZoneInfo("Europe/Berlin"))) == text


def test_a_rate_is_written_in_words() -> None:
    assert rate_text(Limit("all", "", "requests", Rate(20, 5))) == "20 calls a minute, 5 at once"
    assert rate_text(Limit("all", "", "tokens", Rate(9000, 9000))) == "9,000 tokens a minute, 9,000 at once"


def test_what_an_operator_writes_compiles(compiled: Compile) -> None:
    policy = compiled(
        """
        providers:
          openai:
            dialect: openai
            console_cap: {usd_per_day: 250, attested_by: finance, on: 2026-11-02, expires: 2027-02-01}
        budgets:
          all: {per_day_usd: 200, per_month_usd: 4000}
          "provider:openai": {per_day_usd: 40}
          "team:*": {per_day_usd: 50}
          "user:*": {per_day_usd: 2}
          "conversation:*": {tokens: 60000, usd: 1}
        limits:
          "user:*": {calls_per_day: 200, requests_per_minute: 20}
          "route:/ai/automation": {requests_per_minute: 120, tokens_per_minute: 400000}
        routes:
          /ai/automation: {model: gpt-6-luna, budget_per_day_usd: 20}
        """
    ).policy

    assert policy is not None
    assert [f"{budget.kind}:{budget.name} {cap_text(budget)}" for budget in policy.budgets] == [
        "all: 4000 USD a month (UTC)",
        "all: 200 USD a day (UTC)",
        "provider:openai 40 USD a day (UTC)",
        "team:* 50 USD a day (UTC)",
        "route:/ai/automation 20 USD a day (UTC)",
        "user:* 200 calls a day (UTC)",
        "user:* 2 USD a day (UTC)",
        "conversation:* 1 USD in all",
        "conversation:* 60,000 tokens in all",
    ]
    assert [f"{limit.kind}:{limit.name} {rate_text(limit)}" for limit in policy.limits] == [
        "route:/ai/automation 120 calls a minute, 120 at once",
        "route:/ai/automation 400,000 tokens a minute, 400,000 at once",
        "user:* 20 calls a minute, 20 at once",
    ]
