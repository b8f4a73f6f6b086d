"""The rules about console caps; what each finds is in the table of test_lint.py, what none may find is here."""

from collections.abc import Callable
from typing import Final

import pytest

from seawall.policy.lint.judged import Finding

Judge = Callable[..., list[Finding]]

OPEN: Final = "routes: {/a: {}}\n"
CAP: Final = "console_cap: {usd_per_month: 1, attested_by: me, on: 2026-11-21, expires: 2026-12-06}"


@pytest.mark.parametrize(
    "providers",
    [
        pytest.param("", id="none is declared"),
        pytest.param("providers: {openai: {enabled: false}}", id="switched off"),
        pytest.param(
            "providers: {x: {dialect: openai, base_url: 'http://127.0.0.1:9/v1', api_key: 'env:K'}}", id="here"
        ),
        pytest.param(
            "providers: {x: {dialect: openai, base_url: 'https://h/v1', api_key: none}}", id="no key, no bill"
        ),
        pytest.param(f"providers: {{openai: {{{CAP}}}}}", id="attested"),
    ],
)
def test_a_provider_that_sends_no_bill_or_is_attested_is_quiet(judge: Judge, providers: str) -> None:
    assert judge(OPEN + providers, "console_cap") == []


def test_a_provider_that_no_route_uses_is_quiet(judge: Judge) -> None:
    text = "routes: {/a: {model: gpt-6-luna}}\nproviders: {anthropic: {}}"

    assert judge(text, "console_cap") == []


def test_what_the_client_may_choose_needs_an_attestation(judge: Judge) -> None:
    (finding,) = judge(OPEN + "providers: {openai: {}}", "console_cap")

    assert (finding.level, finding.code) == ("warning", "console_cap.missing")
    assert "console_cap: {usd_per_day: 250" in finding.mend


@pytest.mark.parametrize(
    ("expires", "codes"),
    [
        pytest.param("2026-11-20", ["console_cap.expired"], id="yesterday"),
        pytest.param("2026-11-21", ["console_cap.expired"], id="today"),
        pytest.param("2026-11-22", ["console_cap.expiring"], id="tomorrow"),
        pytest.param("2026-12-05", ["console_cap.expiring"], id="in two weeks"),
        pytest.param("2026-12-06", [], id="later"),
    ],
)
def test_an_attestation_ends_on_its_day(judge: Judge, expires: str, codes: list[str]) -> None:
    cap = f"{{usd_per_day: 1, attested_by: me, on: 2026-11-01, expires: {expires}}}"

    findings = judge(OPEN + f"providers: {{openai: {{console_cap: {cap}}}}}", "console_cap")

    assert [finding.code for finding in findings] == codes
