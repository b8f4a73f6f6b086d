from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from docs.policy_reference import PAGE, filled
from seawall.policy.fault import Path as DocumentPath
from seawall.policy.schema import DRAFT, expectation, is_mapping, policy_schema, schema_at, valid_keys
from seawall.policy.starter import STARTER

SMALLEST = """
routes: {/ai/automation: {model: claude-3-sonnet-20240229, temperature: 0.2, max_tokens: 600, enforce_json: true,
retries: 1, timeout_ms: 20000, budget_per_day_usd: 20}, /ai/chat: {model: claude-3-haiku-20240307, temperature: 0.6,
max_tokens: 300, streaming: true}}
"""
FAILURES = """
routes:
  /a:
    model: x
    fallback: [y, {model: z, enabled: "env:F", retries: 0}]
    breaker: {open_s: 5}
    degraded: {message: Later.}
  /b: {degraded: error}
overload: {max_in_flight: 5, shares: {analysis: 0.1}}
killswitch: {in_flight: cut}
idempotency: {keep_hours: 1}
providers: {openai: {concurrency: {most: 5}}}
"""
PRICES = """
routes: {/a: {}}
prices: {m: {input_usd_per_mtok: 1, from: '2026-11-01'}, n: [{output_usd_per_mtok: 2}, {bands: [{above_tokens: 5}]}]}
budgets: {"team:*": {per_day_usd: 1}}
"""

CAPS = """
providers: {openai: {console_cap: {usd_per_day: 9.5, attested_by: us, on: "2026-11-01", expires: "2027-01-01"}}}
budgets: {all: {per_minute_usd: 1, usd: 0, time_zone: Europe/Berlin}, "user:*": {per_day_tokens: 500}}
limits: {"route:/a": {requests_per_minute: 5, burst: 1, tokens_per_minute: 9000, burst_tokens: 900}}
routes: {/a: {budget_per_day_usd: 5, on_exhausted: degrade, on_hang_up: drain}}
"""


def _is_valid(text: str) -> bool:
    validator = jsonschema.Draft202012Validator(policy_schema())
    return bool(validator.is_valid(YAML(typ="safe", pure=True).load(text)))


@pytest.mark.parametrize(
    "text", [SMALLEST, STARTER, PRICES, FAILURES, CAPS], ids=["row C1", "starter", "prices", "failures", "caps"]
)
def test_the_schema_takes_good_policies(text: str) -> None:
    assert _is_valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "routes: {/a: {modle: x}}",
        "routes: {a: {}}",
        "routes: {/a: {temperature: 3}}",
        "routes: {/a: {max_tokens: null}}",
        "version: 2",
        "routes: {/a: {degraded: message}}",
        "routes: {/a: {degraded: {message: null}}}",
        "routes: {/a: {model: x, fallback: [{enabled: true}]}}",
        "routes: {/a: {}}\noverload: {shares: {interactive: 1}}",
        "routes: {/a: {}}\nproviders: {x: {api_key: hunter2}}",
        "routes: {/a: {}}\nbudgets: {nobody: {per_day_usd: 1}}",
        "routes: {/a: {}}\nlimits: {all: {requests_per_minute: 0}}",
        "routes: {/a: {on_hang_up: wait}}",
    ],
)
def test_the_schema_refuses_what_reading_refuses(text: str) -> None:
    assert not _is_valid(text)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(policy_schema())

    assert policy_schema()["$schema"] == DRAFT


def test_everything_in_the_schema_is_described() -> None:
    sections = {"the document": policy_schema(), **policy_schema()["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, node in sections.items()
        for key, value in node["properties"].items()
        if "description" not in value and "$ref" not in value
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("version",), "1"),
        (("routes",), "a mapping"),
        (("routes", "/a", "temperature"), "a number from 0 to 2"),
        (("routes", "/a", "top_p"), "a number above 0 and at most 1"),
        (("routes", "/a", "max_tokens"), "a whole number from 1 to 10000000"),
        (("routes", "/a", "streaming"), "true or false"),
        (("routes", "/a", "class"), "one of interactive, automation, analysis"),
        (("routes", "/a", "model"), "a text"),
        (("routes", "/a", "fallback"), "a list of at most 8"),
        (("routes", "/a", "fallback", 0), "a text"),
        (("routes", "/a", "fallback", 0, "retries"), "a whole number from 0 to 3"),
        (("routes", "/a", "degraded"), "a mapping"),
        (("routes", "/a", "degraded", "message"), "a text of 1 to 4,000 characters"),
        (("routes", "/a", "degraded", "cached_s"), "a number above 0 and at most 86400"),
        (("routes", "/a", "breaker", "probes"), "a whole number from 1 to 1000"),
        (("overload", "shares", "analysis"), "a number above 0 and at most 1"),
        (("prices", "m", "input_usd_per_mtok"), "a number from 0 to 1000000"),
        (("prices", "m", 1, "bands", 0, "above_tokens"), "a whole number from 1 to 10000000"),
        (("prices", "m", "from"), "a date such as 2026-11-01"),
        (("routes", "/a", "nothing", "here"), "a value"),
    ],
)
def test_what_is_expected_is_said_in_words(path: DocumentPath, expected: str) -> None:
    assert expectation(path) == expected


def test_the_keys_of_a_place_are_known() -> None:
    assert valid_keys(("journal",)) == ["keep_metadata_days", "keep_bodies_days"]
    assert valid_keys(("killswitch",)) == ["in_flight"]
    assert valid_keys(("routes", "/a", "fallback", 0))[:2] == ["model", "enabled"]
    assert valid_keys(("routes", "/a", "degraded")) == ["message", "cached_s", "model"]
    assert valid_keys(("routes",)) == []
    assert valid_keys(("nothing",)) == []


def test_a_mapping_is_told_from_other_values() -> None:
    assert is_mapping(schema_at(("routes", "/a")))
    assert not is_mapping(schema_at(("version",)))
    assert not is_mapping(None)


def test_the_reference_page_holds_every_key_as_the_code_has_it() -> None:
    page = Path(PAGE).read_text("utf-8")

    assert filled(page) == page, "run python -m docs.policy_reference"
