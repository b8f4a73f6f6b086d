import logging
import os
from pathlib import Path

import pytest

from seawall.stores.files.board import BOARD_DIR, LARGEST, STALE_S, FileBoard
from seawall.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def _leave(directory: Path, slot: int, text: bytes, clock: FakeClock, age_s: float = 0.0) -> None:
    """Leave a note as a worker does whose clock is ours, `age_s` ago."""
    FileBoard(directory, slot, clock).publish(text)
    at_ns = int((clock.wall_s() - age_s) * 1e9)
    os.utime(directory / BOARD_DIR / f"{slot}.json", ns=(at_ns, at_ns))


def test_a_worker_reads_the_newest_note_of_each_other(tmp_path: Path, clock: FakeClock) -> None:
    mine = FileBoard(tmp_path, 0, clock)
    mine.publish(b"mine")
    _leave(tmp_path, 1, b"first", clock)
    _leave(tmp_path, 2, b"other", clock)
    assert mine.read_others() == [b"first", b"other"]

    _leave(tmp_path, 1, b"second", clock)

    assert mine.read_others() == [b"second", b"other"]


def test_before_anybody_has_left_a_note_there_is_none(tmp_path: Path, clock: FakeClock) -> None:
    assert FileBoard(tmp_path, 0, clock).read_others() == []


def test_nothing_but_the_notes_lies_on_the_board(tmp_path: Path, clock: FakeClock) -> None:
    board = FileBoard(tmp_path, 3, clock)
    board.publish(b"one")
    board.publish(b"two")

    assert [path.name for path in (tmp_path / BOARD_DIR).iterdir()] == ["3.json"]
    assert (tmp_path / BOARD_DIR).stat().st_mode & 0o077 == 0


def test_a_note_of_a_worker_that_is_gone_is_passed_over(tmp_path: Path, clock: FakeClock) -> None:
    board = FileBoard(tmp_path, 0, clock)
    _leave(tmp_path, 1, b"old", clock, age_s=STALE_S + 1)
    _leave(tmp_path, 2, b"new", clock, age_s=STALE_S - 10)
    assert board.read_others() == [b"new"]

    clock.advance(10.0)

    assert board.read_others() == []


def test_a_note_that_is_renewed_lives_on(tmp_path: Path, clock: FakeClock) -> None:
    board = FileBoard(tmp_path, 0, clock)
    for _ in range(5):
        _leave(tmp_path, 1, b"same", clock)
        assert board.read_others() == [b"same"]
        clock.advance(STALE_S - 1)


@pytest.mark.parametrize("jump_s", [-86_400.0, 86_400.0], ids=["back", "ahead"])
def test_a_clock_that_jumps_makes_no_known_note_older_or_newer(tmp_path: Path, clock: FakeClock, jump_s: float) -> None:
    board = FileBoard(tmp_path, 0, clock)
    _leave(tmp_path, 1, b"note", clock)
    board.read_others()

    clock.jump_wall(jump_s)
    clock.advance(STALE_S - 1)
    assert board.read_others() == [b"note"]
    clock.advance(1.0)
    assert board.read_others() == []


def test_a_note_from_the_future_is_new(tmp_path: Path, clock: FakeClock) -> None:
    _leave(tmp_path, 1, b"note", clock, age_s=-86_400)

    assert FileBoard(tmp_path, 0, clock).read_others() == [b"note"]


def test_what_is_too_large_for_a_note_is_passed_over(tmp_path: Path, clock: FakeClock) -> None:
    _leave(tmp_path, 1, b"x" * (LARGEST + 1), clock)
    _leave(tmp_path, 2, b"x" * LARGEST, clock)

    assert [len(text) for text in FileBoard(tmp_path, 0, clock).read_others()] == [LARGEST]


def test_other_files_are_left_alone(tmp_path: Path, clock: FakeClock) -> None:
    _leave(tmp_path, 1, b"note", clock)
    (tmp_path / BOARD_DIR / ".2.draft").write_bytes(b"half")
    (tmp_path / BOARD_DIR / "readme").write_bytes(b"mine")

    assert FileBoard(tmp_path, 0, clock).read_others() == [b"note"]


def test_a_board_that_cannot_be_used_says_so_once(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / BOARD_DIR).write_bytes(b"a file where the folder should be")
    board = FileBoard(tmp_path, 0, clock)

    with caplog.at_level(logging.ERROR, "seawall.board"):
        for _ in range(3):
            board.publish(b"note")
            assert board.read_others() == []
        assert len(caplog.records) == 1
        (tmp_path / BOARD_DIR).unlink()
        board.publish(b"note")
        (tmp_path / BOARD_DIR / "0.json").unlink()
        (tmp_path / BOARD_DIR).rmdir()
        (tmp_path / BOARD_DIR).write_bytes(b"again")
        board.publish(b"note")

    assert len(caplog.records) == 2
