"""Client keys in `keys.db`: issuing and revoking them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from seawall.core.error import Unavailable
from seawall.core.key import (
    ENTROPY_BYTES,
    IssuedKey,
    KeyEntry,
    KeyGrant,
    is_key,
    key_digest,
    key_hint,
    key_is_dead,
    key_text,
    no_such_key,
    retired,
    successor,
)
from seawall.core.secret import Secret
from seawall.stores.sqlite.connection import connect
from seawall.stores.sqlite.migration import migrate

FILE_NAME: Final = "keys.db"

STEPS: Final = (
    """
    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE,
        hint TEXT NOT NULL,
        team TEXT NOT NULL,
        project TEXT NOT NULL,
        user TEXT NOT NULL,
        feature TEXT NOT NULL,
        routes TEXT NOT NULL, -- a JSON array; [] is every route
        default_route TEXT NOT NULL,
        note TEXT NOT NULL,
        created_at_s REAL NOT NULL,
        expires_at_s REAL,
        revoked_at_s REAL,
        rotated_to TEXT NOT NULL DEFAULT ''
    ) STRICT;
    """,
)

_COLUMNS: Final = (
    "digest, id, hint, team, project, user, feature, routes, default_route, expires_at_s, note, "
    "created_at_s, revoked_at_s, rotated_to"
)
EVERY: Final = f"SELECT {_COLUMNS} FROM keys ORDER BY rowid"  # noqa: S608  # constants only, here and below
LIVING: Final = f"SELECT {_COLUMNS} FROM keys WHERE revoked_at_s IS NULL"  # noqa: S608
BY_ID: Final = f"SELECT {_COLUMNS} FROM keys WHERE id = ?"  # noqa: S608
BY_DIGEST: Final = f"SELECT {_COLUMNS} FROM keys WHERE digest = ?"  # noqa: S608


def open_keys(path: Path) -> apsw.Connection:
    """Open the key database, creating or migrating it where needed; commits are durable when they return.

    Raises:
        Unavailable: the file cannot be made or opened, or is no database of this version.
    """
    try:
        db = connect(path, synchronous="full")
        try:
            migrate(db, STEPS)
        except BaseException:
            db.close()
            raise
    except (apsw.Error, OSError) as error:
        raise Unavailable(f"cannot open the key store {path}: {error}") from error
    return db


def read_keys(db: apsw.Connection, query: str, *values: str | bytes) -> list[tuple[bytes, KeyEntry]]:
    """Read entries with their digests; `query` is one of the constants above.

    Raises:
        Unavailable: a row holds what no key can have; somebody edited the file.
        apsw.Error: the file cannot be read.
    """
    try:
        return [_entry(row) for row in db.execute(query, values)]
    except (ValueError, TypeError) as error:
        raise Unavailable(f"the key store {db.filename} holds a row that cannot be read: {error}") from error


def _entry(row: tuple[Any, ...]) -> tuple[bytes, KeyEntry]:  # the table is STRICT: each column has its type
    digest, key_id, hint, team, project, user, feature, routes, default_route, expires_at_s, note, *dates = row
    created_at_s, revoked_at_s, rotated_to = dates
    allowed = tuple(orjson.loads(routes))
    grant = KeyGrant(team, project, user, feature, allowed, default_route, expires_at_s, note)
    return digest, KeyEntry(key_id, hint, grant, created_at_s, revoked_at_s, rotated_to)


class SqliteKeyStore:
    """Implement `KeyStore` on one file; every change is on the disk when its call returns. For one thread."""

    def __init__(self, path: Path) -> None:
        self._db = open_keys(path)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._db.close()

    def create(self, grant: KeyGrant, now_s: float) -> IssuedKey:
        """Issue a key; only its digest is stored."""
        with self._change():
            return self._issue(grant, now_s)

    def entries(self) -> list[KeyEntry]:
        """Give every key that was ever issued, oldest first."""
        try:
            return [entry for _, entry in read_keys(self._db, EVERY)]
        except apsw.Error as error:
            raise Unavailable(f"cannot read the key store {self._db.filename}: {error}") from error

    def revoke(self, which: str, now_s: float) -> KeyEntry:
        """End a key for good; raises `NotFound` for an unknown one."""
        with self._change():
            key_id = self._get(which).id
            self._db.execute("UPDATE keys SET revoked_at_s = ? WHERE id = ? AND revoked_at_s IS NULL", (now_s, key_id))
            return self._get(key_id)

    def rotate(self, which: str, now_s: float, overlap_s: float = 0.0) -> IssuedKey:
        """Issue a successor and end the old key; raises `NotFound` or `Refused`."""
        with self._change():
            entry = self._get(which)
            if entry.revoked_at_s is not None:
                raise key_is_dead(entry)
            issued = self._issue(successor(entry, now_s), now_s)
            old = retired(entry, issued.entry.id, now_s, overlap_s)
            self._db.execute(
                "UPDATE keys SET expires_at_s = ?, revoked_at_s = ?, rotated_to = ? WHERE id = ?",
                (old.grant.expires_at_s, old.revoked_at_s, old.rotated_to, old.id),
            )
            return issued

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Run one write transaction: all of it is done, or nothing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back after a full disk and the like
                    self._db.execute("ROLLBACK")
                raise
        except apsw.Error as error:
            raise Unavailable(f"cannot write the key store {self._db.filename}: {error}") from error

    def _issue(self, grant: KeyGrant, now_s: float) -> IssuedKey:
        text = key_text(secrets.token_bytes(ENTROPY_BYTES))
        entry = KeyEntry(f"key_{secrets.token_hex(8)}", key_hint(text), grant, now_s)
        self._db.execute(
            "INSERT INTO keys (id, digest, hint, team, project, user, feature, routes, default_route, note,"
            " created_at_s, expires_at_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.id,
                key_digest(text.encode()),
                entry.hint,
                grant.team,
                grant.project,
                grant.user,
                grant.feature,
                orjson.dumps(grant.routes).decode(),
                grant.default_route,
                grant.note,
                now_s,
                grant.expires_at_s,
            ),
        )
        return IssuedKey(entry, Secret(text))

    def _get(self, which: str) -> KeyEntry:
        found = read_keys(self._db, BY_ID, which)
        if not found and is_key(which):
            found = read_keys(self._db, BY_DIGEST, key_digest(which.encode()))
        if not found:
            raise no_such_key(which)
        return found[0][1]
