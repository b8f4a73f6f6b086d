"""What is remembered of spending, in `spending.db`."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import apsw
import orjson

from seawall.core.error import Unavailable
from seawall.core.spending import HourSpend, Mark, SpendAlert, SpendingPast
from seawall.ports.spending import SpendingTurn
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.migration import migrate

T = TypeVar("T")

FILE_NAME: Final = "spending.db"
KEEP_S: Final = 70 * 86_400.0
MOST_ALERTS: Final = 10_000
STEPS: Final = (
    """
    CREATE TABLE hours (
        budget TEXT NOT NULL,
        starts_s INTEGER NOT NULL,
        spent INTEGER NOT NULL,
        PRIMARY KEY (budget, starts_s)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE marks (
        account TEXT PRIMARY KEY,
        budget TEXT NOT NULL,
        spent INTEGER NOT NULL,
        at_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE alerts (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        rule TEXT NOT NULL,
        severity TEXT NOT NULL,
        account TEXT NOT NULL,
        at_s REAL NOT NULL,
        message TEXT NOT NULL,
        figures TEXT NOT NULL, -- a JSON object of numbers
        ended_at_s REAL -- NULL has no end yet
    ) STRICT;
    CREATE INDEX alerts_at ON alerts (at_s);
    CREATE INDEX alerts_open ON alerts (key) WHERE ended_at_s IS NULL;
    """,
)
_HOURS: Final = "SELECT budget, starts_s, spent FROM hours WHERE starts_s >= ? ORDER BY budget, starts_s"
_MARKS: Final = "SELECT account, budget, spent, at_s FROM marks"
_ALERTS: Final = (
    "SELECT id, key, rule, severity, account, at_s, message, figures, ended_at_s FROM"
    " (SELECT * FROM alerts WHERE at_s >= ? ORDER BY at_s DESC LIMIT ?) ORDER BY at_s"
)
_KEEP_HOUR: Final = "INSERT OR REPLACE INTO hours (budget, starts_s, spent) VALUES (?, ?, ?)"
_KEEP_MARK: Final = "INSERT OR REPLACE INTO marks (account, budget, spent, at_s) VALUES (?, ?, ?, ?)"
_CHANGE_ALERT: Final = "UPDATE alerts SET ended_at_s = ?1 WHERE id = ?2 OR (key = ?3 AND ended_at_s IS NULL)"
_NEW_ALERT: Final = (
    "INSERT INTO alerts (id, key, rule, severity, account, at_s, message, figures, ended_at_s)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FORGET: Final = (
    ("DELETE FROM hours WHERE starts_s < ?", KEEP_S),
    ("DELETE FROM marks WHERE at_s < ?", KEEP_S),
    ("DELETE FROM alerts WHERE at_s < ?", KEEP_S),
)
_FORGET_MOST: Final = "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts ORDER BY at_s DESC LIMIT -1 OFFSET ?)"


class SqliteSpending:
    """Implement `SpendingStore` on one file, opened when it is first used, and again after a failure.

    All work is done in one thread of its own. A step survives a crash of the process; of the machine, all but the last
    few. Alerts are never a reason not to serve, so that nothing is raised before the first use.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(1, "seawall-spending")

    def close(self) -> None:
        """Finish what was begun, and close the file; closing twice is fine."""
        self._thread.shutdown()
        self._drop()

    def load(self, now_s: float) -> "asyncio.Future[SpendingPast]":
        """Give what is remembered."""
        return self._do(lambda db: _past(db, now_s))

    def keep(self, turn: SpendingTurn, now_s: float) -> "asyncio.Future[frozenset[str]]":
        """Write everything or nothing; give the ids of the alerts that are new."""

        def work(db: apsw.Connection) -> frozenset[str]:
            with _change(db):
                db.executemany(_KEEP_HOUR, turn.hours)
                db.executemany(_KEEP_MARK, turn.marks)
                new = frozenset(alert.id for alert in turn.alerts if _keep_alert(db, alert, now_s))
                for statement, keep_s in _FORGET:
                    db.execute(statement, (now_s - keep_s,))
                if new:
                    db.execute(_FORGET_MOST, (MOST_ALERTS,))
                return new

        return self._do(work)

    def _do(self, work: Callable[[apsw.Connection], T]) -> "asyncio.Future[T]":
        """Run work in the thread; a cancelled wait does not take it out of the queue."""

        def guarded() -> T:
            try:
                if self._db is None:
                    self._db = _open(self._path)
                return work(self._db)
            except (apsw.Error, OSError, ValueError) as error:
                self._drop()
                raise Unavailable(f"cannot use the store of spending {self._path}: {error}") from error

        loop = asyncio.get_running_loop()
        try:
            return asyncio.shield(loop.run_in_executor(self._thread, guarded))
        except RuntimeError as error:  # the thread was stopped
            closed: asyncio.Future[T] = loop.create_future()
            closed.set_exception(Unavailable(f"the store of spending {self._path} is closed: {error}"))
            return closed

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None


def read_spending(path: Path, now_s: float) -> SpendingPast:
    """Read what is remembered, for a command; nothing where there is no file. Blocks.

    Raises:
        Unavailable: the file cannot be read, or is no database of this version.
    """
    if not path.exists():
        return SpendingPast()
    try:
        with closing(_open(path)) as db:
            return _past(db, now_s)
    except (apsw.Error, OSError, ValueError) as error:
        raise Unavailable(f"cannot read the store of spending {path}: {error}") from error


def _open(path: Path) -> apsw.Connection:
    db = connect(path, synchronous="normal")
    try:
        migrate(db, STEPS)
    except BaseException:
        db.close()
        raise
    return db


def _past(db: apsw.Connection, now_s: float) -> SpendingPast:
    since_s = now_s - KEEP_S
    with _change(db, "DEFERRED"):  # all of one moment
        hours = [HourSpend(*row) for row in _rows(db, _HOURS, (since_s,))]
        marks = [Mark(*row) for row in _rows(db, _MARKS, ())]
        alerts = [
            SpendAlert._make((*row[:7], orjson.loads(row[7]), row[8]))
            for row in _rows(db, _ALERTS, (since_s, MOST_ALERTS))
        ]
    return SpendingPast(hours, marks, alerts)


@contextmanager
def _change(db: apsw.Connection, how: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
    """Run one transaction: all of it is done, or nothing."""
    db.execute(f"BEGIN {how}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back after a full disk and the like
            db.execute("ROLLBACK")
        raise


def _rows(db: apsw.Connection, query: str, values: tuple[float, ...]) -> Sequence[tuple[Any, ...]]:
    """Give rows; the tables are STRICT, so that each column has its type."""
    return list(db.execute(query, values))


def _keep_alert(db: apsw.Connection, alert: SpendAlert, now_s: float) -> bool:
    """Write an alert, or the end of one that is there; say whether it is new.

    Two processes may look for a while, when one takes the other's place: of the same trouble the first alert stands,
    and the end that either sees is its end. What has ended already and is not there was the other's.
    """
    db.execute(_CHANGE_ALERT, (alert.ended_at_s, alert.id, alert.key))
    if db.changes() or not alert.is_in_force(now_s):
        return False
    figures = orjson.dumps(dict(alert.figures)).decode()
    row = (alert.id, alert.key, alert.rule, alert.severity, alert.account, alert.at_s)
    db.execute(_NEW_ALERT, (*row, alert.message, figures, alert.ended_at_s))
    return True
