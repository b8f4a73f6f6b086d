import stat
import threading
from pathlib import Path

import apsw
import pytest

from seawall.stores.sqlite.connection import connect


def test_a_new_file_is_in_wal_mode_and_its_owners_alone(tmp_path: Path) -> None:
    db = connect(tmp_path / "new" / "some.db", synchronous="normal")

    assert db.pragma("journal_mode") == "wal"
    assert db.pragma("synchronous") == 1
    assert stat.S_IMODE((tmp_path / "new" / "some.db").stat().st_mode) == 0o600
    db.close()


def test_what_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "some.db").write_bytes(b"precious notes, no database" * 50)

    with pytest.raises(apsw.NotADBError):
        connect(tmp_path / "some.db", synchronous="full")

    assert (tmp_path / "some.db").read_bytes() == b"precious notes, no database" * 50


def test_workers_that_start_together_all_get_in(tmp_path: Path) -> None:
    workers, rounds = 6, 10
    barrier, modes = threading.Barrier(workers), list[object]()

    def start() -> None:
        for number in range(rounds):
            barrier.wait()
            db = connect(tmp_path / f"{number}.db", synchronous="full")
            modes.append(db.pragma("journal_mode"))
            db.close()

    threads = [threading.Thread(target=start) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert modes == ["wal"] * workers * rounds


def test_a_file_that_stays_locked_is_given_up(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "some.db"))
    other.execute("BEGIN EXCLUSIVE")

    with pytest.raises(apsw.BusyError):
        connect(tmp_path / "some.db", synchronous="full", busy_timeout_ms=20)

    other.close()
