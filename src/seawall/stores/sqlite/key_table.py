"""Client keys in memory for the hot path, kept equal to `keys.db` by a thread."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import apsw

from seawall.core.error import Unavailable
from seawall.core.key import KEY_LENGTH, key_digest
from seawall.core.principal import Principal
from seawall.stores.sqlite.keys import LIVING, open_keys, read_keys

POLL_S: Final = 0.1
STALE_AFTER_S: Final = 60.0
_NOBODY: Final[tuple[bytes, None]] = (bytes(32), None)
_log: Final = logging.getLogger("seawall.keys")

_Table = Mapping[bytes, tuple[bytes, Principal]]


class KeyTable:
    """Implement `Keys` over `keys.db`; a missing file is created, once, at the start.

    An owned thread asks every `poll_s` seconds whether another connection has committed (`PRAGMA data_version`, some
    microseconds) and then swaps the whole table, so that a key created or revoked by any process counts here within
    a fraction of a second. While the file cannot be read the last good table serves on: a broken disk is not a
    reason to refuse everybody. After `stale_after_s` a missed revocation weighs more, and `find` raises
    `Unavailable` until the file can be read again.
    """

    def __init__(
        self,
        path: Path,
        *,
        poll_s: float = POLL_S,
        stale_after_s: float = STALE_AFTER_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the table and start the thread.

        Raises:
            Unavailable: the file cannot be made or read.
        """
        self._path = path
        self._stale_after_s = stale_after_s
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()  # around the connection; `find` never takes it
        self._db: apsw.Connection | None = open_keys(path)
        self._seen: tuple[object, ...] = ()
        self._table: _Table | None = None
        self._is_failing = False
        self._read_at_s = monotonic_s()
        try:
            self._read()
        except (apsw.Error, OSError) as error:
            self._disconnect()
            raise Unavailable(f"cannot read the key store {path}: {error}") from error
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, args=(poll_s,), name="seawall-keys", daemon=True)
        self._thread.start()

    def find(self, presented: bytes) -> Principal | None:
        """Give the owner of a presented key, or None; takes under a microsecond and no lock.

        Raises:
            Unavailable: `keys.db` could not be read for `stale_after_s`.
        """
        table = self._table
        if table is None:
            raise Unavailable("the key store cannot be read: keys cannot be checked until it can")
        if len(presented) != KEY_LENGTH:
            return None
        digest = key_digest(presented)
        known, principal = table.get(digest, _NOBODY)  # the same steps for a key that nobody holds
        return principal if compare_digest(known, digest) else None

    @property
    def is_current(self) -> bool:
        """Say whether the last look at the file succeeded."""
        return not self._is_failing

    def refresh(self) -> None:
        """Look at the file now instead of at the next tick; never raises. Safe from any thread."""
        with self._lock:
            try:
                self._read()
            except (Unavailable, apsw.Error, OSError) as error:
                self._fail(error)

    def close(self) -> None:
        """Stop the thread and close the file; the last table stays. Closing twice is fine."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _poll(self, poll_s: float) -> None:
        while not self._stop.wait(poll_s):
            self.refresh()

    def _read(self) -> None:
        stat = self._path.stat()  # raises for a file that was removed: to make a new one would revoke every key
        if (stat.st_dev, stat.st_ino) != self._seen[:2]:
            self._disconnect()  # a restored backup is another file under the same name
        if self._db is None:
            self._db = open_keys(self._path)
        seen = (stat.st_dev, stat.st_ino, self._db.pragma("data_version"))
        if seen != self._seen:
            # A commit after the version was asked for only means one more reading at the next tick.
            entries = read_keys(self._db, LIVING)
            self._table = {digest: (digest, entry.principal()) for digest, entry in entries}
            self._seen = seen
        self._read_at_s = self._monotonic_s()
        if self._is_failing:
            self._is_failing = False
            _log.warning("key store readable again")

    def _fail(self, error: Exception) -> None:
        self._disconnect()
        if not self._is_failing:
            self._is_failing = True
            _log.error("key store unreadable, the last good table serves on", extra={"fields": {"error": str(error)}})
        if self._table is not None and self._monotonic_s() - self._read_at_s >= self._stale_after_s:
            self._table = None
            _log.error("key store unreadable for too long, no key counts", extra={"fields": {"s": self._stale_after_s}})

    def _disconnect(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
            self._seen = ()  # another connection counts its versions anew
