"""A number of its own for each process that writes to one journal."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from seawall.core.error import Unavailable

FIRST_SLOT: Final = 64  # a gateway's workers have the numbers below
MOST: Final = 1024


class Slot:
    """Hold the lowest number that no other writer of this directory has; the end of the process gives it back too.

    The number names the writer's file of lines. A number out of a few is better than the process's id: files stay few,
    and a restart goes on with the file that it left.

    Raises:
        Unavailable: every number is taken, or the directory cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        self.number, self._file = _claim(directory)

    def release(self) -> None:
        """Give the number back; doing so twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _claim(directory: Path) -> tuple[int, int]:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(FIRST_SLOT, FIRST_SLOT + MOST):
            file = os.open(directory / f"slot-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # flock and not lockf: two clients in one process are two writers.
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return number, file
            os.close(file)
    except OSError as error:
        raise Unavailable(f"cannot write to {directory}: {error}") from error
    raise Unavailable(f"{MOST} writers have a slot in {directory} already; close clients that are not needed")
