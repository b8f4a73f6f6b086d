"""Records in SQLite, one file a UTC day for all workers of a machine: `calls-20261121.db`."""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import apsw

from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.schema import CREATE, VERSION, insert

BUSY_TIMEOUT_MS: Final = 100
_PAGE_BYTES: Final = 8192
_LOG_PAGES: Final = 4000
_CACHE_KIB: Final = 2048
_OPEN_DAYS: Final = 2  # around midnight records of two days come in turns
_BROKEN: Final = (apsw.CorruptError, apsw.NotADBError)
_MAX_SET_ASIDE: Final = 9
# Rows by statement. SQLite gives Python's lock back and takes it again once a statement: with one statement a row, a
# busy event loop would get in between every two rows, and a batch would take as many turns as it has rows.
_INSERTS: Final = tuple((rows, insert(rows)) for rows in (32, 8, 2, 1))
_log: Final = logging.getLogger("seawall.journal")


@dataclass(frozen=True, slots=True)
class _Book:
    path: Path
    db: apsw.Connection
    identity: tuple[int, int]


class DayBooks:
    """Write each batch in one transaction to its day's file, shared with other workers.

    A file that turns out to be corrupt is renamed to `….corrupt-N`, and a new one begun. Files are in WAL mode with
    synchronous NORMAL: a killed process loses nothing that was committed, a machine that loses power may lose its
    last moments but never the file.
    """

    name = "sqlite"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._books: dict[str, _Book] = {}

    def write(self, day: str, entries: Sequence[Entry]) -> int:
        """Insert entries, all or none; an id that is there already is left as it is."""
        try:
            self._insert(day, entries)
        except _BROKEN as error:
            self._set_aside(day, error)
            self._insert(day, entries)
        return len(entries)

    def close(self) -> None:
        """Close all files; closing twice is fine."""
        for day in list(self._books):
            self._forget(day)

    def _insert(self, day: str, entries: Sequence[Entry]) -> None:
        book = self._open(day)
        try:
            book.db.execute("BEGIN IMMEDIATE")
            begin = 0
            for rows, statement in _INSERTS:
                while len(entries) - begin >= rows:
                    part = entries[begin : begin + rows]
                    book.db.execute(statement, list(chain.from_iterable([entry.row for entry in part])))
                    begin += rows
            book.db.execute("COMMIT")
        except _BROKEN:
            raise  # the connection tells `_set_aside` which file it was
        except BaseException:
            self._forget(day)  # closing rolls back, whatever state a failed commit left
            raise

    def _open(self, day: str) -> _Book:
        book = self._books.get(day)
        if book is not None:
            if _identity(book.path) == book.identity:
                return book
            self._forget(day)  # somebody removed or replaced the file
        while len(self._books) >= _OPEN_DAYS:
            self._forget(min(self._books))
        book = self._books[day] = _open(self._path(day))
        return book

    def _forget(self, day: str) -> None:
        book = self._books.pop(day, None)
        if book is not None:
            with contextlib.suppress(apsw.Error):
                book.db.close(force=True)

    def _path(self, day: str) -> Path:
        return self._directory / f"calls-{day}.db"

    def _set_aside(self, day: str, error: apsw.Error) -> None:
        """Rename a corrupt file, unless another worker was quicker and this name is a new file already."""
        book = self._books.get(day)
        seen = book.identity if book else None
        self._forget(day)
        path = self._path(day)
        with _alone(self._directory):
            found = _identity(path)
            if found is None or (seen is not None and found != seen):
                return
            if seen is None and _is_sound(path):
                return
            number = next(n for n in range(1, _MAX_SET_ASIDE + 2) if not _aside(path, n).exists())
            if number > _MAX_SET_ASIDE:
                raise error  # what corrupts a file a minute is not cured by another file
            for companion in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    source = path.with_name(path.name + companion)
                    source.rename(_aside(path, number, companion))
        _log.error(
            "corrupt day file set aside",
            extra={"fields": {"file": path.name, "now": _aside(path, number).name, "error": str(error)}},
        )


def _open(path: Path) -> _Book:
    with contextlib.suppress(FileExistsError):  # only a file that is new may be touched in another way than by SQLite
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
        db.pragma("page_size", _PAGE_BYTES)
        db.pragma("cache_size", -_CACHE_KIB)
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", "normal")
        db.pragma("wal_autocheckpoint", _LOG_PAGES)
        _create(db)
        stat = path.stat()
    except BaseException:
        db.close(force=True)
        raise
    return _Book(path, db, (stat.st_dev, stat.st_ino))


def _create(db: apsw.Connection) -> None:
    if db.pragma("user_version") == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    found = db.pragma("user_version")  # again: another worker may have been quicker
    if found == 0:
        db.execute(CREATE)
        db.pragma("user_version", VERSION)
    elif found != VERSION:
        raise OSError(f"{db.filename} has schema version {found}, expected {VERSION}: another Seawall writes it")
    db.execute("COMMIT")


def _aside(path: Path, number: int, companion: str = "") -> Path:
    return path.with_name(f"{path.name}.corrupt-{number}{companion}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116  # three times as fast as Path.stat, and asked for every batch
    except FileNotFoundError:
        return None
    return stat.st_dev, stat.st_ino


def _is_sound(path: Path) -> bool:
    """Say whether a file that could not be opened can be now, because another worker has begun a new one."""
    try:
        _open(path).db.close(force=True)
    except (apsw.Error, OSError):
        return False
    return True


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep other workers from setting the same file aside at the same time."""
    lock = os.open(directory / "calls.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
