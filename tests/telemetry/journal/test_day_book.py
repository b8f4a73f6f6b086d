import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.telemetry.journal.day_book import DayBooks
from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.schema import COLUMNS

DAY = "20261121"
Make = Callable[[int], list[Entry]]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[DayBooks]:
    opened = DayBooks(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"calls-{DAY}.db"


def rows(path: Path, what: str = "id") -> list[object]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [row[0] for row in db.execute(f"SELECT {what} FROM calls ORDER BY seq")]  # noqa: S608  # ours
    finally:
        db.close()


def ids_of(entries: list[Entry]) -> list[object]:
    return [entry.row[0] for entry in entries]


def spoil(path: Path) -> None:
    for companion in ("-wal", "-shm"):
        path.with_name(path.name + companion).unlink(missing_ok=True)
    path.write_bytes(b"no database any more" * 500)


@pytest.mark.parametrize("number", [1, 2, 7, 8, 31, 32, 33, 43, 300])
def test_any_number_of_entries_goes_in_whole_and_in_order(
    sink: DayBooks, path: Path, entries: Make, number: int
) -> None:
    made = entries(number)

    assert sink.write(DAY, made) == number

    assert rows(path) == ids_of(made)
    assert rows(path, "record") == [entry.line for entry in made]


def test_every_column_holds_its_own(sink: DayBooks, path: Path, entries: Make) -> None:
    made = entries(1)

    sink.write(DAY, made)

    db = apsw.Connection(str(path))
    cursor = db.execute(f"SELECT {', '.join(COLUMNS)} FROM calls")  # noqa: S608  # ours
    assert list(cursor) == [made[0].row]
    db.close()


def test_the_files_are_private_and_in_wal_mode(sink: DayBooks, tmp_path: Path, entries: Make) -> None:
    sink.write(DAY, entries(1))

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    assert modes == {f"calls-{DAY}.db{end}": 0o600 for end in ("", "-wal", "-shm")}


def test_an_entry_that_comes_twice_is_kept_once(sink: DayBooks, path: Path, entries: Make) -> None:
    made = entries(3)
    sink.write(DAY, made[:2])

    sink.write(DAY, made)

    assert rows(path) == ids_of(made)


def test_records_around_midnight_go_to_both_days(sink: DayBooks, tmp_path: Path, entries: Make) -> None:
    made = entries(6)

    for day, entry in zip(("20261121", "20261122", "20261121", "20261123", "20261124", "20261121"), made, strict=True):
        sink.write(day, [entry])

    assert rows(tmp_path / "calls-20261121.db") == [made[i].row[0] for i in (0, 2, 5)]
    assert rows(tmp_path / "calls-20261122.db") == [made[1].row[0]]
    assert rows(tmp_path / "calls-20261124.db") == [made[4].row[0]]


def test_workers_share_a_file(tmp_path: Path, path: Path, entries: Make) -> None:
    batches = [[entries(5) for _ in range(10)] for _ in range(4)]
    barrier = threading.Barrier(4)
    failures: list[Exception] = []

    def work(mine: list[list[Entry]]) -> None:
        sink = DayBooks(tmp_path)
        barrier.wait()
        for batch in mine:
            written = False
            while not written:
                try:
                    sink.write(DAY, batch)
                    written = True
                except apsw.BusyError as error:
                    failures.append(error)
        sink.close()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    expected = {entry.row[0] for mine in batches for batch in mine for entry in batch}
    assert set(rows(path)) == expected
    assert len(rows(path)) == 200


def test_a_file_that_is_no_database_is_set_aside(sink: DayBooks, path: Path, entries: Make) -> None:
    spoil(path)
    made = entries(2)

    assert sink.write(DAY, made) == 2

    assert rows(path) == ids_of(made)
    assert path.with_name(f"{path.name}.corrupt-1").read_bytes().startswith(b"no database any more")


def break_pages(path: Path) -> None:
    """Leave the header good, so that the file can be opened, and the pages of the table bad."""
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192 * 4)


def test_a_file_that_breaks_under_its_writer_is_set_aside(sink: DayBooks, path: Path, entries: Make) -> None:
    sink.write(DAY, entries(300))
    sink.close()
    break_pages(path)
    made = entries(2)

    sink.write(DAY, made)

    assert rows(path) == ids_of(made)
    assert path.with_name(f"{path.name}.corrupt-1").exists()


def test_each_corrupt_file_gets_a_number_and_there_is_an_end_to_it(sink: DayBooks, path: Path, entries: Make) -> None:
    for _ in range(9):
        spoil(path)
        sink.write(DAY, entries(1))
        sink.close()
    spoil(path)

    with pytest.raises(apsw.NotADBError):
        sink.write(DAY, entries(1))

    assert path.with_name(f"{path.name}.corrupt-9").exists()
    assert not path.with_name(f"{path.name}.corrupt-10").exists()


def test_a_second_worker_uses_the_new_file_and_sets_nothing_aside(tmp_path: Path, path: Path, entries: Make) -> None:
    first, second, third = DayBooks(tmp_path), DayBooks(tmp_path), DayBooks(tmp_path)
    first.write(DAY, entries(300))
    first.close()
    break_pages(path)
    made = entries(3)
    second._open(DAY)  # holds the broken file, and has not noticed
    third._open(DAY)

    first.write(DAY, made[:1])
    second.write(DAY, made[1:2])
    third._set_aside(DAY, apsw.CorruptError("noticed too late"))
    third.write(DAY, made[2:])

    assert rows(path) == ids_of(made)
    assert not path.with_name(f"{path.name}.corrupt-2").exists()
    for sink in (first, second, third):
        sink.close()


def test_a_file_that_another_worker_mended_is_not_set_aside(sink: DayBooks, path: Path, entries: Make) -> None:
    made = entries(1)
    other = DayBooks(path.parent)
    other.write(DAY, made)
    other.close()

    sink._set_aside(DAY, apsw.NotADBError("what this worker found when it came"))

    assert rows(path) == ids_of(made)
    assert not path.with_name(f"{path.name}.corrupt-1").exists()


def test_a_file_that_was_removed_is_begun_anew(sink: DayBooks, path: Path, entries: Make) -> None:
    made = entries(2)
    sink.write(DAY, made[:1])
    for companion in ("", "-wal", "-shm"):
        path.with_name(path.name + companion).unlink()

    sink.write(DAY, made[1:])

    assert rows(path) == ids_of(made)[1:]


def test_a_locked_file_refuses_and_takes_all_of_it_later(sink: DayBooks, path: Path, entries: Make) -> None:
    made = entries(40)
    sink.write(DAY, made[:1])
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(apsw.BusyError):
        sink.write(DAY, made[1:])
    other.execute("ROLLBACK")
    other.close()
    sink.write(DAY, made[1:])

    assert rows(path) == ids_of(made)


def test_a_file_of_another_schema_is_left_alone(sink: DayBooks, path: Path, entries: Make) -> None:
    sink.write(DAY, entries(1))
    sink.close()
    other = apsw.Connection(str(path))
    other.pragma("user_version", 99)
    other.close()

    with pytest.raises(OSError, match="schema version 99, expected 1"):
        sink.write(DAY, entries(1))

    assert not path.with_name(f"{path.name}.corrupt-1").exists()
