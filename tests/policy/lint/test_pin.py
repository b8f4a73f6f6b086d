from datetime import date
from pathlib import Path

from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.lint.judged import Finding
from seawall.policy.lint.run import lint
from seawall.policy.load import read_policy_file
from seawall.policy.pins import pins_path
from seawall.policy.reference import PretendedReferences

TODAY = date(2026, 11, 21)


def _findings(tmp_path: Path, pins: str) -> list[Finding]:
    policy = tmp_path / "seawall.yaml"
    policy.write_text("routes:\n  /ai/chat: {model: claude-opus-4-6, max_tokens: 500}\n")
    pins_path(policy).write_text(f"version: 1\npins:\n  {pins}\n")
    reading = read_policy_file(policy)
    roster = compile_policy(reading, Surroundings(PretendedReferences({}), TODAY)).roster
    assert roster is not None
    return [each for each in lint(reading, roster, {}, TODAY) if each.place.source == str(pins_path(policy))]


def test_a_pin_of_no_route_is_an_error_with_the_nearest_route(tmp_path: Path) -> None:
    (finding,) = _findings(tmp_path, "/ai/chta: {model: claude-opus-4-6}")

    assert (finding.level, finding.code, finding.place) == ("error", "pin.unknown_route", (3, 21))
    assert finding.mend == 'did you mean "/ai/chat"?'


def test_a_pin_of_no_route_like_any_is_to_be_removed(tmp_path: Path) -> None:
    (finding,) = _findings(tmp_path, "zzzzz: {model: claude-opus-4-6}")

    assert finding.mend == "remove the pin, or write the route"


def test_a_floating_or_retired_pin_is_found_in_the_pins_file_with_its_replacement(tmp_path: Path) -> None:
    floating = {each.code: each for each in _findings(tmp_path, "/ai/chat: {model: claude-haiku-4-5}")}
    retired = {each.code: each for each in _findings(tmp_path, "/ai/chat: {model: claude-3-haiku-20240307}")}

    assert floating["model.floating"].mend == "pin it: claude-haiku-4-5-20251001"
    assert "a current model of its kind is" in retired["model.retired"].mend


def test_a_good_pin_is_not_found(tmp_path: Path) -> None:
    codes = {each.code for each in _findings(tmp_path, "/ai/chat: {model: claude-opus-4-6}")}

    assert not codes & {"pin.unknown_route", "model.floating", "model.retired"}
