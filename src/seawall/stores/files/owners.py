"""Which workers live: each holds a lock on a file of its own, `owners/<owner>` in the state directory."""

import contextlib
import fcntl
import os
import re
import secrets
import weakref
from pathlib import Path
from typing import Final

from seawall.core.error import LedgerUnavailable

OWNERS_DIR: Final = "owners"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")


class FileOwners:
    """Name this process as an owner of leases for as long as it lives, and tell of others whether they do.

    The kernel drops a lock (`flock(2)`) with the process, however that ends, and with the machine; nothing has to be
    renewed, so no pause makes a living one look dead. A file that is not there is a dead owner's. A lock belongs to one
    opening of a file: looking at one's own file with another opening says the truth, and closing that changes nothing.
    A forked child would keep its parent's lock; it closes its copy at once. The directory has to be on a local disk.

    Raises:
        LedgerUnavailable: the file cannot be made or locked.
    """

    def __init__(self, state_dir: Path, slot: int) -> None:
        self._directory = state_dir / OWNERS_DIR
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.owner, self._lock = self._take(slot)
        except OSError as error:
            raise LedgerUnavailable(f"cannot lock a file in {self._directory}: {error}") from error
        _LIVING.add(self)

    def close(self) -> None:
        """Take the file away and let the lock go; whatever is leased after that counts as a dead owner's.

        Closing twice is fine.
        """
        if self._lock >= 0:
            with contextlib.suppress(OSError):
                (self._directory / self.owner).unlink(missing_ok=True)
            self.leave()

    def leave(self) -> None:
        """Close this process's copy of the lock; with the last copy the lock goes."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        _LIVING.discard(self)

    def is_alive(self, owner: str) -> bool:
        """Say whether the owner's process lives; a dead one's file is taken away.

        Never waits and never raises: where it cannot be told, for want of descriptors or rights, the owner counts as
        living, and its money as leased.
        """
        if not _NAME.fullmatch(owner):
            return False
        path = self._directory / owner
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not see each other
            # Under the lock, so that whoever makes a file can tell after locking it whether it is still there.
            path.unlink(missing_ok=True)
        except OSError:
            return True
        finally:
            os.close(file)
        return False

    def sweep(self) -> int:
        """Take away the files of dead owners, and give how many there were; never raises."""
        try:
            names = [entry.name for entry in os.scandir(self._directory)]
        except OSError:
            return 0
        return sum(not self.is_alive(name) for name in names)

    def _take(self, slot: int) -> tuple[str, int]:
        while True:
            owner = f"w{slot}-{os.getpid()}-{secrets.token_hex(8)}"
            path = self._directory / owner
            lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)  # waits only for somebody who is looking at it
                is_there = os.fstat(lock).st_nlink > 0  # somebody may have looked before there was a lock
            except BaseException:
                os.close(lock)
                raise
            if is_there:
                return owner, lock
            os.close(lock)


_LIVING: "weakref.WeakSet[FileOwners]" = weakref.WeakSet()


def _leave_to_parent() -> None:
    for each in list(_LIVING):
        each.leave()


os.register_at_fork(after_in_child=_leave_to_parent)
