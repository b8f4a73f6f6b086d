import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.policy.pins import pins_path, read_pins

OWN: Final = "claude-opus-4-6"
POLICY: Final = f"""\
routes:
  /ai/chat: {{model: {OWN}, max_tokens: 500}}
  /ai/open: {{max_tokens: 500}}
  /ai/floating: {{model: claude-haiku-4-5, max_tokens: 500}}
  /ai/old: {{model: claude-3-haiku-20240307, max_tokens: 500}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "seawall.yaml"
    path.write_text(POLICY)
    return path


def _run(policy: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["models", *words, "--policy", str(policy)])


def _in_force(policy: Path, route: str = "/ai/chat") -> tuple[str, bool]:
    rows = [json.loads(line) for line in _run(policy, "list", "--json").output.splitlines()]
    (row,) = (row for row in rows if row["route"] == route)
    return row["model"], row["pin"] is not None


def test_the_list_names_what_is_floating_or_retired_and_what_to_take_instead(policy: Path) -> None:
    lines = {line.split()[0]: line for line in _run(policy, "list").output.splitlines()}

    assert lines["ROUTE"].split() == ["ROUTE", "MODEL", "FROM", "STATE", "INSTEAD", "WHY"]
    assert "floating" in lines["/ai/floating"]
    assert "claude-haiku-4-5-20251001" in lines["/ai/floating"]
    assert "retired since 2026" in lines["/ai/old"]
    assert "the client's own" in lines["/ai/open"]
    assert lines["/ai/chat"].split()[1] == OWN


def test_a_model_is_pinned_and_rolled_back(policy: Path) -> None:
    first = _run(policy, "pin", "/ai/chat", "gpt-5.2", "--why", "cheaper", "--by", "ada")
    pinned = _in_force(policy)
    second = _run(policy, "rollback", "/ai/chat", "--why", "worse", "--by", "bob")

    assert first.exit_code == second.exit_code == 0, first.output + second.output
    assert f"/ai/chat calls gpt-5.2 (pinned; the policy says {OWN})" in first.output
    assert f"/ai/chat calls {OWN} (the policy's own)" in second.output
    assert (pinned, _in_force(policy)) == (("gpt-5.2", True), (OWN, False))
    pins = read_pins(pins_path(policy).read_bytes(), "p")
    assert [(c.did, c.was, c.model, c.by, c.why) for c in pins.history] == [
        ("pin", OWN, "gpt-5.2", "ada", "cheaper"),
        ("rollback", "gpt-5.2", "", "bob", "worse"),
    ]
    assert policy.read_text() == POLICY


def test_a_pin_decides_for_the_client_and_its_end_leaves_it_the_choice(policy: Path) -> None:
    _run(policy, "pin", "/ai/open", "gpt-5.2", "--why", "x")

    assert _in_force(policy, "/ai/open") == ("gpt-5.2", True)
    assert "/ai/open calls what the client asks for" in _run(policy, "rollback", "/ai/open").output


def test_a_pin_to_a_floating_model_is_said(policy: Path) -> None:
    output = _run(policy, "pin", "/ai/chat", "claude-haiku-4-5", "--why", "x").output

    assert "Mind that it is floating; instead: claude-haiku-4-5-20251001" in output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("pin", "/ai/chat", "anthropic/claude-unheard-of", "--why", "x"), 1, "seawall.pins.yaml:"),
        (("pin", "/ai/chat", "nobodys-model", "--why", "x"), 1, "does not say whose model it is"),
        (("pin", "/ai/chat", "two\nlines", "--why", "x"), 1, "found a text of 9 characters, expected a model, such as"),
        (("pin", "/ai/chta", "gpt-5.2", "--why", "x"), 2, 'did you mean "/ai/chat"?'),
        (("pin", "/ai/chat", "gpt-5.2", "--why", " "), 2, "--why"),
        (("pin", "/ai/chat", "gpt-5.2"), 2, "--why"),
        (("rollback", "/ai/chat"), 2, "not pinned"),
        (("rollback", "/zzz"), 2, "it has /ai/chat"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    policy: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = _run(policy, *words)

    assert result.exit_code == code, result.output
    assert said in result.output
    assert not pins_path(policy).exists()


def test_a_policy_with_faults_is_told_and_not_pinned(policy: Path) -> None:
    policy.write_text("routes:\n  /ai/chat: {modle: x}\n")

    pin = _run(policy, "pin", "/ai/chat", "gpt-5.2", "--why", "x")
    listed = _run(policy, "list")

    assert (pin.exit_code, listed.exit_code) == (1, 1)
    assert "modle" in pin.output
    assert not pins_path(policy).exists()


def test_without_a_policy_there_is_nothing_to_pin(tmp_path: Path) -> None:
    result = _run(tmp_path / "none.yaml", "pin", "/a", "gpt-5.2", "--why", "x")

    assert result.exit_code == 2
    assert "seawall init" in result.output


def test_a_folder_that_cannot_be_written_is_said(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.fsync", refuse)

    result = _run(policy, "pin", "/ai/chat", "gpt-5.2", "--why", "x")

    assert result.exit_code == 2
    assert "Read-only file system" in result.output


def test_explain_and_check_name_the_pin(policy: Path) -> None:
    _run(policy, "pin", "/ai/chat", "claude-haiku-4-5", "--why", "x")

    explained = CliRunner().invoke(main, ["explain", "/ai/chat", "--policy", str(policy)]).output
    checked = CliRunner().invoke(main, ["check", str(policy)]).output

    assert "pin, seawall.pins.yaml:" in explained
    assert f"{pins_path(policy)}:" in checked
    assert "[model.floating]" in checked


def test_a_reason_that_a_terminal_would_obey_is_made_plain(policy: Path) -> None:
    result = _run(policy, "pin", "/ai/chat", "gpt-5.2", "--why", "one\n\x1b[2Jtwo")

    assert result.exit_code == 0, result.output
    assert read_pins(pins_path(policy).read_bytes(), "p").pins["/ai/chat"].why == "one  [2Jtwo"
