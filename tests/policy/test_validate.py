from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.load import read_policy
from seawall.policy.validate import did_you_mean, nearest

Faults = Callable[[str], list[str]]
ROUTE = "routes: {/a: {model: claude-haiku-5-5, max_tokens: 5}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "routes:\n  /ai/chat:\n    timout_ms: 3\n",
            "p.yaml:3:5 routes./ai/chat.timout_ms: found an unknown key, expected a known key;"
            ' did you mean "timeout_ms"?',
            id="misspelt key",
        ),
        pytest.param(
            "routes: {/a: {timeout_s: 3}}",
            'p.yaml:1:15 routes./a.timeout_s: found an unknown key, expected a known key; did you mean "timeout_ms"?',
            id="another unit",
        ),
        pytest.param(
            "route: {/a: {}}\nroutes: {/a: {}}",
            'p.yaml:1:1 route: found an unknown key, expected a known key; did you mean "routes"?',
            id="at the top",
        ),
        pytest.param(
            ROUTE + "journal: {keep: 1}",
            "p.yaml:2:11 journal.keep: found an unknown key, expected one of keep_metadata_days, keep_bodies_days",
            id="nothing near",
        ),
        pytest.param(
            ROUTE + "prices: {m: [{input_usd_per_mtok: 1}, {inptu_usd_per_mtok: 2}]}",
            "p.yaml:2:40 prices.m[1].inptu_usd_per_mtok: found an unknown key, expected a known key;"
            ' did you mean "input_usd_per_mtok"?',
            id="deep in a list",
        ),
        pytest.param(
            'routes: {/a: {max_tokens: "600"}}',
            'p.yaml:1:27 routes./a.max_tokens: found the text "600", expected a whole number from 1 to 10000000',
            id="text for a number",
        ),
        pytest.param(
            "routes: {/a: {max_tokens: 0.5}}",
            "p.yaml:1:27 routes./a.max_tokens: found 0.5, expected a whole number from 1 to 10000000",
            id="fraction for a whole number",
        ),
        pytest.param(
            "routes: {/a: {max_tokens: true}}",
            "p.yaml:1:27 routes./a.max_tokens: found true, expected a whole number from 1 to 10000000",
            id="flag for a number",
        ),
        pytest.param(
            "routes: {/a: {retries: 50}}",
            "p.yaml:1:24 routes./a.retries: found 50, expected a whole number from 0 to 3",
            id="out of range",
        ),
        pytest.param(
            "routes: {/a: {class: interactve}}",
            'p.yaml:1:22 routes./a.class: found "interactve", expected one of interactive, automation, analysis;'
            ' did you mean "interactive"?',
            id="misspelt word",
        ),
        pytest.param(
            "routes: {/a: {max_tokens: }}",
            "p.yaml:1:15 routes./a.max_tokens: found nothing, expected a whole number from 1 to 10000000;"
            " write the value, or remove the key",
            id="forgotten value",
        ),
        pytest.param(
            "routes: {/a: {fallback: claude}}",
            'p.yaml:1:25 routes./a.fallback: found "claude", expected a list of models, such as [claude-haiku-5-5]',
            id="text for a list",
        ),
        pytest.param(
            "routes: {/a: {fallback: [5]}}",
            "p.yaml:1:26 routes./a.fallback[0]: found 5, expected a model, such as claude-haiku-5-5",
            id="number for a model",
        ),
        pytest.param(
            "routes: {/a: {fallback: [{model: x, retrys: 1}]}}",
            "p.yaml:1:37 routes./a.fallback[0].retrys: found an unknown key, expected a known key;"
            ' did you mean "retries"?',
            id="misspelt key of a fallback",
        ),
        pytest.param(
            "routes: {/a: {fallback: [{retries: 1}]}}",
            "p.yaml:1:26 routes./a.fallback[0].model: found nothing, expected a text",
            id="a fallback of nothing",
        ),
        pytest.param(
            "routes: {/a: {degraded: message}}",
            'p.yaml:1:25 routes./a.degraded: found "message", expected error, or a mapping with'
            " message, cached_s or model",
            id="text for what is degraded",
        ),
        pytest.param(
            "routes: {/a: {degraded: {mesage: x}}}",
            "p.yaml:1:26 routes./a.degraded.mesage: found an unknown key, expected a known key;"
            ' did you mean "message"?',
            id="misspelt key of what is degraded",
        ),
        pytest.param(
            "routes: {/a: {breaker: {open_s: 9, longest_open_s: 8}}}",
            "p.yaml:1:24 routes./a.breaker: found a mapping, expected open_s to be at most longest_open_s",
            id="a breaker that shrinks",
        ),
        pytest.param(
            "routes: {/a: {cache: {ttl_s: 5}}}",
            "p.yaml:1:15 routes./a.cache: found an unknown key, expected one of",
            id="a key of a later version",
        ),
        pytest.param(
            "routes: {/a/: {}}",
            'p.yaml:1:10 routes./a/: found the key "/a/", expected a path such as /ai/chat: letters, digits, dots,'
            " dashes and underscores, no slash at the end",
            id="bad route",
        ),
        pytest.param(
            ROUTE + "prices: {m: {bands: [{input_usd_per_mtok: 1}]}}",
            "p.yaml:2:22 prices.m.bands[0].above_tokens: found nothing, expected a whole number from 1 to 10000000",
            id="missing key",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {}}",
            "p.yaml:2:16 budgets.all: found an empty mapping, expected at least one of per_minute_usd, per_hour_usd,"
            " per_day_usd, per_month_usd, usd, per_hour_tokens",
            id="an empty budget",
        ),
        pytest.param(
            ROUTE + "limits: {all: {burst: 2}}",
            "p.yaml:2:15 limits.all: found a mapping, expected at least one of calls_per_day, requests_per_minute,"
            " tokens_per_minute",
            id="a burst of nothing",
        ),
        pytest.param(
            ROUTE + "limits: {all: {calls_per_day: 1, burst: 2}}",
            "p.yaml:2:15 limits.all: found a mapping, expected requests_per_minute beside burst",
            id="a burst without a rate",
        ),
        pytest.param(
            ROUTE + "limits: {all: {calls_per_day: 1, burst_tokens: 2}}",
            "p.yaml:2:15 limits.all: found a mapping, expected tokens_per_minute beside burst_tokens",
            id="a burst of tokens without a rate",
        ),
        pytest.param(
            ROUTE + "limits: {all: {requests_per_minute: 0}}",
            "p.yaml:2:37 limits.all.requests_per_minute: found 0, expected a whole number from 1 to 1000000000",
            id="a rate of nothing",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {usd: -1}}",
            "p.yaml:2:22 budgets.all.usd: found -1, expected a number from 0 to 1000000000",
            id="a cap below nothing",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {usd: 0.0000000001}}",
            "p.yaml:2:22 budgets.all.usd: found 1e-10, expected 0, or at least 0.000000001,"
            " which is the smallest amount that is counted",
            id="a cap that would be rounded to nothing",
        ),
        pytest.param(
            "routes: {/a: {budget_per_day_usd: 0.0000000001}}",
            "p.yaml:1:35 routes./a.budget_per_day_usd: found 1e-10, expected 0, or at least 0.000000001",
            id="a cap of a route that would be rounded to nothing",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {per_dya_usd: 1, usd: 1}}",
            "p.yaml:2:17 budgets.all.per_dya_usd: found an unknown key, expected a known key;"
            ' did you mean "per_day_usd"?',
            id="a misspelt cap",
        ),
        pytest.param(
            ROUTE + "budgets: {'tema:*': {usd: 1}}",
            'p.yaml:2:11 budgets.tema:*: found the key "tema:*", expected "all", or kind:name or kind:* with a kind of'
            " provider, model, project, team, route, key, feature, user, conversation",
            id="an account of no kind",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {usd: 1, time_zone: Europe/Berln}}",
            'p.yaml:2:36 budgets.all.time_zone: found "Europe/Berln", expected a time zone such as Europe/Berlin, or'
            ' UTC; did you mean "Europe/Berlin"?',
            id="a misspelt time zone",
        ),
        pytest.param(
            ROUTE + "limits: {all: {calls_per_day: 1, time_zone: Berlin}}",
            'p.yaml:2:45 limits.all.time_zone: found "Berlin", expected a time zone such as Europe/Berlin, or UTC;'
            ' did you mean "Europe/Berlin"?',
            id="a city for a time zone",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {usd: 1, time_zone: qqqqqqq}}",
            'p.yaml:2:36 budgets.all.time_zone: found "qqqqqqq", expected a time zone such as Europe/Berlin, or UTC',
            id="a time zone that is like none",
        ),
        pytest.param(
            ROUTE + "budgets: {all: {usd: 1, time_zone: 2}}",
            "p.yaml:2:36 budgets.all.time_zone: found 2, expected a time zone such as Europe/Berlin, or UTC",
            id="a number for a time zone",
        ),
        pytest.param(
            "routes: {/a: {on_exhausted: refse}}",
            'p.yaml:1:29 routes./a.on_exhausted: found "refse", expected one of refuse, clamp, degrade;'
            ' did you mean "refuse"?',
            id="a misspelt way out",
        ),
        pytest.param(
            "routes: {/a: {on_hang_up: wait}}",
            'p.yaml:1:27 routes./a.on_hang_up: found "wait", expected one of abort, drain',
            id="no way to hang up",
        ),
        pytest.param(
            ROUTE + "providers: {openai: {console_cap: {attested_by: x, on: 2026-11-02, expires: 2027-01-01}}}",
            "p.yaml:2:35 providers.openai.console_cap: found a mapping, expected usd_per_day or usd_per_month",
            id="an attestation of no amount",
        ),
        pytest.param(
            ROUTE + "providers: {openai: {console_cap: {usd_per_day: 1, on: 2026-11-02, expires: 2027-01-01}}}",
            "p.yaml:2:35 providers.openai.console_cap.attested_by: found nothing, expected a text of 1 to 200",
            id="an attestation of nobody",
        ),
        pytest.param(
            ROUTE + "providers: {openai: {console_cap: {usd_per_day: 1, attested_by: x, on: 2026-11-02,"
            " expires: 2026-11-01}}}",
            "p.yaml:2:35 providers.openai.console_cap: found a mapping, expected expires to be later than on",
            id="an attestation that ends before it begins",
        ),
        pytest.param(
            ROUTE
            + "providers: {openai: {console_cap: {usd_per_day: 1, attested_by: x, on: today, expires: 2026-12-01}}}",
            'p.yaml:2:72 providers.openai.console_cap.on: found "today", expected a date such as 2026-11-01',
            id="an attestation of no day",
        ),
        pytest.param(
            "routes: {/a: {model: *x}}",
            "p.yaml:1:22 routes./a.model: found an alias to an anchor that is not written before it",
            id="an alias of nothing is told once",
        ),
        pytest.param("routes: 5", "p.yaml:1:9 routes: found 5, expected a mapping", id="no mapping"),
        pytest.param(
            "version: 1",
            "p.yaml:1:1 routes: found nothing, expected at least one route, such as /ai/chat:",
            id="no routes",
        ),
        pytest.param("", "p.yaml:1:1: found an empty document, expected a mapping with routes", id="empty"),
        pytest.param("- a", "p.yaml:1:1: found a list, expected a mapping with routes", id="a list"),
        pytest.param("a: [", "p.yaml:1:5: found broken YAML, expected a YAML 1.2 document", id="no YAML"),
    ],
)
def test_a_fault_is_told_with_its_place_and_its_mend(faults: Faults, text: str, expected: str) -> None:
    (line,) = faults(text)

    assert line.startswith(expected)


def test_everything_is_told_at_once_in_the_order_of_lines(faults: Faults) -> None:
    lines = faults(
        """
        version: 3
        providers: {x: {dialect: antropic}}
        routes:
          /a: {modle: x, temperature: 9}
          /b: {profile: intractive}
        limits: {"route:/d": {calls_per_day: 1}}
        max_body_mb: 0
        """
    )

    assert [line.split(":")[1] for line in lines] == ["2", "3", "5", "5", "6", "7", "8"]


def test_an_echo_of_another_fault_is_not_told(faults: Faults) -> None:
    (misspelt,) = faults("routes: {/a: {model: m}}\nproviders: {x: {dialect: opnai}}")
    (price,) = faults("routes: {/a: {model: openai/m}}\nprices: {m: {input: 1}}")
    (address,) = faults("routes: {/a: {model: claude-opus-4-6}}\nproviders: {anthropic: {base_url: localhost}}")

    assert "opnai" in misspelt
    assert "prices.m.input" in price
    assert "providers.anthropic.base_url: found a URL without http://" in address


def test_a_value_that_was_left_out_is_told_where_its_key_is(faults: Faults) -> None:
    assert [line.split(" ")[0] for line in faults("routes:\n\nbudgets:\n  all:\n\nlimits: {}\n")] == [
        "p.yaml:1:1",
        "p.yaml:4:3",
    ]


def test_a_key_by_its_bare_name_is_told_once(faults: Faults) -> None:
    (line,) = faults("routes: {/a: {}}\nproviders:\n  anthropic: {api_key: ANTHROPIC_API_KEY}\n")

    assert line.startswith("p.yaml:3:24 providers.anthropic.api_key: found what looks like a credential")


def test_an_empty_section_is_an_empty_mapping(faults: Faults) -> None:
    assert faults("providers:\nprofiles:\njournal:\nroutes:\n  /a:\n") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("routes: {/a: {}}\nproviders: {anthropic: {api_key: SECRET}}", id="where a key belongs"),
        pytest.param("routes: {/a: {}}\nproviders: {anthropic: {apikey: SECRET}}", id="under a misspelt key"),
        pytest.param("routes: {/a: {model: SECRET}}", id="as a model"),
        pytest.param("routes: {/a: {SECRET: 1}}", id="as a key"),
        pytest.param("routes: {/SECRET: {}}", id="as a route"),
        pytest.param("routes: {/a: {}} # SECRET", id="in a comment"),
        pytest.param("routes: {/a: [SECRET, {SECRET: SECRET}]}", id="everywhere"),
        pytest.param(
            "routes: {/a: {}}\nproviders: {x: {dialect: openai, base_url: 'https://a:SECRET@h'}}", id="in a URL"
        ),
        pytest.param("routes: {/a: {}}\nproviders: {x: {dialect: openai, api_key: 'env:SECRET'}}", id="in a reference"),
        pytest.param("routes: {/a: !SECRET {}}", id="as a tag"),
        pytest.param("routes: {/a: *SECRET}", id="as an alias"),
        pytest.param("routes: {/a: [SECRET", id="in broken YAML"),
        pytest.param("SECRET", id="alone"),
        pytest.param("SECRET: SECRET: x", id="before broken YAML"),
        pytest.param("SECRET: 1\nSECRET: 2", id="twice"),
    ],
)
@pytest.mark.parametrize(
    "secret", ["sk-ant-api03-" + "aB3-" * 23, "sk-" + "aB3d" * 12, "sk-proj-" + "a1_B" * 30, "sw_" + "aB3d" * 11]
)
def test_a_credential_is_refused_and_never_printed(faults: Faults, text: str, secret: str) -> None:
    lines = faults(text.replace("SECRET", secret))

    assert lines
    assert not any(secret[8:20] in line for line in lines)


def test_a_literal_key_is_told_by_its_length_alone(faults: Faults) -> None:
    (line,) = faults("routes: {/a: {}}\nproviders: {anthropic: {api_key: hunter2}}")

    assert "found a literal of 7 characters, expected a reference: env:NAME or file:/path" in line
    assert "hunter2" not in line


def test_a_random_value_in_a_comment_is_found(faults: Faults) -> None:
    (line,) = faults("routes: {/a: {}}\n# api_key: q8Zr2LmX0vTyB7eW\n")

    assert line.startswith("p.yaml:2:12: found what looks like a credential")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("timeout", "timeout_ms"),
        ("Max-Tokens", "max_tokens"),
        ("timeout_s", "timeout_ms"),
        ("usd_per_day", "per_day_usd"),
        ("gpt-6-lun", "gpt-6-luna"),
        ("claude-sonnet-55", "claude-sonnet-5-5"),
        ("gpt-6-moon", "gpt-6-luna"),
        ("unrelated", ""),
        ("", ""),
    ],
)
def test_the_nearest_choice_is_what_was_meant(word: str, expected: str) -> None:
    choices = ["timeout_ms", "max_tokens", "idle_timeout_ms", "per_day_tokens", "per_day_usd"]
    choices += ["gpt-6-astra", "gpt-6-luna", "claude-sonnet-5", "claude-sonnet-5-5"]

    assert nearest(word, choices) == expected
    assert did_you_mean(word, choices) == (f'did you mean "{expected}"?' if expected else "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["routes", "/a", "model", "prices", "m", "from", "bands", "providers", "api_key", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(_JSON)
def test_whatever_is_written_is_a_document_or_faults(value: object) -> None:
    import json  # noqa: PLC0415 - only here

    reading = read_policy(json.dumps(value).encode(), "p")

    assert reading.faults or reading.document is not None
