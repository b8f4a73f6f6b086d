"""Forward-only changes of a database's schema."""

from collections.abc import Sequence

import apsw

from seawall.core.error import Unavailable


def migrate(db: apsw.Connection, steps: Sequence[str]) -> None:
    """Bring a database to its newest schema: step n takes version n to n + 1, as `PRAGMA user_version` counts them.

    All missing steps are one transaction under the database's write lock, so that of several processes that start
    together one does the work and the others find it done. A step that was released is never edited.

    Raises:
        Unavailable: a newer version of Seawall wrote the database.
        apsw.Error: a step failed; the database is as it was.
    """
    if _version(db) == len(steps):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)
        _refuse_newer(db, version, len(steps))
        for step in steps[version:]:
            db.execute(step)
        db.pragma("user_version", len(steps))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself rolls back after a full disk and the like
            db.execute("ROLLBACK")
        raise


def _version(db: apsw.Connection) -> int:
    return int(db.pragma("user_version"))


def _refuse_newer(db: apsw.Connection, version: int, known: int) -> None:
    if version > known:
        raise Unavailable(
            f"{db.filename} has schema version {version}, this version of Seawall knows {known}: "
            "use the newer one that wrote it"
        )
