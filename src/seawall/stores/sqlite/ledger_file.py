"""Leases on accounts in `ledger.db`: the steps themselves, which block."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from seawall.core.account import Unit, unit_of
from seawall.core.balance import Kind
from seawall.core.error import LedgerUnavailable, Unavailable
from seawall.ports.ledger import SHARE, SQUEEZED_S, Grant, Move, Short, Unsettled, Want
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.ledger_schema import STEPS
from seawall.stores.sqlite.migration import migrate

BUSY_TIMEOUT_MS: Final = 2000
_COME_AGAIN_S: Final = 0.0005
_COARSE_S: Final = 1.0
_NONE_YET: Final = -1

_FIND: Final = "SELECT id, unit, cap, settled, leased FROM accounts WHERE name = ?"
_OWN: Final = "SELECT amount FROM leases WHERE owner = ? AND account = ?"
_LEASE: Final = (
    "INSERT INTO leases (owner, account, amount) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"
)
_BOOK: Final = (
    "UPDATE accounts SET settled = settled + ?, leased = leased + ? WHERE id = ? RETURNING settled + leased, cap"
)
_ENTER: Final = (
    "INSERT INTO history (at_s, account, owner, kind, amount, cap, ref)"
    " SELECT ?, id, ?, ?, ?, cap, ? FROM accounts WHERE id = ?"
)
_MARK: Final = (
    "INSERT INTO shorts (account, owner, at_s) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET at_s = excluded.at_s WHERE abs(at_s - excluded.at_s) >= ?"
)
_SQUEEZED: Final = (
    "SELECT DISTINCT a.name FROM shorts s JOIN latest JOIN leases l ON l.account = s.account AND l.owner = ?"
    " JOIN accounts a ON a.id = s.account WHERE s.owner != ? AND abs(latest.at_s - s.at_s) <= ? ORDER BY a.name"
)
_REPORTED: Final = "INSERT INTO owners (owner, number) VALUES (?, ?) ON CONFLICT DO UPDATE SET number = excluded.number"
_BURIED: Final = (
    "INSERT INTO owners (owner, buried_at_s) VALUES (?, ?)"
    " ON CONFLICT DO UPDATE SET buried_at_s = excluded.buried_at_s WHERE buried_at_s IS NULL"
)
_HELD: Final = (
    "SELECT a.id, a.name, amount FROM leases JOIN accounts a ON a.id = account WHERE owner = ? ORDER BY a.name"
)
_DOUBT: Final = "INSERT OR IGNORE INTO unsettled (id, at_s, reason, target, owner) VALUES (?, ?, ?, ?, ?)"
_CHARGE: Final = "INSERT INTO charges (unsettled, place, account, amount) VALUES (?, ?, ?, ?)"


class _Row(NamedTuple):
    """An account as it stands in the file."""

    id: int
    unit: str
    cap: int
    settled: int
    leased: int


class LedgerFile:
    """Keep a ledger in one file that several processes share; one instance for one thread at a time.

    Every method is one transaction, on the disk when it returns (WAL, synchronous FULL), and waits for others no longer
    than two seconds.

    Raises:
        LedgerUnavailable: the file cannot be made, opened, read or written, is no database of this version, or is no
            longer the one that was opened. So does every method.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.db = connect(path, synchronous="full", busy_timeout_ms=BUSY_TIMEOUT_MS)
            try:
                migrate(self.db, STEPS)
                self.db.set_busy_handler(self._come_again)
                stat = path.stat()
            except BaseException:
                self.db.close()
                raise
        except (apsw.Error, OSError, Unavailable) as error:
            raise LedgerUnavailable(f"cannot open the ledger {path}: {error}") from error
        self._inode = (stat.st_dev, stat.st_ino)
        self._give_up_at_s = 0.0

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self.db.close()

    def lease(self, owner: str, asked: Sequence[Sequence[Want]], at_s: float) -> list[Grant | Short]:
        """Serve requests in their order, each in full or not at all."""
        with self.change():
            self._refuse_buried(owner)
            self._tick(at_s)
            return [self._serve(owner, wants, at_s) for wants in asked]

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> None:
        """Book what became of leases, once a number."""
        with self.change():
            found: tuple[Any, ...] | None = self.db.execute(
                "SELECT number FROM owners WHERE owner = ?", (owner,)
            ).fetchone()
            if number <= (found[0] if found is not None else _NONE_YET):
                return
            self._refuse_buried(owner)
            self._tick(at_s)
            self.db.execute(_REPORTED, (owner, number))
            for move in moves:
                self._move(owner, move, at_s, str(number))
            for each in unsettled:
                self._doubt(owner, each, "doubt")

    def squeezed(self, owner: str) -> list[str]:
        """Name the accounts that this owner has a lease on and another came short of in the last minute."""
        with self.reading():
            return [name for (name,) in self.db.execute(_SQUEEZED, (owner, owner, SQUEEZED_S))]

    def owners(self) -> list[str]:
        """Name everybody who has a lease."""
        with self.reading():
            return [owner for (owner,) in self.db.execute("SELECT DISTINCT owner FROM leases ORDER BY owner")]

    def bury(self, owner: str, at_s: float) -> int:
        """Charge everything that a dead worker still held, as unsettled; give how many accounts that were."""
        with self.change():
            self.db.execute(_BURIED, (owner, at_s))
            held: list[tuple[Any, ...]] = self.db.execute(_HELD, (owner,)).fetchall()  # the tables are STRICT
            self.db.execute("DELETE FROM leases WHERE owner = ?", (owner,))
            self.db.execute("DELETE FROM shorts WHERE owner = ?", (owner,))
            for account, _, amount in held:
                self.db.execute(_BOOK, (amount, -amount, account)).fetchall()
            if held:
                charges = tuple((name, amount) for _, name, amount in held)
                self._doubt(owner, Unsettled(f"crashed:{owner}", at_s, "crashed", "", charges), "bury")
            return len(held)

    @contextmanager
    def change(self) -> Iterator[None]:
        """Run one write transaction: all of it is done, or nothing."""
        with self.reading():
            self._refuse_replaced()
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:  # SQLite itself rolls back after a full disk and the like
                    self.db.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what the file may raise into `LedgerUnavailable`."""
        try:
            yield
        except (apsw.Error, OSError, OverflowError) as error:
            raise LedgerUnavailable(f"cannot use the ledger {self.path}: {error}") from error

    def enter(self, at_s: float, account: int, owner: str, kind: Kind, step: tuple[int, str]) -> None:
        """Write a line of history; `step` is its amount and what it refers to."""
        amount, ref = step
        self.db.execute(_ENTER, (at_s, owner, kind, amount, ref, account))

    def _come_again(self, times: int) -> bool:
        """Wait for another process, at short and even intervals.

        SQLite's own intervals grow to a tenth of a second. Between two steps of a busy process the file is free for a
        fraction of a millisecond, so that whoever has waited long would get it never.
        """
        now_s = time.monotonic()
        if times == 0:
            self._give_up_at_s = now_s + BUSY_TIMEOUT_MS / 1000
        if now_s >= self._give_up_at_s:
            return False
        time.sleep(_COME_AGAIN_S)
        return True

    def _refuse_replaced(self) -> None:
        """Refuse to book in a file that nobody else will ever see again."""
        stat = self.path.stat()
        if (stat.st_dev, stat.st_ino) != self._inode:
            raise LedgerUnavailable(f"the ledger {self.path} was replaced by another file: restart to use that one")

    def _refuse_buried(self, owner: str) -> None:
        found = self.db.execute("SELECT buried_at_s FROM owners WHERE owner = ?", (owner,)).fetchone()
        if found is not None and found[0] is not None:
            raise LedgerUnavailable(f"{owner} counts as dead, and its leases as spent")

    def _tick(self, at_s: float) -> None:
        """Keep the time of the latest step, coarsely: a step that changes nothing else is not to cost a write."""
        self.db.execute("UPDATE latest SET at_s = ? WHERE abs(at_s - ?) >= ?", (at_s, at_s, _COARSE_S))

    def _find(self, name: str) -> _Row:
        found = self.db.execute(_FIND, (name,)).fetchone()
        return _Row(*found) if found is not None else self._open(name, unit_of(name), 0)

    def _open(self, name: str, unit: Unit, cap: int) -> _Row:
        self.db.execute("INSERT INTO accounts (name, unit, cap) VALUES (?, ?, ?)", (name, unit.value, cap))
        return _Row(self.db.last_insert_rowid(), unit.value, cap, 0, 0)

    def _own(self, owner: str, account: int) -> int:
        found = self.db.execute(_OWN, (owner, account)).fetchone()
        return int(found[0]) if found is not None else 0

    def _serve(self, owner: str, wants: Sequence[Want], at_s: float) -> Grant | Short:
        rows: dict[str, _Row] = {}
        for want in wants:
            rows[want.account.name] = self._capped(want, rows.get(want.account.name))
        free = {name: max(row.cap - row.settled - row.leased, 0) for name, row in rows.items()}
        needed = dict.fromkeys(rows, 0)
        for want in wants:
            name = want.account.name
            needed[name] += want.least
            if needed[name] > free[name]:
                return self._come_short(owner, want, rows[name], at_s)
        amounts = []
        for want in wants:
            name = want.account.name
            needed[name] -= want.least  # what the others of this account are sure of
            amount = min(want.most, max(want.least, free[name] // SHARE), free[name] - needed[name])
            free[name] -= amount
            if amount:
                self._grant(owner, rows[name], amount, at_s)
            amounts.append(amount)
        return Grant(tuple(amounts))

    def _capped(self, want: Want, seen: _Row | None) -> _Row:
        """Give the wanted account, made where it is not there, with the smallest cap that this request names for it."""
        name, unit, cap = want.account
        if seen is None:
            found = self.db.execute(_FIND, (name,)).fetchone()
            if found is None:
                return self._open(name, unit, cap)
            seen = _Row(*found)
        else:
            cap = min(cap, seen.cap)
        if cap == seen.cap:
            return seen
        self.db.execute("UPDATE accounts SET cap = ? WHERE id = ?", (cap, seen.id))
        return seen._replace(cap=cap)

    def _grant(self, owner: str, row: _Row, amount: int, at_s: float) -> None:
        self.db.execute(_LEASE, (owner, row.id, amount))
        booked: list[tuple[Any, ...]] = self.db.execute(_BOOK, (0, amount, row.id)).fetchall()
        taken, cap = booked[0]
        if taken > cap:  # what the file says after the step, not what was computed before it
            raise LedgerUnavailable(f"{self.path}: account {row.id} would hold {taken} of {cap}: nothing was granted")
        self.enter(at_s, row.id, owner, "grant", (amount, ""))

    def _come_short(self, owner: str, want: Want, row: _Row, at_s: float) -> Short:
        elsewhere = row.leased - self._own(owner, row.id)
        if elsewhere:
            self.db.execute(_MARK, (row.id, owner, at_s, _COARSE_S))
        return Short(want.account, row.settled, row.leased, elsewhere)

    def _move(self, owner: str, move: Move, at_s: float, ref: str) -> None:
        account = self._find(move.account).id
        leased = self._own(owner, account)
        within = min(move.settle, leased)
        given = min(move.give_back, leased - within)
        self.db.execute(_BOOK, (move.settle, -within - given, account)).fetchall()
        if within + given == leased:
            self.db.execute("DELETE FROM leases WHERE owner = ? AND account = ?", (owner, account))
        elif within + given:
            self.db.execute(
                "UPDATE leases SET amount = ? WHERE owner = ? AND account = ?",
                (leased - within - given, owner, account),
            )
        steps: tuple[tuple[Kind, int], ...] = (
            ("settle", within),
            ("overrun", move.settle - within),
            ("give_back", given),
        )
        for kind, amount in steps:
            if amount:
                self.enter(at_s, account, owner, kind, (amount, ref))

    def _doubt(self, owner: str, unsettled: Unsettled, kind: Kind) -> None:
        row = (unsettled.id, unsettled.at_s, unsettled.reason, unsettled.target, owner)
        self.db.execute(_DOUBT, row)
        if not self.db.changes():
            return
        number = self.db.last_insert_rowid()
        charges: dict[str, int] = {}
        for name, amount in unsettled.charges:
            charges[name] = charges.get(name, 0) + amount
        for place, (name, amount) in enumerate(charges.items()):
            account = self._find(name).id
            self.db.execute(_CHARGE, (number, place, account, amount))
            self.enter(unsettled.at_s, account, owner, kind, (amount, unsettled.id))
