import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import NotFound, Unavailable
from seawall.core.key import KeyGrant
from seawall.stores.sqlite.key_table import KeyTable
from seawall.stores.sqlite.keys import SqliteKeyStore
from seawall.testing.keys import (
    GRANT,
    NOW_S,
    KeysUnderTest,
    check_issue,
    check_keys,
    check_overlap,
    check_revoke,
    check_rotate,
    check_strangers,
)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], KeysUnderTest]]:
    opened: list[SqliteKeyStore | KeyTable] = []

    def fresh() -> KeysUnderTest:
        path = tmp_path / str(len(opened)) / "keys.db"
        store, table = SqliteKeyStore(path), KeyTable(path, poll_s=60.0)
        opened.extend((store, table))
        return KeysUnderTest(store, table, table.refresh)

    yield fresh
    for each in opened:
        each.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteKeyStore]:
    opened = SqliteKeyStore(tmp_path / "keys.db")
    yield opened
    opened.close()


@pytest.mark.parametrize("check", [check_issue, check_strangers, check_revoke, check_rotate, check_overlap])
def test_sqlite_keeps_the_contract_of_keys(make: Callable[[], KeysUnderTest], check: object) -> None:
    assert callable(check)
    check(make())


def test_the_whole_suite_runs_in_one_call(make: Callable[[], KeysUnderTest]) -> None:
    check_keys(make)


def test_keys_outlive_the_process(tmp_path: Path) -> None:
    first = SqliteKeyStore(tmp_path / "keys.db")
    issued = first.create(GRANT, NOW_S)
    first.close()

    second = SqliteKeyStore(tmp_path / "keys.db")

    assert second.entries() == [issued.entry]
    second.close()


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    store = SqliteKeyStore(tmp_path / "state" / "keys.db")
    store.create(GRANT, NOW_S)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}

    assert modes == {"keys.db": 0o600, "keys.db-wal": 0o600, "keys.db-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    store.close()


def test_no_file_holds_a_key(store: SqliteKeyStore, tmp_path: Path) -> None:
    text = store.create(GRANT, NOW_S).key.reveal().encode()

    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"support" in content
    assert text not in content
    assert text[7:-4] not in content


def test_a_failed_rotation_leaves_everything_as_it_was(store: SqliteKeyStore) -> None:
    issued = store.create(GRANT, NOW_S)

    with pytest.raises(NotFound, match="no key 'key_nobody'"):
        store.rotate("key_nobody", NOW_S)

    assert store.entries() == [issued.entry]


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(Unavailable, match=r"cannot open the key store .*keys\.db: .*not a database"):
        SqliteKeyStore(tmp_path / "keys.db")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match=r"cannot open the key store .*File exists"):
        SqliteKeyStore(tmp_path / "file" / "keys.db")


def test_a_row_that_no_key_can_have_is_reported(store: SqliteKeyStore, tmp_path: Path) -> None:
    store.create(GRANT, NOW_S)
    editor = apsw.Connection(str(tmp_path / "keys.db"))
    editor.execute("UPDATE keys SET routes = 'all of them'")
    editor.close()

    with pytest.raises(Unavailable, match="holds a row that cannot be read"):
        store.entries()


def test_a_store_that_lost_its_table_is_reported(store: SqliteKeyStore, tmp_path: Path) -> None:
    vandal = apsw.Connection(str(tmp_path / "keys.db"))
    vandal.execute("DROP TABLE keys")
    vandal.close()

    with pytest.raises(Unavailable, match=r"cannot read the key store .*no such table"):
        store.entries()
    with pytest.raises(Unavailable, match=r"cannot write the key store .*no such table"):
        store.create(KeyGrant(), NOW_S)


@pytest.mark.usefixtures("store")
def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    newer = apsw.Connection(str(tmp_path / "keys.db"))
    newer.pragma("user_version", 99)
    newer.close()

    with pytest.raises(Unavailable, match="schema version 99, this version of Seawall knows 1"):
        SqliteKeyStore(tmp_path / "keys.db")
