import os
from pathlib import Path

from seawall.gateway.pid_file import PID_FILE, pid_file


def test_the_file_names_this_process_while_the_block_runs(tmp_path: Path) -> None:
    with pid_file(tmp_path) as path:
        assert path == tmp_path / PID_FILE
        assert path.read_text("ascii") == f"{os.getpid()}\n"
        assert path.stat().st_mode & 0o777 == 0o600

    assert list(tmp_path.iterdir()) == []


def test_another_ones_file_is_left_alone(tmp_path: Path) -> None:
    with pid_file(tmp_path) as path:
        path.write_text("1\n", "ascii")

    assert path.read_text("ascii") == "1\n"


def test_a_file_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / PID_FILE).write_text("999999\n", "ascii")

    with pid_file(tmp_path) as path:
        assert path.read_text("ascii") == f"{os.getpid()}\n"
