"""Answers under idempotency keys, in `answers.db`."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec

from seawall.core.error import Unavailable
from seawall.core.kept import RUNNING, Claim, Ending, KeptAnswer, KeptFailure, KeyRow, KeyState
from seawall.ports.answers import ALIVE_S
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.migration import migrate

T = TypeVar("T")

FILE_NAME: Final = "answers.db"
STEPS: Final = (
    """
    CREATE TABLE answers (
        place BLOB PRIMARY KEY, -- SHA-256 of the key and its scope; the key itself is not kept
        fingerprint BLOB NOT NULL,
        owner TEXT NOT NULL,
        ticket TEXT NOT NULL,
        exchange_id TEXT NOT NULL,
        state TEXT NOT NULL,
        expires_at_s REAL NOT NULL,
        answer BLOB, -- MessagePack
        failure BLOB -- the same
    ) STRICT;
    CREATE INDEX answers_expire ON answers (expires_at_s);
    CREATE TABLE owners (owner TEXT PRIMARY KEY, beat_at_s REAL NOT NULL) STRICT;
    """,
)
_ROW: Final = (
    "SELECT state, fingerprint, a.owner, ticket, exchange_id, answer, failure, expires_at_s, beat_at_s"
    " FROM answers a LEFT JOIN owners o ON o.owner = a.owner WHERE place = ?"
)
_CLAIM: Final = (
    "INSERT OR REPLACE INTO answers (place, fingerprint, owner, ticket, exchange_id, state, expires_at_s)"
    " VALUES (?, ?, ?, ?, ?, 'reserved', ?)"
)
_BEAT: Final = "INSERT OR REPLACE INTO owners (owner, beat_at_s) VALUES (?, ?)"
_MARK: Final = (
    "UPDATE answers SET state = 'dispatched', expires_at_s = ? WHERE place = ? AND ticket = ? AND state = 'reserved'"
)
_FINISH: Final = (
    "UPDATE answers SET state = ?, expires_at_s = ?, answer = ?, failure = ? WHERE place = ? AND ticket = ?"
)
_PURGE: Final = (
    "DELETE FROM answers WHERE rowid IN (SELECT a.rowid FROM answers a LEFT JOIN owners o ON o.owner = a.owner"
    " WHERE a.expires_at_s <= ? AND NOT (state IN ('reserved', 'dispatched')"
    " AND abs(? - coalesce(beat_at_s, -1e300)) <= ?) LIMIT 500)"
)
_FORGET_OWNERS: Final = "DELETE FROM owners WHERE beat_at_s < ? AND owner NOT IN (SELECT owner FROM answers)"
_FORGOTTEN_AFTER_S: Final = 3600.0
_read_answer: Final = msgspec.msgpack.Decoder(KeptAnswer).decode
_read_failure: Final = msgspec.msgpack.Decoder(KeptFailure).decode
_write: Final = msgspec.msgpack.Encoder().encode


class SqliteAnswers:
    """Implement `AnswerStore` on one file that several processes share.

    All work is done in one thread of its own, so that no event loop ever waits for a disk. Each exchange has at most
    one piece of work there that it waits for, which bounds the queue. A mark and an ending are on the disk when their
    future is done; a claim and a beat survive a crash of the process, but not of the machine, after which neither of
    them means anything.

    Raises:
        Unavailable: the file cannot be made or opened, or is no database of this version.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = connect(path, synchronous="full")
            try:
                migrate(self._db, STEPS)
            except BaseException:
                self._db.close()
                raise
        except (apsw.Error, OSError) as error:
            raise Unavailable(f"cannot open the answer store {path}: {error}") from error
        self._path = path
        self._thread = ThreadPoolExecutor(1, "seawall-answers")

    def close(self) -> None:
        """Finish what was begun, and close the file; closing twice is fine."""
        self._thread.shutdown()
        self._db.close()

    def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "asyncio.Future[KeyRow | None]":
        """Take the key, or give the row that is in the way."""

        def work() -> KeyRow | None:
            with self._change(durably=False):
                self._db.execute(_BEAT, (claim.owner, now_s))
                found = self._found(claim.place, now_s)
                if found is None or (over and (found.ticket, found.state) == (over.ticket, over.state)):
                    row = (claim.place, claim.fingerprint, claim.owner, claim.ticket, claim.exchange_id, now_s)
                    self._db.execute(_CLAIM, row)
                    found = None
                return found

        return self._do(work)

    def mark(self, place: bytes, ticket: str, expires_at_s: float) -> "asyncio.Future[bool]":
        """Write ahead that something is about to be sent."""
        return self._do(lambda: self._changes(_MARK, (expires_at_s, place, ticket)) == 1)

    def finish(self, place: bytes, ticket: str, ending: Ending) -> "asyncio.Future[bool]":
        """Write the ending."""

        def work() -> bool:
            answer = None if ending.answer is None else _write(ending.answer)
            failure = None if ending.failure is None else _write(ending.failure)
            row = (ending.state.value, ending.expires_at_s, answer, failure, place, ticket)
            return self._changes(_FINISH, row) == 1

        return self._do(work)

    def release(self, place: bytes, ticket: str) -> "asyncio.Future[bool]":
        """Give the key back."""
        row = (place, ticket)
        return self._do(lambda: self._changes("DELETE FROM answers WHERE place = ? AND ticket = ?", row) == 1)

    def look(self, place: bytes, now_s: float) -> "asyncio.Future[KeyRow | None]":
        """Give the key's row."""
        return self._do(lambda: self._found(place, now_s))

    def beat(self, owner: str, now_s: float) -> "asyncio.Future[None]":
        """Say that the owner lives."""

        def work() -> None:
            with self._change(durably=False):
                self._db.execute(_BEAT, (owner, now_s))

        return self._do(work)

    def purge(self, now_s: float) -> "asyncio.Future[int]":
        """Drop rows that count as none, and owners that nobody has heard of for an hour."""

        def work() -> int:
            with self._change(durably=False):
                self._db.execute(_PURGE, (now_s, now_s, ALIVE_S))
                gone = self._db.changes()
                self._db.execute(_FORGET_OWNERS, (now_s - _FORGOTTEN_AFTER_S,))
                return gone

        return self._do(work)

    def _do(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Run work in the thread; a cancelled wait does not take it out of the queue."""

        def guarded() -> T:
            try:
                return work()
            except (apsw.Error, msgspec.MsgspecError, ValueError) as error:
                raise Unavailable(f"cannot use the answer store {self._path}: {error}") from error

        loop = asyncio.get_running_loop()
        try:
            return asyncio.shield(loop.run_in_executor(self._thread, guarded))
        except RuntimeError as error:  # the thread was stopped
            closed: asyncio.Future[T] = loop.create_future()
            closed.set_exception(Unavailable(f"the answer store {self._path} is closed: {error}"))
            return closed

    def _changes(self, statement: str, row: tuple[Any, ...]) -> int:  # what SQLite takes
        with self._change(durably=True):
            self._db.execute(statement, row)
            return self._db.changes()

    @contextmanager
    def _change(self, *, durably: bool) -> Iterator[None]:
        """Run one write transaction: all of it is done, or nothing."""
        self._db.pragma("synchronous", "full" if durably else "normal")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back after a full disk and the like
                self._db.execute("ROLLBACK")
            raise

    def _found(self, place: bytes, now_s: float) -> KeyRow | None:
        found: tuple[Any, ...] | None = self._db.execute(_ROW, (place,)).fetchone()  # the table is STRICT
        if found is None:
            return None
        state, fingerprint, owner, ticket, exchange_id, answer, failure, expires_at_s, beat_at_s = found
        is_alive = beat_at_s is not None and abs(now_s - beat_at_s) <= ALIVE_S
        if expires_at_s <= now_s and not (is_alive and state in RUNNING):
            return None
        return KeyRow(
            KeyState(state),
            fingerprint,
            owner,
            ticket,
            exchange_id,
            is_alive,
            None if answer is None else _read_answer(answer),
            None if failure is None else _read_failure(failure),
        )
