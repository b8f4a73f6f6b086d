from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

import orjson
import pytest

from seawall.core.error import NotFound
from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.document import DegradedDocument
from seawall.policy.document.failure import AS_ERROR
from seawall.policy.explain import Explanation, explain, value_text
from seawall.policy.load import Reading
from seawall.policy.reference import PretendedReferences

Read = Callable[[str], Reading]

TEXT: Final = """\
providers:
  anthropic: {api_key: env:CANARY_NAME}
profiles:
  own:
    extends: interactive
    top_p: 0.9
routes:
  /a:
    profile: own
    model: claude-haiku-5-5
    fallback: [openai/gpt-6.1-sol]
    max_tokens: 800
    max_input_tokens: 20000
    timeout_ms: 9000
  /b:
    model: claude-opus-4-6
    fallback: [gpt-4o]
    max_tokens: 100
    budget_per_day_usd: 2
  /c:
  /d:
    model: own-model
prices:
  own-model: {input_usd_per_mtok: 1, output_usd_per_mtok: 2}
"""


@pytest.fixture
def explained(read: Read) -> Callable[[str], Explanation]:
    def run(route: str) -> Explanation:
        reading = read(TEXT.replace("own-model\n", "anthropic/own-model\n"))
        surroundings = Surroundings(PretendedReferences({"CANARY_NAME": "canary-value"}), date(2026, 11, 21))
        compiled = compile_policy(reading, surroundings)
        assert compiled.policy is not None
        assert compiled.roster is not None
        return explain(reading, compiled.policy, compiled.roster, route)

    return run


def test_every_setting_says_where_it_came_from(explained: Callable[[str], Explanation]) -> None:
    settings = {setting.key: (setting.value, setting.origin) for setting in explained("/a").settings}

    assert settings["model"] == ("claude-haiku-5-5", "p.yaml:10")
    assert settings["profile"] == ("own", "p.yaml:9")
    assert settings["max_tokens"] == ("800", "p.yaml:12")
    assert settings["top_p"] == ("0.9", "profile own, p.yaml:6")
    assert settings["temperature"] == ("0.6", "profile interactive (built in)")
    assert settings["first_token_timeout_ms"] == ("9000", "cut to timeout_ms, p.yaml:14")
    assert settings["streaming"] == ("true", "default")
    assert settings["max_tokens_above"] == ("clamp", "default")


def test_what_nobody_said_is_said_in_words(explained: Callable[[str], Explanation]) -> None:
    settings = {setting.key: setting.value for setting in explained("/c").settings}

    assert settings["model"] == "the client's own"
    assert settings["temperature"] == "the client's own"
    assert settings["max_input_tokens"] == "the provider's own limit"
    assert settings["budget_per_day_usd"].startswith("none")


def test_what_a_route_says_itself_is_shown(explained: Callable[[str], Explanation]) -> None:
    settings = {setting.key: setting.value for setting in explained("/b").settings}

    assert settings["budget_per_day_usd"] == "2.0"
    assert settings["fallback"] == "gpt-4o"
    assert settings["retries"] == "2"


def test_a_target_shows_its_key_by_reference_only(explained: Callable[[str], Explanation]) -> None:
    explanation = explained("/a")

    assert [target.key for target in explanation.targets] == ["env:CANARY_NAME", "env:OPENAI_API_KEY"]
    assert "canary-value" not in repr(explanation)


def test_a_target_shows_its_prices(explained: Callable[[str], Explanation]) -> None:
    haiku, sol = explained("/a").targets

    assert (haiku.name, haiku.url) == ("anthropic/claude-haiku-5-5", "https://api.anthropic.com/v1")
    assert [(band.above_tokens, band.input, band.output) for band in haiku.bands] == [
        (0, "0.1", "0.5"),
        (100_000, "0.5", "2.5"),
    ]
    assert haiku.price_source == "genai-prices 0.2.3"
    assert haiku.note == "temperature and top_p are left out"
    assert "batch" in haiku.modes
    assert sol.bands[0].cache_write_long == "5"


def test_a_target_that_ends_says_when(explained: Callable[[str], Explanation]) -> None:
    assert explained("/b").targets[1].note == "switched off on 2027-01-14"


def test_a_thousand_calls_are_estimated(explained: Callable[[str], Explanation]) -> None:
    estimates = {(each.target, each.case): each for each in explained("/a").estimates}

    typical = estimates["anthropic/claude-haiku-5-5", "typical"]
    worst = estimates["anthropic/claude-haiku-5-5", "worst"]
    # 1,000 x (1,000 x 0.10 + 400 x 0.50) and 1,000 x (20,000 x 0.20 (an hour's cache write) + 800 x 0.50), per million
    assert (typical.usd, typical.calls) == ("0.3", 1000)
    assert typical.assumption == "1,000 tokens in, 400 out, no cache"
    assert worst.usd == "4.4"
    assert estimates["openai/gpt-6.1-sol", "worst"].usd == "108"


def test_without_a_cap_the_worst_prompt_is_the_models_longest(explained: Callable[[str], Explanation]) -> None:
    worst = next(each for each in explained("/b").estimates if each.case == "worst")

    assert worst.assumption == "1,000,000 tokens in at the dearest rate, 100 out"
    assert worst.usd == "10002.5"


def test_what_nothing_bounds_has_no_estimate(explained: Callable[[str], Explanation]) -> None:
    typical, worst = explained("/d").estimates

    assert typical.usd is not None
    assert worst.usd is None
    assert "set max_input_tokens" in worst.assumption


def test_what_has_no_price_has_no_estimate(read: Read) -> None:
    reading = read("routes: {/a: {model: claude-opus-5-5}}")
    compiled = compile_policy(reading, Surroundings(PretendedReferences({}), date(2026, 11, 21)))
    assert compiled.policy is not None
    assert compiled.roster is not None
    plan = compiled.policy.plans["/a"]
    unpriced = replace(plan, legs=(replace(plan.legs[0], target=replace(plan.targets[0], price=None)),))

    explanation = explain(reading, replace(compiled.policy, plans={"/a": unpriced}), compiled.roster, "/a")

    assert explanation.estimates == ()
    assert explanation.targets[0].bands == ()


def test_where_the_client_chooses_there_is_no_estimate(explained: Callable[[str], Explanation]) -> None:
    assert explained("/c").estimates == ()


def test_a_policys_own_price_is_named_by_its_line(explained: Callable[[str], Explanation]) -> None:
    assert explained("/d").targets[0].price_source == "p.yaml:24"


def test_an_unknown_route_is_told_with_the_nearest(explained: Callable[[str], Explanation]) -> None:
    with pytest.raises(NotFound, match='did you mean "/a"'):
        explained("/A")
    with pytest.raises(NotFound, match="it has /a, /b, /c, /d"):
        explained("/something/else")


def test_an_explanation_can_be_written_as_json(explained: Callable[[str], Explanation]) -> None:
    plain = orjson.loads(orjson.dumps(explained("/a")))

    assert plain["route"] == "/a"
    assert plain["settings"][0] == {"key": "model", "value": "claude-haiku-5-5", "origin": "p.yaml:10"}


CHAIN: Final = """\
providers:
  local: {dialect: openai, base_url: "http://127.0.0.1:9/v1", enabled: "env:LOCAL"}
profiles:
  cheap: {degraded: {model: openai/gpt-6-luna, cached_s: 60, message: "Later, when somebody is there who can read it."}}
routes:
  /a:
    profile: cheap
    model: claude-opus-5
    fallback:
      - {model: openai/gpt-6-sol, enabled: "env:FLAG"}
      - {model: openai/gpt-6-luna, enabled: false}
      - local/llama
      - {model: openai/gpt-6.1-terra, max_tokens: 100, retries: 0}
    max_input_tokens: 1000
    breaker: {open_s: 5}
"""


def test_a_chain_shows_who_is_there_and_who_is_not(read: Read) -> None:
    reading = read(CHAIN)
    compiled = compile_policy(reading, Surroundings(PretendedReferences({}), date(2026, 11, 21)))
    assert compiled.policy is not None
    assert compiled.roster is not None

    explanation = explain(reading, compiled.policy, compiled.roster, "/a", compiled.off)

    settings = {setting.key: (setting.value, setting.origin) for setting in explanation.settings}
    assert settings["fallback"][0] == (
        "openai/gpt-6-sol (off: env:FLAG), openai/gpt-6-luna (off: enabled: false),"
        " local/llama (off: local is switched off), openai/gpt-6.1-terra"
    )
    assert settings["degraded"] == (
        'model openai/gpt-6-luna, then an answer of the last 60 s, then "Later, when somebody is there who can re…"',
        "profile cheap, p.yaml:4",
    )
    assert settings["breaker.open_s"] == ("5", "p.yaml:15")
    assert settings["breaker.slow_ms"] == ("none: no call is slow", "default")
    assert [(target.name, target.role, target.own) for target in explanation.targets] == [
        ("anthropic/claude-opus-5", "model", ()),
        ("openai/gpt-6.1-terra", "fallback", ("max_tokens 100", "retries 0")),
        ("openai/gpt-6-luna", "degraded", ()),
    ]
    assumed = {each.target: each.assumption for each in explanation.estimates if each.case == "typical"}
    assert assumed["openai/gpt-6.1-terra"] == "1,000 tokens in, 50 out, no cache"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (0, "0"),
        (AS_ERROR, "error"),
        (DegradedDocument.model_validate({"cached_s": 5}), "an answer of the last 5 s"),
        ("x", "x"),
    ],
    ids=["bool", "int", "none", "an answer", "text"],
)
def test_a_value_is_written_as_the_document_has_it(value: object, expected: str) -> None:
    assert value_text(value) == expected


CAPPED: Final = """\
providers:
  anthropic: {console_cap: {usd_per_day: 1000000, usd_per_month: 2.5, attested_by: finance,
                            on: 2026-11-02, expires: 2027-02-01}}
routes:
  /a: {model: claude-opus-5, fallback: [gpt-6-luna], budget_per_day_usd: 5, on_exhausted: clamp}
  /b: {model: claude-opus-5}
budgets:
  all: {per_day_usd: 200, per_hour_usd: 9.5, time_zone: Europe/Berlin}
  "route:/a": {per_day_usd: 9}
  "provider:openai": {usd: 1}
  "team:a": {tokens: 60000}
limits:
  "user:*": {calls_per_day: 200, requests_per_minute: 20, burst: 5}
  "route:/b": {tokens_per_minute: 9000}
"""


@pytest.fixture
def capped(read: Read) -> Callable[[str], Explanation]:
    def run(route: str) -> Explanation:
        reading = read(CAPPED)
        compiled = compile_policy(reading, Surroundings(PretendedReferences({}), date(2026, 11, 21)))
        assert compiled.policy is not None
        assert compiled.roster is not None
        return explain(reading, compiled.policy, compiled.roster, route)

    return run


def test_every_cap_of_a_route_says_where_it_came_from(capped: Callable[[str], Explanation]) -> None:
    assert [(cap.key, cap.value, cap.origin) for cap in capped("/a").caps] == [
        ("budgets.all.per_day_usd", "200 USD a day (Europe/Berlin), all together", "p.yaml:8"),
        ("budgets.all.per_hour_usd", "9.5 USD an hour, all together", "p.yaml:8"),
        ("budgets.provider:openai.usd", "1 USD in all, provider openai", "p.yaml:10"),
        ("budgets.team:a.tokens", "60,000 tokens in all, team a", "p.yaml:11"),
        ("routes./a.budget_per_day_usd", "5 USD a day (UTC), route /a", "p.yaml:5"),
        ("limits.user:*.calls_per_day", "200 calls a day (UTC), each user for itself", "p.yaml:13"),
        ("limits.user:*.requests_per_minute", "20 calls a minute, 5 at once, each user for itself", "p.yaml:13"),
    ]


def test_caps_of_what_a_route_never_asks_are_not_its_own(capped: Callable[[str], Explanation]) -> None:
    keys = {cap.key for cap in capped("/b").caps}

    assert "limits.route:/b.tokens_per_minute" in keys
    assert not keys & {"budgets.provider:openai.usd", "routes./a.budget_per_day_usd", "budgets.route:/a.per_day_usd"}


def test_what_happens_at_the_end_of_money_and_of_clients_is_shown(capped: Callable[[str], Explanation]) -> None:
    settings = {setting.key: (setting.value, setting.origin) for setting in capped("/a").settings}

    assert settings["on_exhausted"] == ("clamp", "p.yaml:5")
    assert settings["on_hang_up"] == ("abort", "default")


def test_a_target_shows_who_attests_its_console_cap(capped: Callable[[str], Explanation]) -> None:
    opus, luna = capped("/a").targets

    assert opus.console_cap == (
        "1,000,000 USD a day and 2.5 USD a month, attested by finance on 2026-11-02, until 2027-02-01"
    )
    assert luna.console_cap == "none attested"
