"""The thread in which a client's money is counted, and the way there from any event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from seawall.client.desk import Desk
from seawall.client.loop_thread import LoopThread
from seawall.core.error import LedgerUnavailable
from seawall.ports.clock import Clock

T = TypeVar("T")


class Spending:
    """Keep one desk for all event loops of a client; safe from any loop and any thread.

    A purse has to be tended for as long as it has leases, or others come short of what it does not need; the loops of
    an application run when their owner lets them, and stop without a word. So the desk has a thread with a loop of its
    own. It starts with the first call that a budget or a limit counts, and anew in a process that was forked since.
    """

    def __init__(self, state_dir: Path | None, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._office: _Office | None = None
        self._left_behind: list[_Office] = []
        self._is_closed = False

    async def ask(self, work: Callable[[Desk], Awaitable[T]], undo: Callable[[Desk, T], None]) -> T:
        """Have work done at the desk and wait for its result.

        Who is cancelled meanwhile gets nothing: the work is cancelled, and `undo` is given what came of it all the
        same.

        Raises:
            LedgerUnavailable: the state directory cannot be used, or the client is closed.
            Exception: what the work raises.
        """
        office = self._running()
        errand = _Errand(work, undo, asyncio.get_running_loop())
        if not office.thread.soon(partial(errand.begin, office)):
            raise _closed()
        try:
            return await errand.answer
        except BaseException:
            office.thread.soon(errand.give_up)
            raise

    def soon(self, work: Callable[[Desk], None]) -> None:
        """Have something done at the desk, after what was asked before, without waiting; a closed desk does nothing.

        Takes no lock, as the garbage collector may be the one who calls.
        """
        office = self._office
        if office is not None:
            office.thread.soon(lambda: office.do(work))

    def close(self) -> None:
        """Report what was spent, give back what was not, and stop the thread; closing twice is fine."""
        with self._lock:
            self._is_closed = True
            found, self._office = self._office, None
        if found is not None and found.thread.is_ours:
            found.thread.stop()

    def _running(self) -> "_Office":
        found = self._office
        if found is not None and found.thread.is_ours:
            return found
        with self._lock:
            if self._is_closed:
                raise _closed()
            found = self._office
            if found is not None and found.thread.is_ours:
                return found  # another thread was quicker
            if found is not None:
                self._left_behind.append(found)  # the parent's loop; collecting it would warn of its sockets
            self._office = _Office(self._state_dir, self._clock)
            return self._office


class _Office:
    """A thread and the desk on its loop, which is opened by whoever is the first to need it."""

    def __init__(self, state_dir: Path | None, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._desk: Desk | None = None
        self.thread = LoopThread("seawall-spending")
        self.thread.at_end(self._close)

    def desk(self) -> Desk:
        """Give the desk; runs on the thread's loop, as all that follows."""
        if self._desk is None:
            self._desk = Desk(self._state_dir, self._clock)
        return self._desk

    def do(self, work: Callable[[Desk], None]) -> None:
        if self._desk is not None:
            work(self._desk)

    async def _close(self) -> None:
        if self._desk is not None:
            await self._desk.aclose()


class _Errand(Generic[T]):
    """Something to be done at the desk. `answer` belongs to whoever waits; the rest to the desk's loop."""

    def __init__(
        self,
        work: Callable[[Desk], Awaitable[T]],
        undo: Callable[[Desk, T], None],
        home: asyncio.AbstractEventLoop,
    ) -> None:
        self._work = work
        self._undo = undo
        self._home = home
        self.answer: asyncio.Future[T] = home.create_future()
        self._desk: Desk | None = None
        self._task: asyncio.Task[T] | None = None

    def begin(self, office: _Office) -> None:
        """Start the work; what it gives goes home."""
        self._task = asyncio.get_running_loop().create_task(self._run(office))
        self._task.add_done_callback(self._send)

    def give_up(self) -> None:
        """Stop the work, or undo what it did, once: a loop that was closed and whoever waited on it both give up."""
        task, self._task = self._task, None
        if task is not None and not task.cancel() and not task.cancelled() and task.exception() is None:
            self._take_back(task.result())

    async def _run(self, office: _Office) -> T:
        desk = self._desk = office.desk()
        return await self._work(desk)

    def _send(self, task: "asyncio.Task[T]") -> None:
        try:
            self._home.call_soon_threadsafe(self._arrive, task)
        except RuntimeError:  # the loop was closed, and nobody waits any more
            self.give_up()

    def _arrive(self, task: "asyncio.Task[T]") -> None:
        """Tell whoever waits, on his own loop. Who does not wait any more gives the errand up himself."""
        if self.answer.done():
            return
        if task.cancelled():
            self.answer.set_exception(_closed())
        elif (error := task.exception()) is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(task.result())

    def _take_back(self, result: T) -> None:
        if self._desk is not None:
            self._undo(self._desk, result)


def _closed() -> LedgerUnavailable:
    return LedgerUnavailable("the client is closed and books no spending any more")
