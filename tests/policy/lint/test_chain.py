"""The rules about failures; what each finds is in the table of test_lint.py, what none may find is here."""

from collections.abc import Callable
from datetime import date

import pytest

from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.lint.run import lint
from seawall.policy.load import Reading
from seawall.policy.reference import PretendedReferences

Read = Callable[[str], Reading]


def _codes(reading: Reading) -> set[str]:
    today = date(2026, 11, 21)
    compiled = compile_policy(reading, Surroundings(PretendedReferences({}), today))
    assert compiled.faults == ()
    assert compiled.roster is not None
    return {finding.code for finding in lint(reading, compiled.roster, {}, today)}


@pytest.mark.parametrize("said", ["message: Later.", "cached_s: 60", "model: gpt-6-luna"])
def test_whatever_answers_instead_is_enough(read: Read, said: str) -> None:
    codes = _codes(read(f"routes: {{/a: {{model: claude-opus-5, degraded: {{{said}}}}}}}"))

    assert not codes & {"fallback.none", "degraded.none"}


def test_nothing_is_missing_where_the_client_chooses(read: Read) -> None:
    assert not _codes(read("routes: {/a: {}}")) & {"fallback.none", "degraded.none", "translation.none"}


def test_a_fallback_of_another_dialect_is_nothing_to_warn_of(read: Read) -> None:
    codes = _codes(
        read("routes: {/a: {model: claude-opus-5, fallback: [gpt-6-luna, claude-opus-4-6], strict_translation: true}}")
    )

    assert not [code for code in codes if code.startswith(("fallback.", "translation."))]


def test_json_that_the_first_model_has_no_switch_for_is_told_by_another_code(read: Read) -> None:
    text = "routes: {{/a: {{model: {}, fallback: [{}], enforce_json: true}}}}"

    lost = _codes(read(text.format("gpt-6-luna", "claude-opus-5")))
    never = _codes(read(text.format("claude-opus-5", "gpt-6-luna")))

    assert ("fallback.cannot_carry" in lost, "json.unchecked" in lost) == (True, False)
    assert ("fallback.cannot_carry" in never, "json.unchecked" in never) == (False, True)


def test_models_as_many_as_attempts_are_all_reached(read: Read) -> None:
    text = "routes: {{/a: {{model: claude-opus-5, max_attempts: {}, fallback: [gpt-6-luna]}}}}"

    assert "fallback.unreachable" in _codes(read(text.format(1)))
    assert "fallback.unreachable" not in _codes(read(text.format(2)))
