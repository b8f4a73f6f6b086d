import json
import stat
from pathlib import Path

import pytest

from seawall.core.switch import EVERYTHING, MAX_WHY, Level, Switch
from seawall.stores.files.switch_record import FILE_NAME, MAX_BYTES, SwitchRecord
from seawall.testing.clock import START_WALL_S


def test_a_record_says_who_what_when_and_why(tmp_path: Path) -> None:
    switch = Switch(Level("team", "a"), START_WALL_S + 60, "ada", START_WALL_S, "too dear")

    SwitchRecord(tmp_path).append("throw", switch, START_WALL_S, "cli")

    path = tmp_path / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "at": "2026-11-21T00:00:00Z",
        "did": "throw",
        "level": "team:a",
        "by": "ada",
        "why": "too dear",
        "until": "2026-11-21T00:01:00Z",
        "through": "cli",
    }


def test_what_a_terminal_would_obey_is_escaped(tmp_path: Path) -> None:
    hostile = "\x1b[2J\r\n\x7f\x9b\u2028\u202e"

    SwitchRecord(tmp_path).append("throw", Switch(EVERYTHING, why=hostile, trouble=hostile), START_WALL_S, "http")

    (line,) = (tmp_path / FILE_NAME).read_text("ascii").splitlines()
    assert line.isprintable()
    assert (json.loads(line)["why"], json.loads(line)["trouble"]) == (hostile, hostile)


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    SwitchRecord(tmp_path).append("throw", Switch(EVERYTHING, why="x" * 10_000), START_WALL_S, "http")

    assert len(json.loads((tmp_path / FILE_NAME).read_text())["why"]) == MAX_WHY


def test_a_full_record_makes_room(tmp_path: Path) -> None:
    record, path = SwitchRecord(tmp_path), tmp_path / FILE_NAME
    path.write_bytes(b"x" * MAX_BYTES)

    record.append("throw", Switch(EVERYTHING), START_WALL_S, "cli")
    record.append("revive", Switch(EVERYTHING), START_WALL_S, "cli")

    assert len(path.read_text().splitlines()) == 2
    assert path.with_name(f"{FILE_NAME}.1").stat().st_size == MAX_BYTES


def test_a_record_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()

    with pytest.raises(OSError, match="directory"):
        SwitchRecord(tmp_path).append("throw", Switch(EVERYTHING), START_WALL_S, "cli")
