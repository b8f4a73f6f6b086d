import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from seawall.stores.files.switch_record import FILE_NAME as RECORD
from seawall.stores.files.switches import FILE_NAME

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _made(state_dir: Path) -> None:
    state_dir.mkdir()


def _listed(run: Run) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in run("kill", "--list", "--json").output.splitlines()]


def test_a_level_is_switched_off_with_who_and_why(run: Run, state_dir: Path) -> None:
    result = run("kill", "team:a", "--why", "too dear", "--by", "ada")

    assert result.exit_code == 0, result.output
    assert "team:a is off, until `seawall revive team:a`" in result.output
    assert str(state_dir / FILE_NAME) in result.output
    (switch,) = _listed(run)
    assert (switch["level"], switch["by"], switch["why"], switch["until"]) == ("team:a", "ada", "too dear", None)
    assert json.loads((state_dir / RECORD).read_text())["did"] == "throw"


def test_a_length_ends_it_by_itself(run: Run) -> None:
    said = json.loads(run("kill", "all", "--for", "30m", "--why", "x", "--json").output)
    text = run("kill", "model:m", "--for", "2h", "--why", "x").output

    assert said["until"] > said["at"]
    assert [switch["level"] for switch in _listed(run)] == ["all", "model:m"]
    assert "model:m is off, until 2" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "use --list"),
        (("teem:a", "--why", "x"), "did you mean team:a?"),
        (("team:a",), "--why"),
        (("team:a", "--why", " "), "--why"),
        (("team:a", "--why", "x", "--for", "long"), "--for"),
        (("team:a", "--why", "x", "--for", "0s"), "no time at all"),
        (("team:a", "--list"), "--list goes with no level"),
    ],
)
def test_wrong_use_says_what_is_right(run: Run, state_dir: Path, words: tuple[str, ...], said: str) -> None:
    result = run("kill", *words)

    assert result.exit_code == 2
    assert said in result.output
    assert not (state_dir / FILE_NAME).exists()


def test_the_list_is_a_table_that_no_reason_can_break(run: Run) -> None:
    run("kill", "team:a", "--why", "one\ntwo \x1b[2J", "--by", "ada")
    run("kill", "all", "--why", "x", "--for", "1h")

    lines = run("kill", "--list").output.splitlines()

    assert lines[0].split() == ["OFF", "SINCE", "UNTIL", "BY", "WHY"]
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines)
    assert "revived" in lines[1]


def test_the_list_says_that_nothing_is_off(run: Run) -> None:
    assert run("kill", "--list").output == "Nothing is off.\n"
    assert run("kill", "--list", "--json").output == ""


def test_the_list_says_why_an_unreadable_file_means_all(run: Run, state_dir: Path) -> None:
    (state_dir / FILE_NAME).write_text("teem:a\n")

    assert "line 1: " in run("kill", "--list").output
    (switch,) = _listed(run)
    assert switch["level"] == "all"
    assert "did you mean team:a?" in str(switch["trouble"])


def test_it_works_with_every_store_broken(run: Run, state_dir: Path) -> None:
    (state_dir / "keys.db").write_bytes(b"no database")
    (state_dir / "journal").write_bytes(b"no folder")

    assert run("kill", "all", "--why", "x").exit_code == 0
    assert [switch["level"] for switch in _listed(run)] == ["all"]


def test_a_name_that_the_policy_has_not_is_thrown_and_doubted(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "seawall.yaml"
    policy.write_text("routes: {/ai/chat: {model: claude-haiku-4-5, max_tokens: 9}}")

    result = run("kill", "provider:antropic", "--why", "x", "--policy", str(policy))

    assert result.exit_code == 0
    assert 'has no provider antropic; did you mean "anthropic"?' in result.output
    assert [switch["level"] for switch in _listed(run)] == ["provider:antropic"]


def test_a_policy_that_cannot_even_be_read_changes_nothing(run: Run, tmp_path: Path) -> None:
    policy = tmp_path / "seawall.yaml"
    policy.write_bytes(b"\xff\x00: [")

    assert run("kill", "provider:a", "--why", "x", "--policy", str(policy)).exit_code == 0


def test_the_terminal_is_told_once_and_in_words(run: Run, state_dir: Path) -> None:
    (state_dir / RECORD).mkdir()

    result = run("kill", "all", "--why", "x")

    assert result.exit_code == 0
    assert "kill switch: calls are stopped" not in result.output
    assert "seawall: kill switch: the record could not be kept: " in result.output


def test_it_needs_no_store_and_no_policy() -> None:
    code = """
import sys
from seawall.cli.main import main
main(["kill", "--help"], standalone_mode=False)
print(*[name for name in ("apsw", "pydantic", "ruamel.yaml", "uvloop", "starlette") if name in sys.modules], sep=",")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.splitlines()[-1] == ""


def test_a_directory_that_cannot_be_written_is_said(run: Run, state_dir: Path) -> None:
    (state_dir / f"{FILE_NAME}.lock").mkdir()

    result = run("kill", "all", "--why", "x")

    assert result.exit_code == 2
    assert "an empty file of that name stops every call" in result.output
