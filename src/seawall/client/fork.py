"""What has to be closed while the process forks."""

import os
import threading
import weakref
from typing import Final, Protocol


class ClosedByForks(Protocol):
    """Something with a file of SQLite's, which no fork may find open; it opens again by itself.

    SQLite notes in the process's memory which locks it has on a file. A forked child has the notes but not the locks,
    and could neither use the file nor close it (sqlite.org/howtocorrupt.html, 2.6). A fork takes the `lock`, lets it
    `leave`, and lets go of the lock in the parent and in the child.
    """

    lock: threading.Lock

    def leave(self) -> None:
        """Finish what was begun, and close; whoever calls this has the lock."""


def close_in_forks(each: ClosedByForks) -> None:
    """Have something closed by every fork for as long as it lives."""
    _KNOWN.add(each)


_KNOWN: Final[weakref.WeakSet[ClosedByForks]] = weakref.WeakSet()
_FORKING: Final = threading.Lock()  # two threads that fork at once come one after the other
_held: Final[list[ClosedByForks]] = []


def _before() -> None:
    _FORKING.acquire()
    for each in list(_KNOWN):
        each.lock.acquire()
        _held.append(each)
        each.leave()


def _after() -> None:
    while _held:
        _held.pop().lock.release()
    _FORKING.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
