"""The books of `ledger.db`: what stands on accounts, how it came about, and putting it right."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from seawall.core.account import Unit
from seawall.core.balance import Balance, Entry, Lease
from seawall.core.error import NotFound, Refused
from seawall.core.reconcile import refuse_misfit
from seawall.ports.books import Charge, Decision
from seawall.ports.ledger import Unsettled
from seawall.stores.sqlite.ledger_file import LedgerFile

_BALANCES: Final = (
    "SELECT name, unit, cap, settled, leased, coalesce(doubtful, 0) FROM accounts LEFT JOIN"
    " (SELECT account, sum(amount) AS doubtful FROM charges JOIN unsettled u ON u.number = charges.unsettled"
    " WHERE decided_at_s IS NULL GROUP BY account) ON account = accounts.id"
    " WHERE substr(name, 1, ?) = ? ORDER BY name"
)
_LEASES: Final = "SELECT owner, name, amount FROM leases JOIN accounts ON accounts.id = account ORDER BY owner, name"
_COLUMNS: Final = "number, id, at_s, reason, target, owner, decided_by, decided_why, decided_at_s"
_WAITING: Final = f"SELECT {_COLUMNS} FROM unsettled WHERE decided_at_s IS NULL ORDER BY at_s, id"  # noqa: S608  # constants only, here and below
_DECIDED: Final = f"SELECT {_COLUMNS} FROM unsettled WHERE decided_at_s IS NOT NULL ORDER BY at_s, id"  # noqa: S608
_ONE: Final = f"SELECT {_COLUMNS} FROM unsettled WHERE id = ?"  # noqa: S608
_CHARGES: Final = (
    "SELECT name, amount, actual FROM charges JOIN accounts ON accounts.id = account WHERE unsettled = ? ORDER BY place"
)
_LINES: Final = (
    "SELECT h.number, at_s, name, owner, kind, amount, h.cap, ref FROM history h JOIN accounts a ON a.id = h.account"
)
_ALL: Final = f"{_LINES} ORDER BY h.number"
_OF_ONE: Final = f"{_LINES} WHERE name = ? ORDER BY h.number"
_DECIDE: Final = "UPDATE unsettled SET decided_at_s = ?, decided_by = ?, decided_why = ? WHERE number = ?"
_ACTUAL: Final = (
    "UPDATE charges SET actual = ? WHERE unsettled = ? AND account = (SELECT id FROM accounts WHERE name = ?)"
)
_LOWER: Final = "UPDATE accounts SET settled = settled - ? WHERE name = ? AND settled >= ? RETURNING id"


class SqliteBooks:
    """Implement `Books` on the file that workers lease from; reading disturbs none of them.

    Raises:
        LedgerUnavailable: the file cannot be made or opened, or is no database of this version.
    """

    def __init__(self, path: Path) -> None:
        self._file = LedgerFile(path)
        self._db = self._file.db

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._file.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make everything that is read inside the state of one moment; workers book on meanwhile."""
        with self._file.reading():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:  # an error of the disk ends it by itself
                    self._db.execute("ROLLBACK")

    def balances(self, prefix: str = "") -> list[Balance]:
        """Give the accounts whose names begin so, by name."""
        with self._file.reading():
            found = self._db.execute(_BALANCES, (len(prefix), prefix))
            return [Balance(name, Unit(unit), *numbers) for name, unit, *numbers in found]

    def leases(self) -> list[Lease]:
        """Give what is in the hands of workers, by owner and account."""
        with self._file.reading():
            return [Lease(*row) for row in self._db.execute(_LEASES)]

    def unsettled_rows(self, *, decided: bool = False) -> list[Charge]:
        """Give the charges that wait for a decision, or those that had theirs, oldest first."""
        with self._file.reading():
            return [self._charge(row) for row in self._db.execute(_DECIDED if decided else _WAITING).fetchall()]

    def history(self, account: str = "") -> Iterator[Entry]:
        """Give the lines of one account's history, or of all, oldest first, as they are read."""
        with self._file.reading():
            for row in self._db.execute(_OF_ONE, (account,)) if account else self._db.execute(_ALL):
                yield Entry(*row)

    def reconcile(self, unsettled_id: str, actual: Mapping[str, int], who: str, why: str, at_s: float) -> None:
        """Replace a charge by what it really cost, once and for all."""
        with self._file.change():
            row = self._db.execute(_ONE, (unsettled_id,)).fetchone()
            if row is None:
                raise NotFound(f"no unsettled charge has the id {unsettled_id!r}")
            charge = self._charge(row)
            if charge.decision is not None:
                raise Refused(f"{unsettled_id} was decided already, by {charge.decision.who}", code="ledger.decided")
            refuse_misfit(unsettled_id, charge.unsettled.charges, actual)
            self._db.execute(_DECIDE, (at_s, who, why, row[0]))
            for name, amount in charge.unsettled.charges:
                back = amount - actual[name]
                lowered: list[tuple[Any, ...]] = self._db.execute(_LOWER, (back, name, back)).fetchall()
                if not lowered:
                    raise Refused(f"{unsettled_id}: {name} has less settled than that", code="ledger.misfit")
                self._db.execute(_ACTUAL, (actual[name], row[0], name))
                self._file.enter(at_s, lowered[0][0], charge.owner, "reconcile", (back, unsettled_id))

    def _charge(self, row: tuple[Any, ...]) -> Charge:  # the table is STRICT: each column has its type
        number, unsettled_id, at_s, reason, target, owner, who, why, decided_at_s = row
        charged: list[tuple[Any, ...]] = self._db.execute(_CHARGES, (number,)).fetchall()
        charges = tuple((name, amount) for name, amount, _ in charged)
        unsettled = Unsettled(unsettled_id, at_s, reason, target, charges)
        if decided_at_s is None:
            return Charge(unsettled, owner, None, ())
        return Charge(
            unsettled, owner, Decision(who, why, decided_at_s), tuple((name, actual) for name, _, actual in charged)
        )
