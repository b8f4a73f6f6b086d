from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import PolicyError
from seawall.core.target import Origin, Provider, Timeouts
from seawall.guards.budget.settings import BudgetSettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.policy.compile import Compiled, compile_text, load_policy
from seawall.policy.plan import CompiledPolicy, JournalSettings
from seawall.policy.starter import STARTER

Compile = Callable[..., Compiled]
Faults = Callable[[str], list[str]]

KEYS: Final = {"ANTHROPIC_API_KEY": "canary-for-anthropic-1", "OPENAI_API_KEY": "canary-for-openai-2"}
SMALLEST: Final = (
    "routes: {/ai/automation: {model: claude-3-sonnet-20240229, temperature: 0.2, max_tokens: 600, enforce_json: true,"
    " retries: 1, timeout_ms: 20000, budget_per_day_usd: 20}, /ai/chat: {model: claude-3-haiku-20240307,"
    " temperature: 0.6, max_tokens: 300, streaming: true}}"
)


def _policy(text: str, environment: Mapping[str, str] = KEYS) -> CompiledPolicy:
    return compile_text(text, environment=environment, today=date(2026, 11, 21))


def test_the_smallest_useful_file_runs_unchanged() -> None:
    plans = _policy(SMALLEST).plans

    automation, chat = plans["/ai/automation"], plans["/ai/chat"]
    assert [target.name for target in automation.targets] == ["anthropic/claude-3-sonnet-20240229"]
    assert automation.own.sampling == SamplingSettings(0.2, None, json_answer=True)
    assert automation.tokens == TokenSettings(600)
    assert automation.timeouts == Timeouts(total_s=20, connect_s=5, first_token_s=20, idle_s=20)
    assert automation.own.retry.retries == 1
    assert chat.own.sampling == SamplingSettings(0.6)
    assert (chat.tokens, chat.streaming) == (TokenSettings(300), True)
    assert chat.timeouts == Timeouts(total_s=120, connect_s=5, first_token_s=30, idle_s=30)


def test_a_plan_has_everything_that_the_policy_says() -> None:
    policy = _policy(
        """
        routes:
          /a:
            profile: analysis
            class: interactive
            model: claude-opus-4-6
            fallback: [openai/gpt-6-luna]
            temperature: 0.5
            top_p: 0.9
            max_tokens: 100
            max_tokens_above: refuse
            max_input_tokens: 1000
            enforce_json: true
            retries: 0
            timeout_ms: 9000
            connect_timeout_ms: 1000
            first_token_timeout_ms: 2000
            idle_timeout_ms: 3000
            streaming: false
            hold_back_ms: 0
        journal: {keep_metadata_days: 7, keep_bodies_days: 1}
        max_body_mb: 2
        """
    )

    plan = policy.plans["/a"]
    assert (plan.route, plan.profile, plan.traffic_class) == ("/a", "analysis", "interactive")
    assert [target.name for target in plan.targets] == ["anthropic/claude-opus-4-6", "openai/gpt-6-luna"]
    assert plan.own.sampling == SamplingSettings(0.5, 0.9, json_answer=True)
    assert plan.tokens == TokenSettings(100, refuse_above=True, max_input_tokens=1000)
    assert plan.timeouts == Timeouts(total_s=9, connect_s=1, first_token_s=2, idle_s=3)
    assert (plan.own.retry.retries, plan.streaming, plan.hold_back_s) == (0, False, 0)
    assert policy.journal == JournalSettings(7, 1)
    assert policy.body_limit == 2 * 1024 * 1024


def test_providers_are_what_the_policy_declares(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("from-a-file\n")
    key.chmod(0o600)
    policy = _policy(
        f"""
        providers:
          corp: {{dialect: anthropic, base_url: "https://llm.acme.example/x", api_key: "file:{key}"}}
          local: {{dialect: openai, base_url: "http://127.0.0.1:8000/v1"}}
        routes:
          /a: {{model: claude-opus-5-5}}
          /b: {{model: local/llama}}
        prices: {{llama: {{input_usd_per_mtok: 0, output_usd_per_mtok: 0}}}}
        """,
        {},
    )

    corp, local = policy.providers["corp"], policy.providers["local"]
    assert (corp.origin, corp.path) == (Origin("https", "llm.acme.example", 443), "/x/v1")
    assert corp.api_key is not None
    assert corp.api_key.reveal() == "from-a-file"
    assert (local.origin, local.path, local.api_key) == (Origin("http", "127.0.0.1", 8000), "/v1", None)
    assert policy.plans["/a"].targets[0].provider is corp


def test_a_policy_cannot_be_changed() -> None:
    policy = _policy(SMALLEST)

    with pytest.raises(FrozenInstanceError):
        policy.plans["/ai/chat"].streaming = False  # type: ignore[misc]  # that is the point
    with pytest.raises(TypeError):
        policy.plans["/x"] = policy.plans["/ai/chat"]  # type: ignore[index]  # that is the point


def test_the_starter_is_a_good_policy() -> None:
    assert set(_policy(STARTER).plans) == {"/ai/chat", "/ai/automation"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "routes:\n  /a: {profile: intractive}",
            'p.yaml:2:17 routes./a.profile: found "intractive", expected a profile: interactive, automation, analysis;'
            ' did you mean "interactive"?',
            id="unknown profile",
        ),
        pytest.param(
            "routes: {/a: {}}\nprofiles: {x: {extends: y}, y: {extends: x}}",
            'p.yaml:2:25 profiles.x.extends: found "y"',
            id="profiles in a circle",
        ),
        pytest.param(
            "routes:\n  /a: {model: llama-4}",
            'p.yaml:2:15 routes./a.model: found "llama-4", which does not say whose model it is, expected'
            " provider/model with a provider of anthropic, openai",
            id="nobody's model",
        ),
        pytest.param(
            "routes:\n  /a: {model: claude-nobody-9}",
            'p.yaml:2:15 routes./a.model: found "claude-nobody-9", expected a model whose price is known; state it:'
            " prices: {claude-nobody-9: {input_usd_per_mtok: 1, output_usd_per_mtok: 5}}, with its real price",
            id="unknown price",
        ),
        pytest.param(
            "routes:\n  /a: {model: claude-sonet-5-5}",
            'p.yaml:2:15 routes./a.model: found "claude-sonet-5-5", expected a model whose price is known; did you mean'
            ' "claude-sonnet-5-5"? If not, state it: prices: {claude-sonet-5-5: ',
            id="misspelt model",
        ),
        pytest.param(
            "routes: {/a: {model: openai/x}}\nprices: {x: {input_usd_per_mtok: 1}}",
            'p.yaml:1:22 routes./a.model: found "openai/x", expected a model whose price is known; say both'
            ' input_usd_per_mtok and output_usd_per_mtok under prices."x"',
            id="half a price",
        ),
        pytest.param(
            "routes: {/a: {model: openai/x}}\n"
            "prices: {x: {input_usd_per_mtok: 1, output_usd_per_mtok: 1, from: 2026-12-01}}",
            'p.yaml:1:22 routes./a.model: found "openai/x", expected a model whose price is known; its first price'
            " begins on 2026-12-01",
            id="a price of tomorrow",
        ),
        pytest.param(
            "routes: {/a: {fallback: [claude-opus-5-5]}}",
            "p.yaml:1:25 routes./a.fallback: found a fallback without a model, expected a model to fall back from",
            id="fallback alone",
        ),
        pytest.param(
            "routes: {/a: {degraded: {model: claude-opus-5-5}}}",
            "p.yaml:1:33 routes./a.degraded.model: found a cheaper model for /a, which has no model, expected a model",
            id="cheaper than nothing",
        ),
        pytest.param(
            "routes: {/a: {model: gpt-6-luna, temperature: 1.5, fallback: [claude-opus-4-6]}}",
            "p.yaml:1:47 routes./a.temperature: found 1.5, expected at most 1 for claude-opus-4-6",
            id="too warm for the fallback",
        ),
        pytest.param(
            "routes: {/a: {model: gpt-6-luna, fallback: [{model: claude-opus-4-6, temperature: 1.5}]}}",
            "p.yaml:1:83 routes./a.fallback[0].temperature: found 1.5, expected at most 1 for claude-opus-4-6",
            id="too warm by its own word",
        ),
        pytest.param(
            "routes: {/a: {model: claude-opus-4-6, fallback: [claude-x]}}",
            'p.yaml:1:50 routes./a.fallback[0]: found "claude-x", expected a model whose price is known',
            id="in a fallback",
        ),
        pytest.param(
            "routes: {/a: {model: claude-opus-4-6, temperature: 1.4}}",
            "p.yaml:1:52 routes./a.temperature: found 1.4, expected at most 1 for claude-opus-4-6",
            id="too warm for Anthropic",
        ),
        pytest.param(
            "routes: {/a: {model: claude-opus-4-6, profile: hot}}\nprofiles: {hot: {temperature: 1.4}}",
            "p.yaml:2:31 profiles.hot.temperature: found 1.4, expected at most 1 for claude-opus-4-6",
            id="too warm by profile",
        ),
        pytest.param(
            'routes: {/ai/chat: {}}\nlimits: {"route:/ai/chta": {calls_per_day: 1}}',
            'p.yaml:2:28 limits.route:/ai/chta: found the route "/ai/chta", expected a route of this policy;'
            ' did you mean "/ai/chat"?',
            id="limit of no route",
        ),
        pytest.param(
            'routes: {/a: {}}\nbudgets: {"provider:x": {usd: 1}}',
            'p.yaml:2:25 budgets.provider:x: found the provider "x", expected a provider of this policy',
            id="budget of no provider",
        ),
        pytest.param(
            "routes: {/a: {model: gpt-6-luna}}\nproviders: {openai: {enabled: false}}",
            'p.yaml:1:22 routes./a.model: found "gpt-6-luna", whose provider is switched off',
            id="switched off",
        ),
    ],
)
def test_what_cannot_be_compiled_is_told_with_its_mend(faults: Faults, text: str, expected: str) -> None:
    assert faults(text)[0].startswith(expected)


@pytest.mark.parametrize("account", ["team:*", "team:a", "route:*", "route:/a", "provider:*", "provider:openai", "all"])
def test_accounts_that_are_there_are_taken(faults: Faults, account: str) -> None:
    assert (
        faults(
            f'routes: {{/a: {{}}}}\nbudgets: {{"{account}": {{usd: 1}}}}\nlimits: {{"{account}": {{calls_per_day: 1}}}}'
        )
        == []
    )


def test_a_fallback_that_is_switched_off_is_not_there(compiled: Compile) -> None:
    policy = compiled(
        "providers: {openai: {enabled: 'env:FLAG'}}\n"
        "routes: {/a: {model: anthropic/claude-opus-5-5, fallback: [openai/gpt-6-luna]}}"
    ).policy

    assert policy is not None
    assert [target.name for target in policy.plans["/a"].targets] == ["anthropic/claude-opus-5-5"]


def test_a_missing_key_is_told_where_it_is_needed() -> None:
    with pytest.raises(PolicyError) as implied:
        _policy("routes: {/a: {model: claude-opus-5-5}, /b: {model: claude-opus-5}}", {})
    with pytest.raises(PolicyError) as declared:
        _policy("providers: {x: {dialect: openai, api_key: 'env:K'}}\nroutes: {/a: {}}", {})

    missing = "found env:ANTHROPIC_API_KEY, which is not set, expected it to hold the key of anthropic"
    assert str(implied.value).splitlines() == [
        f"<text>:1:22 routes./a.model: {missing}",
        f"<text>:1:52 routes./b.model: {missing}",
    ]
    assert "<text>:1:43 providers.x.api_key: found env:K, which is not set" in str(declared.value)


def test_a_provider_that_is_switched_off_needs_no_key() -> None:
    text = "providers: {x: {dialect: openai, api_key: 'env:K', enabled: false}}\nroutes: {/a: {}}"

    assert "x" not in _policy(text, {}).providers


def test_a_stand_in_replaces_a_provider_whose_key_is_missing(compiled: Compile, stand_in: Provider) -> None:
    text = "routes: {/a: {model: claude-opus-5-5}, /b: {model: gpt-6-luna}}"

    policy = compiled(text, {"OPENAI_API_KEY": "invented"}, anthropic=stand_in).policy

    assert policy is not None
    assert policy.plans["/a"].targets[0].provider is stand_in
    assert policy.plans["/a"].targets[0].price is not None
    assert policy.plans["/b"].targets[0].provider.name == "openai"
    assert policy.resolve("claude-opus-5-5").provider is stand_in


def test_a_stand_in_leaves_a_provider_alone_whose_key_is_there(compiled: Compile, stand_in: Provider) -> None:
    policy = compiled("routes: {/a: {model: claude-opus-5-5}}", anthropic=stand_in).policy

    assert policy is not None
    assert policy.plans["/a"].targets[0].provider.name == "anthropic"


def test_a_stand_in_does_not_excuse_an_unsafe_key(tmp_path: Path, compiled: Compile, stand_in: Provider) -> None:
    key = tmp_path / "key"
    key.write_text("value")
    key.chmod(0o644)

    faults = compiled(
        f"providers: {{anthropic: {{api_key: 'file:{key}'}}}}\nroutes: {{/a: {{}}}}", {}, anthropic=stand_in
    ).faults

    assert [fault.code for fault in faults] == ["secret.unsafe"]


def test_the_day_of_the_next_price_is_known(compiled: Compile) -> None:
    text = """
    routes: {/a: {model: claude-opus-5-5}}
    prices: {claude-opus-5-5: [{input_usd_per_mtok: 4}, {input_usd_per_mtok: 3, from: 2026-12-01}]}
    """

    before = compiled(text, day=date(2026, 11, 30)).policy
    after = compiled(text, day=date(2026, 12, 1)).policy

    assert before is not None
    assert after is not None
    assert (before.changes_on, after.changes_on) == (date(2026, 12, 1), None)


def test_a_change_in_the_table_counts_where_clients_choose(compiled: Compile) -> None:
    policy = compiled("routes: {/a: {}}", day=date(2026, 10, 1)).policy

    assert policy is not None
    assert policy.changes_on is not None


def test_a_file_is_loaded_with_the_date_of_now(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    day = datetime.now(UTC).date()
    path.write_text(
        "routes: {/a: {model: x/m}}\n"
        "providers: {x: {dialect: openai}}\n"
        f"prices: {{m: {{input_usd_per_mtok: 1, output_usd_per_mtok: 2, from: {day}}}}}\n"
    )

    policy = load_policy(path, environment=KEYS)

    assert policy.source == str(path)
    price = policy.plans["/a"].targets[0].price
    assert price is not None
    assert price.source == "seawall.yaml:3"


def test_a_file_that_is_not_there_is_a_policy_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policy(tmp_path / "none.yaml", environment={})


def test_nothing_that_can_be_printed_of_a_policy_holds_a_secret() -> None:
    policy = _policy(SMALLEST + "\nproviders: {anthropic: {}, openai: {}}")

    printed = f"{policy!r}{policy}{policy.providers!r}{vars(policy.resolve)!r}"

    assert "canary" not in printed


PIECES: Final = [
    "routes", "providers", "profiles", "prices", "budgets", "limits", "journal", "version", "/a", "/b", "model",
    "fallback", "profile", "extends", "class", "temperature", "max_tokens", "timeout_ms", "api_key", "base_url",
    "dialect", "enabled", "from", "bands", "above_tokens", "input_usd_per_mtok", "all", "route:/a", "anthropic",
    "openai", "interactive", "claude-opus-5-5", "gpt-6-luna", "env:ANTHROPIC_API_KEY", "env:NONE", "file:/none",
    "https://api.anthropic.com", "http://x", "1", "0.5", "true", "null", "2026-11-01", "team:*",
]  # fmt: skip
LEAVES = st.sampled_from(PIECES)


@st.composite
def documents(draw: st.DrawFn) -> str:
    tree = draw(
        st.recursive(
            LEAVES,
            lambda inner: (
                st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
                | st.dictionaries(LEAVES, inner, max_size=4).map(
                    lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
                )
            ),
            max_leaves=20,
        )
    )
    return draw(st.sampled_from([f"routes: {{/a: {tree}}}", f"routes: {{/a: {{}}}}\nproviders: {tree}", tree]))


@given(
    st.one_of(
        documents().map(str.encode), st.binary(max_size=120), documents().map(lambda t: t[: len(t) // 2].encode())
    )
)
def test_any_bytes_are_a_policy_or_a_policy_error_without_a_secret(data: bytes) -> None:
    try:
        printed = repr(compile_text(data, environment=KEYS))
    except PolicyError as error:
        printed = str(error)

    assert printed
    assert "canary" not in printed


def test_a_plan_says_what_happens_when_money_or_the_client_is_gone() -> None:
    plans = _policy(
        "routes: {/a: {}, /b: {profile: p, on_hang_up: drain}}\nprofiles: {p: {on_exhausted: degrade}}"
    ).plans

    assert (plans["/a"].budget, plans["/a"].drains) == (BudgetSettings("refuse"), False)
    assert (plans["/b"].budget, plans["/b"].drains) == (BudgetSettings("degrade"), True)
