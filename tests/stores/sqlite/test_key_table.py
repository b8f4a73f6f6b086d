import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import Unavailable
from seawall.core.key import KeyGrant
from seawall.stores.sqlite.key_table import POLL_S, KeyTable
from seawall.stores.sqlite.keys import SqliteKeyStore

NOW_S = 1_795_000_000.0

REVOKE = """
import sys
from pathlib import Path
from seawall.stores.sqlite.keys import SqliteKeyStore
store = SqliteKeyStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
store.revoke(sys.argv[2], 1795000001.0)
print("revoked", flush=True)
"""


class Ticks:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteKeyStore]:
    opened = SqliteKeyStore(path)
    yield opened
    opened.close()


def until(is_so: Callable[[], bool], within_s: float) -> bool:
    """Ask again and again; the thread under test works by itself."""
    tick, end_s = threading.Event(), time.monotonic() + within_s
    while time.monotonic() < end_s:
        if is_so():
            return True
        tick.wait(0.005)
    return is_so()


def put_in_place(new: Path, path: Path) -> None:
    """Replace a database as a restore does it: its write-ahead log belongs to the old file."""
    new.replace(path)
    for companion in ("-wal", "-shm"):
        path.with_name(path.name + companion).unlink()


def test_a_missing_file_becomes_an_empty_table(path: Path) -> None:
    with KeyTable(path) as table:
        assert table.find(b"sw_" + b"0" * 49) is None
        assert table.is_current
    assert path.exists()


def test_a_revocation_by_another_process_counts_within_a_second(path: Path, store: SqliteKeyStore) -> None:
    issued = store.create(KeyGrant(team="a"), NOW_S)
    presented = issued.key.reveal().encode()
    with (
        KeyTable(path) as table,
        subprocess.Popen(
            [sys.executable, "-c", REVOKE, str(path), issued.entry.id],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as other,
    ):
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert table.find(presented) is not None

        other.stdin.write("go\n")
        other.stdin.flush()
        assert other.stdout.readline() == "revoked\n"

        assert until(lambda: table.find(presented) is None, within_s=30.0)
    assert POLL_S <= 0.5, "the rest of the second is for a machine that is busy"


def test_a_new_key_opens_by_itself(path: Path, store: SqliteKeyStore) -> None:
    with KeyTable(path, poll_s=0.01) as table:
        presented = store.create(KeyGrant(), NOW_S).key.reveal().encode()

        assert until(lambda: table.find(presented) is not None, within_s=30.0)


def test_the_last_good_table_serves_for_a_while_and_then_nobody_is_let_in(path: Path, store: SqliteKeyStore) -> None:
    presented = store.create(KeyGrant(), NOW_S).key.reveal().encode()
    clock = Ticks()
    with KeyTable(path, poll_s=60.0, stale_after_s=30.0, monotonic_s=clock) as table:
        path.rename(path.with_name("elsewhere.db"))

        clock.now_s = 29.0
        table.refresh()
        assert table.find(presented) is not None
        assert not table.is_current

        clock.now_s = 30.0
        table.refresh()
        with pytest.raises(Unavailable, match="the key store cannot be read"):
            table.find(presented)

        path.with_name("elsewhere.db").rename(path)
        table.refresh()
        assert table.find(presented) is not None
        assert table.is_current


def test_a_file_removed_under_a_running_table_is_not_made_anew(path: Path, store: SqliteKeyStore) -> None:
    store.create(KeyGrant(), NOW_S)
    with KeyTable(path, poll_s=60.0) as table:
        path.unlink()

        table.refresh()

        assert not path.exists()


def test_a_restored_file_replaces_the_table(path: Path, store: SqliteKeyStore, tmp_path: Path) -> None:
    old = store.create(KeyGrant(), NOW_S).key.reveal().encode()
    backup = SqliteKeyStore(tmp_path / "backup.db")
    restored = backup.create(KeyGrant(), NOW_S).key.reveal().encode()
    backup.close()
    with KeyTable(path, poll_s=60.0) as table:
        assert table.find(old) is not None

        put_in_place(tmp_path / "backup.db", path)
        table.refresh()

        assert table.find(old) is None
        assert table.find(restored) is not None


def test_garbage_in_the_file_is_survived(path: Path, store: SqliteKeyStore) -> None:
    presented = store.create(KeyGrant(), NOW_S).key.reveal().encode()
    with KeyTable(path, poll_s=60.0) as table:
        path.with_name("garbage").write_bytes(os.urandom(8192))
        put_in_place(path.with_name("garbage"), path)

        table.refresh()

        assert table.find(presented) is not None
        assert not table.is_current


def test_closing_stops_the_thread(path: Path) -> None:
    before = threading.active_count()
    table = KeyTable(path)

    table.close()
    table.close()

    assert threading.active_count() <= before


@pytest.mark.usefixtures("store")
def test_a_file_without_its_table_is_named_at_the_start(path: Path) -> None:
    vandal = apsw.Connection(str(path))
    vandal.execute("DROP TABLE keys")
    vandal.close()

    with pytest.raises(Unavailable, match=r"cannot read the key store .*no such table"):
        KeyTable(path)


def test_a_look_up_takes_about_a_microsecond(path: Path, store: SqliteKeyStore) -> None:
    presented = [store.create(KeyGrant(), NOW_S).key.reveal().encode() for _ in range(100)]
    with KeyTable(path, poll_s=60.0) as table:
        rounds = [_look_up_s(table, presented) for _ in range(20)]

    assert min(rounds) / len(presented) < 5e-6, "measured at 0.45 µs; a busy machine may take ten times as long"


def _look_up_s(table: KeyTable, presented: list[bytes]) -> float:
    begin_s = time.thread_time()
    for key in presented:
        assert table.find(key)
    return time.thread_time() - begin_s
