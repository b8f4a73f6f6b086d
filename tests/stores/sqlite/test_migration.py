import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import Unavailable
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.migration import migrate

ONE = "CREATE TABLE a (x); INSERT INTO a VALUES (1);"
TWO = "ALTER TABLE a ADD COLUMN y DEFAULT 2;"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[apsw.Connection]:
    opened = connect(tmp_path / "some.db", synchronous="full")
    yield opened
    opened.close()


def rows(db: apsw.Connection) -> list[tuple[object, ...]]:
    return list(db.execute("SELECT * FROM a"))


def test_only_missing_steps_run(db: apsw.Connection) -> None:
    migrate(db, [ONE])
    migrate(db, [ONE, TWO])
    migrate(db, [ONE, TWO])

    assert rows(db) == [(1, 2)]
    assert db.pragma("user_version") == 2


def test_a_step_that_fails_undoes_all_of_them(db: apsw.Connection) -> None:
    migrate(db, [ONE])

    with pytest.raises(apsw.SQLError):
        migrate(db, [ONE, TWO, "ALTER TABLE nowhere ADD COLUMN z;"])

    assert rows(db) == [(1,)]
    assert db.pragma("user_version") == 1


def test_a_newer_database_is_left_alone(db: apsw.Connection) -> None:
    migrate(db, [ONE, TWO])

    with pytest.raises(Unavailable, match="schema version 2, this version of Seawall knows 1"):
        migrate(db, [ONE])


def test_processes_that_start_together_migrate_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(4)
    seen: list[list[tuple[object, ...]]] = []

    def start() -> None:
        barrier.wait()
        db = connect(tmp_path / "some.db", synchronous="normal")
        migrate(db, [ONE, TWO])
        seen.append(rows(db))
        db.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [[(1, 2)]] * 4
