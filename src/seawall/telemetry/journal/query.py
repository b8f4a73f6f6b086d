"""Reading the journal back: across days, while workers write, and never in their way."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw
import msgspec

from seawall.core.error import NotFound, Refused, Unavailable
from seawall.core.record import CallRecord
from seawall.telemetry.journal.schema import VERSION
from seawall.telemetry.period import DAY_S, Period, utc_day
from seawall.telemetry.secret_format import mask_secrets

BUSY_TIMEOUT_MS: Final = 2000
Row: TypeAlias = tuple[Any, ...]  # a row has what its query asked for
_AT_ONCE: Final = 500
_LATE_S: Final = DAY_S  # a call that began before midnight is recorded after it
_decoder: Final = msgspec.json.Decoder(CallRecord)


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which records to take: those that equal every field that is set. `user` is the keyed hash.

    `model` is a bare name or `provider/model`; `error` is a code or its beginning up to a dot.
    """

    route: str = ""
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    key_id: str = ""
    provider: str = ""
    model: str = ""
    outcome: str = ""
    error: str = ""

    def where(self) -> tuple[str, list[str | float]]:
        """Give the condition in SQL and its values."""
        conditions, values = [], list[str | float]()
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if value and name == "model":
                conditions.append("? IN (model, provider || '/' || model)")
                values.append(value)
            elif value and name == "error":
                conditions.append("instr(error || '.', ? || '.') = 1")
                values.append(value)
            elif value:
                conditions.append(f"{name} = ?")
                values.append(value)
        return " AND ".join(["1", *conditions]), values


class Archive:
    """The day files of one state directory, read only.

    A file that is missing holds nothing. One that cannot be read is passed over and named in `troubles`, as are files
    that were set aside: what they held is missing from the answers.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.troubles: dict[str, str] = {}

    def records(self, period: Period, wanted: CallFilter, limit: int) -> list[CallRecord]:
        """Give the newest records of a period, at most `limit`, the newest last."""
        condition, values = wanted.where()
        query = (
            "SELECT record FROM calls WHERE at_s >= ? AND at_s < ? AND "  # noqa: S608  # names of our own columns
            f"{condition} ORDER BY at_s DESC, seq DESC LIMIT ?"
        )
        found: list[CallRecord] = []
        for day in reversed(self.days(period)):
            rows = self.rows(day, query, [period.since_s, _end_s(period), *values, limit - len(found)])
            found.extend(self._decoded(day, rows))
            if len(found) >= limit:
                break
        return found[::-1]

    def find(self, id_or_prefix: str) -> CallRecord:
        """Give the record with this id, or the only one whose id begins so.

        Raises:
            NotFound: there is none.
            Refused: several ids begin so.
        """
        query = "SELECT record FROM calls WHERE id >= ? AND id < ? ORDER BY id LIMIT 2"
        found: list[CallRecord] = []
        for day in reversed(self.days(Period()) if id_or_prefix else []):
            rows = self.rows(day, query, [id_or_prefix, id_or_prefix + "\U0010ffff"])
            for record in self._decoded(day, rows):
                if record.id == id_or_prefix:
                    return record
                found.append(record)
        if len(found) > 1:
            raise Refused(f"{id_or_prefix!r} fits {found[0].id} and {found[1].id}: give more of the id")
        if not found:
            raise NotFound(f"no call {mask_secrets(id_or_prefix)!r} in {self._directory}: `seawall calls` lists them")
        return found[0]

    def named(self, ids: Collection[str], period: Period) -> dict[str, CallRecord]:
        """Give those records of a period's days that have one of these ids, by id."""
        asked, found = sorted(ids), dict[str, CallRecord]()
        for day in self.days(period):
            for begin in range(0, len(asked), _AT_ONCE):
                some = asked[begin : begin + _AT_ONCE]
                query = f"SELECT record FROM calls WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608  # marks only
                found |= {record.id: record for record in self._decoded(day, self.rows(day, query, [*some]))}
        return found

    def follow(self, wanted: CallFilter, clock: Callable[[], float], wait: Callable[[], None]) -> Iterator[CallRecord]:
        """Give records as they are committed from this call on, for ever; `wait` is called between two looks."""
        condition, values = wanted.where()
        query = f"SELECT seq, record FROM calls WHERE seq > ? AND {condition} ORDER BY seq"  # noqa: S608  # our columns
        marks = {day: self._last_seq(day) for day in self._recent(clock())}
        return self._follow(marks, (query, values), clock, wait)

    def _follow(
        self,
        marks: dict[str, int],
        asked: tuple[str, list[str | float]],
        clock: Callable[[], float],
        wait: Callable[[], None],
    ) -> Iterator[CallRecord]:
        query, values = asked
        while True:
            for day in self._recent(clock()):
                if self._last_seq(day) < marks.get(day, 0):
                    marks[day] = 0  # the file was set aside, and a new one begun
                for seq, text in self.rows(day, query, [marks.get(day, 0), *values]):
                    marks[day] = seq
                    yield from self._decoded(day, [(text,)])
            wait()

    def days(self, period: Period) -> list[str]:
        """Name the UTC days of a period that have a file, oldest first; notes files that were set aside."""
        first, last = period.days("99991231")
        names = sorted(path.name for path in self._directory.glob("calls-*.db*"))
        for name in names:
            if ".db.corrupt-" in name and not name.endswith(("-wal", "-shm")) and first <= name[6:14] <= last:
                self.troubles[name] = "was corrupt and set aside; the JSON lines of its day have what it held"
        return [name[6:14] for name in names if len(name) == len("calls-20261121.db") and first <= name[6:14] <= last]

    def rows(self, day: str, query: str, values: list[str | float]) -> list[Row]:
        """Run one query on one day's file; a file that cannot be read gives no rows and a trouble."""
        path = self._directory / f"calls-{day}.db"
        try:
            db = _open(path)
            try:
                return list(db.execute(query, values))
            finally:
                db.close()
        except FileNotFoundError:
            return []
        except (apsw.Error, Unavailable) as error:
            self.troubles[path.name] = f"cannot be read: {error}"
            return []

    def _recent(self, now_s: float) -> list[str]:
        return [utc_day(now_s - _LATE_S), utc_day(now_s)]

    def _last_seq(self, day: str) -> int:
        rows = self.rows(day, "SELECT coalesce(max(seq), 0) FROM calls", [])
        return int(rows[0][0]) if rows else 0

    def _decoded(self, day: str, rows: list[Row]) -> Iterator[CallRecord]:
        for row in rows:
            try:
                yield _decoder.decode(row[0])
            except msgspec.DecodeError as error:
                self.troubles[f"calls-{day}.db"] = f"holds a record that cannot be read: {error}"


def every(seconds: float) -> Callable[[], None]:
    """Give the wait of a follower: asleep for so long between two looks."""
    return lambda: time.sleep(seconds)


def _open(path: Path) -> apsw.Connection:
    if not path.exists():
        raise FileNotFoundError(path)
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(BUSY_TIMEOUT_MS)
        _check_version(path, db.pragma("user_version"))
    except BaseException:
        db.close()
        raise
    return db


def _check_version(path: Path, found: object) -> None:
    if found == 0:
        raise FileNotFoundError(f"{path} has no table yet")
    if found != VERSION:
        raise Unavailable(f"it has schema version {found}, this version of Seawall reads {VERSION}")


def _end_s(period: Period) -> float:
    return float("inf") if period.until_s is None else period.until_s
