"""Opening a private SQLite file that several processes share."""

import contextlib
import os
from pathlib import Path
from typing import Final

import apsw

BUSY_TIMEOUT_MS: Final = 5000


def connect(path: Path, *, synchronous: str) -> apsw.Connection:
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
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", synchronous)
    except apsw.Error:
        db.close()
        raise
    return db
