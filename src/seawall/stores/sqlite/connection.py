"""Opening a private SQLite file that several processes share."""

import contextlib
import os
import time
from pathlib import Path
from typing import Final

import apsw

BUSY_TIMEOUT_MS: Final = 5000
_COME_AGAIN_S: Final = 0.01


def connect(path: Path, *, synchronous: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> apsw.Connection:
    """Open a database in WAL mode, creating it readable by its owner alone (SQLite gives -wal and -shm the same mode).

    The file is created here only where it does not exist: to open and close a live database in any other way than
    through SQLite would drop this process's POSIX locks on it (sqlite.org/howtocorrupt.html, 2.2).

    Raises:
        OSError: the directory or the file cannot be made.
        apsw.Error: the file cannot be opened, or is no database.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(busy_timeout_ms)
        _enter_wal_mode(db, time.monotonic() + busy_timeout_ms / 1000)
        db.pragma("synchronous", synchronous)
    except apsw.Error:
        db.close()
        raise
    return db


def _enter_wal_mode(db: apsw.Connection, end_s: float) -> None:
    """Turn WAL mode on, beside others that do so at the same moment, trying until the monotonic time `end_s`.

    SQLite does not ask the busy handler where waiting could be a deadlock, and the change of mode is such a place: of
    several workers that start on a new file all but one are refused at once, and have to come again.
    """
    while True:
        try:
            db.pragma("journal_mode", "wal")
        except apsw.BusyError:
            if time.monotonic() >= end_s:
                raise
            time.sleep(_COME_AGAIN_S)
        else:
            return
