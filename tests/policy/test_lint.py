from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.lint.judged import Finding
from seawall.policy.lint.run import RULES, lint
from seawall.policy.load import Reading
from seawall.policy.reference import PretendedReferences
from seawall.policy.starter import STARTER

Read = Callable[[str], Reading]

TODAY: Final = date(2026, 11, 21)
KEYS: Final = {"ANTHROPIC_API_KEY": "invented-a", "OPENAI_API_KEY": "invented-o"}
# A policy of which the rules have nothing to say.
QUIET: Final = """
budgets: {all: {per_day_usd: 5}}
routes:
  /a: {model: claude-opus-4-6, fallback: [gpt-6-luna], max_tokens: 500, timeout_ms: 9000, degraded: {message: Later.}}
"""


def _lint(reading: Reading, environment: Mapping[str, str] = KEYS) -> tuple[Finding, ...]:
    compiled = compile_policy(reading, Surroundings(PretendedReferences(environment), TODAY))
    assert compiled.faults == ()
    assert compiled.roster is not None
    return lint(reading, compiled.roster, environment, TODAY)


def _route(settings: str) -> str:
    return f"routes:\n  /a: {{{settings}}}\n"


def _capped(expires: str) -> str:
    cap = f"{{usd_per_day: 1, attested_by: finance, on: 2026-11-01, expires: {expires}}}"
    return f"providers: {{openai: {{console_cap: {cap}}}}}"


def test_a_careful_policy_has_no_findings(read: Read) -> None:
    assert _lint(read(QUIET)) == ()


# code, document, and the place and beginning of what is said
CASES: Final = [
    ("budget.none", _route("model: claude-opus-5"), "2:3", "nothing caps"),
    (
        "budget.label_only",
        _route("") + "budgets: {'user:*': {usd: 1}, 'team:*': {usd: 1}}",
        "3:11",
        "callers name their users themselves, each new one has a budget of its own, and nothing caps",
    ),
    (
        "budget.too_small",
        _route("model: claude-opus-4-6, max_tokens: 1000") + "budgets: {'team:*': {per_day_usd: 0.02}}",
        "3:22",
        "an answer on /a may take 1,000 tokens of anthropic/claude-opus-4-6, for 0.025 USD: with 0.02 USD a day (UTC)",
    ),
    (
        "limit.too_small",
        _route("max_tokens: 500") + "limits: {all: {tokens_per_minute: 9000, burst_tokens: 500}}",
        "3:16",
        "an answer on /a may take 500 tokens: with 9,000 tokens a minute, 500 at once such a call never passes",
    ),
    (
        "budget.unreachable",
        _route("") + "budgets: {'team:*': {usd: 1}, 'team:a': {usd: 2}}",
        "3:42",
        "never reached: 1 USD in all holds for each team (budgets.team:*.usd)",
    ),
    (
        "budget.no_way_down",
        _route("model: claude-opus-5, on_exhausted: degrade"),
        "2:30",
        "/a has nothing to degrade to",
    ),
    (
        "budget.twice",
        _route("budget_per_day_usd: 5") + "budgets: {'route:/a': {per_day_usd: 9}}",
        "3:24",
        "the same is capped at routes./a.budget_per_day_usd: 5 USD a day (UTC) holds, the smaller",
    ),
    (
        "budget.unused",
        _route("model: gpt-6-luna") + "limits: {'model:gpt-6-sol': {requests_per_minute: 2}}",
        "3:10",
        "no route uses model:gpt-6-sol",
    ),
    (
        "console_cap.missing",
        _route("model: gpt-6-luna") + "providers: {openai: {}}",
        "3:13",
        "nobody attests a spend limit in openai's own console",
    ),
    (
        "console_cap.expired",
        _route("") + _capped("2026-11-21"),
        "3:90",
        "the attestation of finance expired on 2026-11-21",
    ),
    (
        "console_cap.expiring",
        _route("") + _capped("2026-12-05"),
        "3:90",
        "the attestation of finance expires on 2026-12-05, in 14 days",
    ),
    (
        "fallback.cannot_carry",
        _route("model: gpt-6-luna, enforce_json: true, fallback: [claude-opus-5]"),
        "2:58",
        "claude-opus-5 has no switch for enforce_json",
    ),
    (
        "fallback.cannot_carry",
        _route("model: claude-opus-5, max_input_tokens: 300000, fallback: [gpt-4o]"),
        "2:67",
        "gpt-4o takes prompts of 128000 tokens, and max_input_tokens lets 300000",
    ),
    (
        "fallback.cannot_carry",
        _route("model: text-embedding-3-small, fallback: [gpt-6-luna]"),
        "2:50",
        "gpt-6-luna is of another kind",
    ),
    (
        "fallback.repeated",
        _route("model: claude-opus-5, fallback: [gpt-6-luna, anthropic/claude-opus-5]"),
        "2:53",
        "anthropic/claude-opus-5 stands before it already",
    ),
    (
        "fallback.same_provider",
        _route("model: claude-opus-5, fallback: [claude-opus-4-6]"),
        "2:30",
        "every model is at anthropic",
    ),
    (
        "fallback.unreachable",
        _route("model: claude-opus-5, max_attempts: 1, fallback: [gpt-6-luna]"),
        "2:58",
        "max_attempts is 1: gpt-6-luna is asked only while",
    ),
    ("degraded.none", _route("model: claude-opus-5, fallback: [gpt-6-luna]"), "2:3", "when every model fails"),
    (
        "translation.none",
        _route("model: claude-opus-5, strict_translation: true"),
        "2:30",
        "every model speaks the anthropic dialect",
    ),
    ("fallback.none", _route("model: claude-opus-5"), "2:3", "nothing answers when claude-opus-5"),
    ("model.floating", _route("model: claude-haiku-4-5"), "2:8", "claude-haiku-4-5 is a floating name"),
    ("model.retired", _route("model: gpt-6-luna, degraded: {model: gpt-4}"), "2:38", "gpt-4 was switched off"),
    ("model.floating", _route("model: gpt-6-luna, fallback: [gpt-5.2-chat-latest]"), "2:38", "gpt-5.2-chat-latest is"),
    (
        "model.retired",
        _route("model: claude-3-haiku-20240307"),
        "2:8",
        "claude-3-haiku-20240307 was switched off on 2026",
    ),
    (
        "model.retiring",
        _route("model: claude-sonnet-4-5-20250929"),
        "2:8",
        "claude-sonnet-4-5-20250929 is switched off",
    ),
    ("timeout.none", _route("model: claude-opus-5"), "2:3", "no timeout is set: a call may take 120 s"),
    ("timeout.unreachable", _route("timeout_ms: 50, idle_timeout_ms: 60"), "2:24", "60 ms is never reached"),
    ("tokens.none", _route("model: claude-opus-5"), "2:3", "no max_tokens is set: an answer may have 4096"),
    ("tokens.above_model", _route("model: gpt-4o, max_tokens: 20000"), "2:8", "max_tokens 20000 is more than gpt-4o"),
    ("json.unchecked", _route("model: claude-opus-5, enforce_json: true"), "2:8", "claude-opus-5 has no switch"),
    ("secret.none", _route("") + "providers: {x: {dialect: openai, base_url: 'https://h/v1'}}", "3:13", "x is called"),
    (
        "url.unencrypted",
        _route("") + "providers: {x: {dialect: openai, base_url: 'http://h/v1'}}",
        "3:34",
        "prompts and the key travel unencrypted to h",
    ),
    (
        "url.no_version",
        _route("") + "providers: {x: {dialect: openai, base_url: 'https://h'}}",
        "3:34",
        "calls go to https://h/chat/completions",
    ),
    (
        "price.regional",
        _route("") + "providers: {openai: {base_url: 'https://us.api.openai.com/v1'}}",
        "3:22",
        "us.api.openai.com is a region",
    ),
    ("model.any", _route(""), "2:3", "any model of any provider"),
    ("sampling.dropped", _route("model: claude-opus-5, temperature: 1"), "2:8", "claude-opus-5 refuses temperature"),
    ("provider.unused", _route("model: gpt-6-luna") + "providers: {anthropic: {}}", "3:13", "no route uses anthropic"),
    ("provider.off", _route("") + "providers: {openai: {enabled: false}}", "3:22", "openai is switched off"),
    ("profile.unused", _route("") + "profiles: {p: {top_p: 1}}", "3:12", "no route uses the profile p"),
    (
        "price.unused",
        _route("model: gpt-6-luna") + "prices: {m: {input_usd_per_mtok: 1, output_usd_per_mtok: 1}}",
        "3:10",
        "no route uses the model m",
    ),
]


@pytest.mark.parametrize(("code", "text", "place", "message"), CASES, ids=[f"{c[0]} {n}" for n, c in enumerate(CASES)])
def test_what_is_unsafe_is_found_with_its_place(read: Read, code: str, text: str, place: str, message: str) -> None:
    found = [finding for finding in _lint(read(text)) if finding.code == code]

    (finding,) = found
    assert f"{finding.place.line}:{finding.place.column}" == place
    assert finding.message.startswith(message)


def test_every_rule_has_a_case() -> None:
    tested = {code for code, *_ in CASES} | {"secret.missing", "secret.unsafe", "pin.unknown_route"}

    assert {rule.code for rule in RULES} == tested


def test_codes_are_given_once() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_route("budget_per_day_usd: 5"), id="of its own"),
        pytest.param(_route("") + "budgets: {all: {usd: 1}}", id="of all"),
        pytest.param(_route("") + "budgets: {'route:*': {usd: 1}}", id="of each route"),
        pytest.param(_route("") + "budgets: {'route:/a': {usd: 1}}", id="of the route by name"),
    ],
)
def test_a_budget_that_covers_the_route_is_enough(read: Read, text: str) -> None:
    assert "budget.none" not in {finding.code for finding in _lint(read(text))}


def test_a_profile_is_an_explicit_timeout(read: Read) -> None:
    codes = {finding.code for finding in _lint(read(_route("profile: interactive")))}

    assert not codes & {"timeout.none", "tokens.none"}


def test_what_a_profile_builds_on_is_used(read: Read) -> None:
    text = _route("profile: p") + "profiles: {p: {extends: q}, q: {top_p: 1}}"

    assert "profile.unused" not in {finding.code for finding in _lint(read(text))}


def test_a_replacement_is_named(read: Read) -> None:
    mends = {
        f.code: f.mend for f in _lint(read(_route("model: claude-haiku-4-5, fallback: [claude-3-haiku-20240307]")))
    }

    assert mends["model.floating"] == "pin it: claude-haiku-4-5-20251001"
    assert mends["model.retired"] == "a current model of its kind is claude-haiku-5-5"


def test_a_key_that_is_missing_is_laid_at_the_place_that_needs_it(read: Read) -> None:
    implied = [f for f in _lint(read(_route("model: gpt-6-luna")), {}) if f.code == "secret.missing"]
    declared = [
        f
        for f in _lint(read(_route("") + "providers: {x: {dialect: openai, api_key: 'file:/none/k'}}"), {})
        if f.code == "secret.missing"
    ]

    assert [(f.place, f.mend) for f in implied] == [((2, 8), "export OPENAI_API_KEY=...")]
    assert [(f.place, f.mend) for f in declared] == [((3, 34), "put the key into /none/k")]


def test_a_key_that_others_can_read_is_an_error(read: Read, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("hunter2")
    key.chmod(0o644)

    (finding,) = [
        f
        for f in _lint(read(_route("") + f"providers: {{x: {{dialect: openai, api_key: 'file:{key}'}}}}"))
        if f.level == "error"
    ]

    assert finding.code == "secret.unsafe"
    assert "hunter2" not in finding.message


def test_a_provider_that_is_switched_off_needs_no_key(read: Read) -> None:
    text = _route("") + "providers: {x: {dialect: openai, api_key: 'env:NONE', enabled: false}}"

    assert "secret.missing" not in {finding.code for finding in _lint(read(text))}


def test_loopback_needs_neither_key_nor_encryption(read: Read) -> None:
    text = _route("") + "providers: {x: {dialect: openai, base_url: 'http://127.0.0.1:8000/v1'}}"

    assert not {finding.code for finding in _lint(read(text))} & {"secret.none", "url.unencrypted"}


def test_findings_are_in_the_order_of_lines(read: Read) -> None:
    places = [finding.place for finding in _lint(read(STARTER), {})]

    assert len(places) > 3
    assert places == sorted(places)


def test_a_document_that_could_not_be_read_has_no_findings(read: Read) -> None:
    reading = read("[")
    roster = compile_policy(read(QUIET), Surroundings(PretendedReferences({}), TODAY)).roster

    assert roster is not None
    assert lint(reading, roster, {}, TODAY) == ()


def test_a_model_that_a_profile_names_is_found_once(read: Read) -> None:
    text = "routes: {/a: {profile: p, model: gpt-6-luna}, /b: {profile: p, model: gpt-6-sol}}\n"
    text += "profiles: {p: {degraded: {model: claude-3-haiku-20240307}}}"

    found = [f for f in _lint(read(text)) if f.code == "model.retired"]

    assert [(str(f.place.line), f.mend) for f in found] == [("2", "a current model of its kind is claude-haiku-5-5")]


def test_a_model_that_is_switched_off_is_judged_but_needs_no_key(read: Read) -> None:
    text = _route("model: claude-opus-5, fallback: [{model: gpt-4, enabled: 'env:FLAG'}]")
    off = {finding.code for finding in _lint(read(text), {"ANTHROPIC_API_KEY": "invented"})}
    on = {finding.code for finding in _lint(read(text), {"ANTHROPIC_API_KEY": "invented", "FLAG": "on"})}

    assert on - off == {"secret.missing"}
    assert "model.retired" in off
