"""Bad days of the file: each is `LedgerUnavailable`, and none loses or invents a unit."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Grant, Short, Want
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_file import BUSY_TIMEOUT_MS, LedgerFile
from seawall.stores.sqlite.ledger_schema import STEPS
from seawall.testing.ledger import NOW_S, TEAM, differences, standing

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def file(path: Path) -> Iterator[LedgerFile]:
    made = LedgerFile(path)
    yield made
    made.close()


def _lease(file: LedgerFile, owner: str, amount: int) -> Grant | Short:
    return file.lease(owner, [[Want(TEAM, amount, amount)]], NOW_S)[0]


_FULL = """
import resource, signal, sys
from pathlib import Path
from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Grant, Move, Want
from seawall.stores.sqlite.ledger_file import LedgerFile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
ledger = LedgerFile(path)
end = path.with_name("ledger.db-wal").stat().st_size + 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (end, resource.RLIM_INFINITY))
granted = 0
for number in range(10_000):
    accounts = Account(f"user:{number}@lifetime", Unit.NUSD, 10), Account("all@lifetime", Unit.NUSD, 10**9)
    wanted = [Want(account, 5, 5) for account in accounts]
    try:
        ledger.lease("w1", [wanted], 1.0)
    except LedgerUnavailable as error:
        said = str(error)
        break
    granted += 5
print(granted, said)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert isinstance(ledger.lease("w1", [wanted], 1.0)[0], Grant)
"""


def test_a_full_disk_grants_nothing_and_is_over_when_there_is_room(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _FULL, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    granted, _, said = done.stdout.partition(" ")

    books = SqliteBooks(path)
    leased = books.balances("all")[0].leased
    found = differences(books)
    books.close()

    assert said.startswith(f"cannot use the ledger {path}")
    assert leased == int(granted) + 5
    assert found == []


_READ_ONLY = """
import os, sys
from pathlib import Path
from seawall.core.account import Account, Unit
from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Want
from seawall.stores.sqlite.ledger_file import LedgerFile

if os.geteuid() == 0:
    os.setuid(int(sys.argv[2]))
try:
    ledger = LedgerFile(Path(sys.argv[1]))
    ledger.lease("w1", [[Want(Account("all@lifetime", Unit.NUSD, 100), 1, 1)]], 1.0)
except LedgerUnavailable as error:
    print(error)
"""


def test_a_file_that_may_only_be_read_grants_nothing(file: LedgerFile, path: Path) -> None:
    _lease(file, "w1", 100)
    for each in path.parent.iterdir():
        each.chmod(0o444)
    for folder in (path.parent, *path.parents):
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/pytest"):  # noqa: S108  # pytest's own
            folder.chmod(0o555 if folder == path.parent else 0o755)

    command = [sys.executable, "-c", _READ_ONLY, str(path), str(NOBODY)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    path.parent.chmod(0o755)

    assert done.returncode == 0, done.stderr
    assert "ledger" in done.stdout
    assert "readonly" in done.stdout or "read-only" in done.stdout or "unable to open" in done.stdout


def test_a_locked_file_is_waited_for_and_no_longer(file: LedgerFile, path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")

    began_s = time.monotonic()
    with pytest.raises(LedgerUnavailable, match="locked"):
        _lease(file, "w1", 100)
    took_s = time.monotonic() - began_s
    other.execute("ROLLBACK")
    other.close()

    assert took_s + 0.1 >= BUSY_TIMEOUT_MS / 1000
    assert took_s < BUSY_TIMEOUT_MS / 1000 + 2.0
    assert _lease(file, "w1", 100) == Grant((100,))


def test_a_file_that_is_no_database_cannot_be_opened(path: Path) -> None:
    path.write_bytes(b"this is no database at all, however long one reads it" * 20)

    with pytest.raises(LedgerUnavailable, match=f"cannot open the ledger {path}"):
        LedgerFile(path)


def test_a_newer_version_is_left_alone(path: Path) -> None:
    LedgerFile(path).close()
    db = apsw.Connection(str(path))
    db.pragma("user_version", len(STEPS) + 1)
    db.close()

    with pytest.raises(LedgerUnavailable, match="newer"):
        LedgerFile(path)


def test_pages_that_were_overwritten_grant_nothing(path: Path) -> None:
    first = LedgerFile(path)
    _lease(first, "w1", 100)
    first.close()
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(os.urandom(path.stat().st_size - 4096))

    with pytest.raises(LedgerUnavailable, match="malformed"):  # noqa: PT012  # wherever it is seen first
        file = LedgerFile(path)
        try:
            _lease(file, "w1", 100)
        finally:
            file.close()


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_a_file_that_is_another_now_grants_nothing(file: LedgerFile, path: Path, what: str) -> None:
    _lease(file, "w1", 100)
    path.rename(path.with_name("old.db"))
    if what == "replaced":
        path.touch()

    with pytest.raises(LedgerUnavailable, match="replaced by another" if what == "replaced" else "No such file"):
        _lease(file, "w1", 100)


def test_a_sum_that_somebody_raised_is_caught_before_the_grant(file: LedgerFile, path: Path) -> None:
    _lease(file, "w1", 100)
    other = apsw.Connection(str(path))
    other.execute(
        "CREATE TRIGGER more AFTER INSERT ON leases BEGIN UPDATE accounts SET settled = cap WHERE id = new.account; END"
    )

    with pytest.raises(LedgerUnavailable, match="nothing was granted"):
        _lease(file, "w2", 100)

    other.execute("DROP TRIGGER more")
    other.close()
    books = SqliteBooks(path)
    assert (standing(books, TEAM).settled, standing(books, TEAM).leased) == (0, 100)
    books.close()


def test_a_number_beyond_64_bits_is_refused(file: LedgerFile) -> None:
    with pytest.raises(LedgerUnavailable, match="cannot use the ledger"):
        file.lease("w1", [[Want(TEAM._replace(cap=2**70), 1, 1)]], NOW_S)
