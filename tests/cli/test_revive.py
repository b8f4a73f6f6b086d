import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from seawall.stores.files.switch_record import FILE_NAME as RECORD
from seawall.stores.files.switches import FILE_NAME

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _off(state_dir: Path) -> None:
    """Have a team, everything and a line that nobody can read switched off."""
    state_dir.mkdir()
    (state_dir / FILE_NAME).write_text('team:a why="too dear"\nall\nwhat is this\n')


def test_a_level_is_revived_and_the_rest_is_named(run: Run, state_dir: Path) -> None:
    result = run("revive", "team:a", "--why", "cheaper", "--by", "bob")

    assert result.exit_code == 0, result.output
    assert result.output == "team:a is on again (it was off: too dear)\nStill off: all, all\n"
    record = json.loads((state_dir / RECORD).read_text())
    assert (record["did"], record["by"], record["why"]) == ("revive", "bob", "cheaper")


def test_all_lifts_every_switch(run: Run, state_dir: Path) -> None:
    result = run("revive", "all", "--json")

    assert [json.loads(line)["level"] for line in result.output.splitlines()] == ["team:a", "all", "all"]
    assert not (state_dir / FILE_NAME).exists()


def test_only_all_leaves_other_switches(run: Run, state_dir: Path) -> None:
    result = run("revive", "all", "--only")

    assert result.output.splitlines()[0] == "all is on again"
    assert result.output.splitlines()[-1] == "Still off: team:a"
    assert (state_dir / FILE_NAME).read_text() == 'team:a why="too dear"\n'


def test_what_is_not_off_cannot_be_revived(run: Run) -> None:
    result = run("revive", "team:b")

    assert result.exit_code == 2
    assert "team:b is not switched off; what is: team:a, all, all" in result.output


def test_a_wrong_level_is_wrong_use(run: Run) -> None:
    assert run("revive", "tem:a").exit_code == 2
