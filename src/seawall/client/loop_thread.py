"""An event loop in a thread of its own, for callers that have none."""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

JOIN_S: Final = 5.0


class ClosedError(RuntimeError):
    """The thread is stopped, was stopped while the caller waited, or runs in another process."""


async def _nothing() -> None:
    pass


class LoopThread:
    """Run coroutines for other threads; started by the constructor, ended by `stop`.

    The thread is a daemon, so that an interpreter that exits without `stop` does not wait for it.
    """

    def __init__(self, name: str) -> None:
        self._process = os.getpid()
        self._at_end: Callable[[], Awaitable[None]] = _nothing
        # Reentrant, as the garbage collector may drop a stream in the middle of a call.
        self._lock = threading.RLock()
        self._is_stopping = False
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_ours(self) -> bool:
        """Say whether the thread belongs to this process, and not to the one that this was forked from."""
        return self._process == os.getpid()

    def at_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Have something awaited on the loop when it is stopped, before what still runs is cancelled."""
        self._at_end = work

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine on the loop and wait for its result; an interrupt of the waiting thread cancels it.

        Raises:
            ClosedError: there is no such thread, or it was stopped meanwhile.
            Exception: what the coroutine raises.
        """
        if not self.is_ours:
            raise ClosedError("the client's thread runs in the process that this one was forked from")
        with self._lock:
            # Under the lock, so that what is handed over comes before the stop and is not forgotten.
            if self._is_stopping:
                raise ClosedError("the client is closed")
            future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise ClosedError("the client was closed meanwhile") from None
        except BaseException:
            future.cancel()
            raise

    def soon(self, work: Callable[[], None]) -> bool:
        """Have a function called on the loop, without waiting; False where there is no loop, and nothing is called."""
        if self.is_ours:
            with self._lock:
                if not self._is_stopping:
                    self._loop.call_soon_threadsafe(work)
                    return True
        return False

    def stop(self) -> None:
        """End the loop, and wait for the thread for a few seconds; stopping twice is fine."""
        with self._lock:
            if not self._is_stopping:
                self._is_stopping = True
                self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread.ident != threading.get_ident():
            self._thread.join(JOIN_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        await self._stopped.wait()
        await self._at_end()
