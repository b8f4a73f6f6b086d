"""A thread for a store's steps that goes on until it is told to stop."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class WorkThread(Executor):
    """Do work in one thread, in its order; started by the constructor, ended by `shutdown`.

    The thread pools of the standard library end when the interpreter begins to exit, before anything that was
    registered for the exit is run: what a client leased could not be given back any more. This thread is a daemon, and
    whoever started it ends it.
    """

    def __init__(self, name: str) -> None:
        self._lock = threading.Lock()
        self._is_closed = False
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue work.

        Raises:
            RuntimeError: the thread was stopped.
        """
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                _fulfil(future, lambda: fn(*args, **kwargs))

        with self._lock:
            if self._is_closed:
                raise RuntimeError("the thread was stopped")
            self._work.put(work)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  # as Executor has it; a step of a store is never left out
        """Finish what was queued, and stop; stopping twice is fine."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._work.put(None)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # what it refers to is not kept until there is more to do


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:  # whatever the work gives
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001  # it goes to whoever waits, whatever it is
        future.set_exception(error)
    else:
        future.set_result(result)
