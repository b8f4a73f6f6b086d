"""The end of what an application may forget to close."""

import _thread
import atexit
import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Final

_open: Final[set["Closer"]] = set()


class Closer:
    """Close something once: when it is asked to, when its owner is collected, or at the interpreter's exit.

    Whoever comes second waits until the first has closed. `close` must not refer to the owner.
    """

    def __init__(self, owner: object, close: Callable[[], None]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._is_closed = False
        self._finalizer = weakref.finalize(owner, self._collected)
        self._finalizer.atexit = False
        _open.add(self)

    def __call__(self) -> None:
        """Close now, and return when it is closed."""
        self._finalizer.detach()
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                try:
                    self._close()
                finally:
                    _open.discard(self)  # not before: until it is closed, the interpreter's exit has to wait for it

    def _collected(self) -> None:
        """Close in a thread of its own.

        The collector runs in any thread and inside any lock: in an event loop that must not wait, or in the very thread
        whose end closing waits for. For the same reason this is no `threading.Thread`, whose start takes a lock.
        """
        with contextlib.suppress(RuntimeError):  # no thread can be had; the interpreter's exit closes it
            _thread.start_new_thread(self, ())


@atexit.register
def _close_all() -> None:
    for closer in tuple(_open):
        closer()
