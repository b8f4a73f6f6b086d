"""Rates that all workers of a machine keep together, in `limits.db`."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import apsw

from seawall.core.error import LedgerUnavailable, Unavailable
from seawall.core.gcra import SLACK_US, Later, Level, charge, full_at_us, look, put_back, seconds, take, whole_us
from seawall.core.rate import Bucket
from seawall.ports.buckets import Taken, Wait
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.migration import migrate

T = TypeVar("T")
ONE_THREAD: Final = partial(ThreadPoolExecutor, 1)

FILE_NAME: Final = "limits.db"
STEPS: Final = (
    """
    CREATE TABLE buckets (
        name TEXT NOT NULL UNIQUE,
        parts INTEGER NOT NULL, -- what it lacked of being full, in parts of a unit
        at_us INTEGER NOT NULL, -- when that was
        full_at_us INTEGER NOT NULL
    ) STRICT;
    """,
)
MOST_WAITING: Final = 10_000
_AT_ONCE: Final = 256
_READ: Final = "SELECT parts, at_us FROM buckets WHERE name = ?"
_WRITE: Final = (
    "INSERT INTO buckets (name, parts, at_us, full_at_us) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
    " DO UPDATE SET parts = excluded.parts, at_us = excluded.at_us, full_at_us = excluded.full_at_us"
)
# A stretch of rows is looked at every few takes, in the order of their making, so that no index has to be kept of what
# changes with every call.
_SWEEP_EACH: Final = 32
_SWEEP_ROWS: Final = 256
_STRETCH: Final = "SELECT max(rowid) FROM (SELECT rowid FROM buckets WHERE rowid > ? ORDER BY rowid LIMIT ?)"
_FORGET: Final = "DELETE FROM buckets WHERE rowid > ? AND rowid <= ? AND full_at_us <= ?"
_FIRST_NAP_S: Final = 0.0001
_LONGEST_NAP_S: Final = 0.002


class _Step(NamedTuple):
    """One wish to a bucket, and who waits for its answer."""

    work: Callable[[], Any]  # what the future takes
    future: "asyncio.Future[Any]"  # the same


class SqliteBuckets:
    """Implement `Buckets` on one file that several processes share.

    All work is done in one thread, so that no event loop ever waits for a disk; what was asked for while that was busy
    is done together, in one transaction. Nothing is flushed to the disk: what was taken survives a crash of any
    process, but not of the machine. It serves one event loop at a time. Full buckets are forgotten little by little.

    A cancelled wait may have taken all the same. `busy_s` bounds the wait for other processes. `thread` starts the
    thread, by its name; it is stopped by `close`.

    Raises:
        LedgerUnavailable: the file cannot be made or opened, or is no database of this version.
    """

    def __init__(self, path: Path, *, busy_s: float = 2.0, thread: Callable[[str], Executor] = ONE_THREAD) -> None:
        try:
            self._db = connect(path, synchronous="off")
            try:
                migrate(self._db, STEPS)
            except BaseException:
                self._db.close()
                raise
        except (apsw.Error, OSError, Unavailable) as error:
            raise LedgerUnavailable(f"cannot open the rates {path}: {error}; it holds nothing but rates") from error
        self._db.set_busy_handler(_naps(busy_s))
        self._path = path
        self._thread = thread("seawall-buckets")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Step] = []
        self._is_busy = False
        self._swept = self._since_sweep = 0

    def close(self) -> None:
        """Finish what was begun, and close the file; closing twice is fine."""
        self._thread.shutdown()
        self._db.close()

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> "asyncio.Future[Taken | Wait]":
        """Take units, or say when there will be enough."""
        return self._do(partial(self._take, bucket, least, most, whole_us(at_s)))

    def put_back(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        """Give units back."""
        return self._do(partial(self._change, put_back, bucket, units, whole_us(at_s)))

    def charge(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[None]":
        """Count units that were used already."""
        return self._do(partial(self._change, charge, bucket, units, whole_us(at_s)))

    def look(self, bucket: Bucket, units: int, at_s: float) -> "asyncio.Future[float]":
        """Say when there will be enough."""
        now_us = whole_us(at_s)
        return self._do(lambda: seconds(look(self._level(bucket, now_us), bucket.rate, units, now_us)))

    def _take(self, bucket: Bucket, least: int, most: int, now_us: int) -> Taken | Wait:
        level = self._level(bucket, now_us)
        answer = take(level, bucket.rate, least, most, now_us)
        if isinstance(answer, Later):
            if answer.level is not level:
                self._keep(bucket, answer.level)
            return Wait(seconds(answer.at_us))
        self._keep(bucket, answer.level)
        self._since_sweep += 1
        if self._since_sweep == _SWEEP_EACH:
            self._since_sweep = 0
            self._sweep(now_us)
        return Taken(answer.units)

    def _change(self, change: Callable[..., Level], bucket: Bucket, units: int, now_us: int) -> None:
        self._keep(bucket, change(self._level(bucket, now_us), bucket.rate, units, now_us))

    def _level(self, bucket: Bucket, now_us: int) -> Level:
        row: tuple[int, int] | None = self._db.execute(_READ, (bucket.name,)).fetchone()  # the table is STRICT
        return Level(0, now_us) if row is None else Level(*row)

    def _keep(self, bucket: Bucket, level: Level) -> None:
        self._db.execute(_WRITE, (bucket.name, level.parts, level.at_us, full_at_us(level, bucket.rate)))

    def _sweep(self, now_us: int) -> None:
        """Forget the full buckets of the next few rows, faster than takes can add any."""
        ends = [last for (last,) in self._db.execute(_STRETCH, (self._swept, _SWEEP_ROWS)) if last is not None]
        for last in ends:
            self._db.execute(_FORGET, (self._swept, last, now_us - SLACK_US))
        self._swept = ends[0] if ends else 0

    def _do(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Queue a step; it begins at once where the thread has nothing to do."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if loop is not self._loop:  # what the last one left undone, nobody waits for
            self._loop, self._waiting, self._is_busy = loop, [], False
        if len(self._waiting) >= MOST_WAITING:
            future.set_exception(LedgerUnavailable(f"{MOST_WAITING} calls wait for the rates {self._path} already"))
            return future
        self._waiting.append(_Step(work, future))
        if not self._is_busy:
            self._begin(loop)
        return future

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand what waits to the thread."""
        steps, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
        try:
            running = loop.run_in_executor(self._thread, self._run, steps)
        except RuntimeError as error:  # the thread was stopped
            closed = LedgerUnavailable(f"the rates {self._path} are closed: {error}")
            _tell(steps, [closed] * len(steps))
            return
        self._is_busy = True
        running.add_done_callback(partial(self._done, loop, steps))

    def _done(self, loop: asyncio.AbstractEventLoop, steps: list[_Step], ran: "asyncio.Future[list[Any]]") -> None:
        """Give the answers, and begin what came meanwhile."""
        self._is_busy = False
        if self._waiting and loop is self._loop:
            self._begin(loop)
        _tell(steps, ran.result())

    def _run(self, steps: list[_Step]) -> list[Any]:  # what the futures take
        """Do steps in one write transaction: all of them are done, or none."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                answers = [step.work() for step in steps]
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back after a full disk and the like
                    self._db.execute("ROLLBACK")
                raise
        except (apsw.Error, ValueError, OverflowError) as error:
            return [LedgerUnavailable(f"cannot use the rates {self._path}: {error}") for _ in steps]
        return answers


def _tell(steps: list[_Step], answers: list[Any]) -> None:  # as `_run` gives them
    for step, answer in zip(steps, answers, strict=True):
        if step.future.done():  # cancelled
            continue
        if isinstance(answer, BaseException):
            step.future.set_exception(answer)
        else:
            step.future.set_result(answer)


def _naps(longest_s: float) -> Callable[[int], bool]:
    """Make a busy handler for locks that are held for microseconds: SQLite's own naps are milliseconds long."""
    ends_s = 0.0

    def nap(count: int) -> bool:
        nonlocal ends_s
        now_s = time.monotonic()
        if count == 0:
            ends_s = now_s + longest_s
        time.sleep(min(_FIRST_NAP_S * (count + 1), _LONGEST_NAP_S))
        return now_s < ends_s

    return nap
