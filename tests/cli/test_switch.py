from pathlib import Path

import click
import pytest

from seawall.cli.switch import asked_level, now_s, open_switches, who
from seawall.core.switch import Level


def test_a_level_that_is_none_is_wrong_use() -> None:
    assert asked_level("team:a") == Level("team", "a")
    with pytest.raises(click.UsageError, match="did you mean team:a"):
        asked_level("teem:a")


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="SEAWALL_STATE_DIR"):
        open_switches(tmp_path / "nowhere")

    assert not (tmp_path / "nowhere").exists()
    assert open_switches(tmp_path).in_force() == ()


def test_who_is_said_or_the_user_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert who("ada") == "ada"
    monkeypatch.setenv("LOGNAME", "mara")
    assert who("") == "mara"


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)

    assert who("").startswith("uid ")


def test_now_is_a_moment_of_this_century() -> None:
    assert now_s() > 1_700_000_000
