"""Leases on accounts in `ledger.db`, for event loops."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from seawall.core.error import LedgerUnavailable
from seawall.ports.ledger import Grant, Move, Short, Unsettled, Want
from seawall.stores.sqlite.ledger_file import LedgerFile

T = TypeVar("T")
ONE_THREAD: Final = partial(ThreadPoolExecutor, 1)


class SqliteLedger:
    """Implement `Ledger` on one file that the processes of a machine share.

    All work is done in one thread of its own, in the order of the calls, so that no event loop ever waits for a disk.
    Its queue is as long as its callers let it grow: a purse has one lease and one report under way. A step waits two
    seconds for other processes, then fails. `thread` starts that thread, by its name; it is
    stopped by `close`.

    Raises:
        LedgerUnavailable: the file cannot be made or opened, or is no database of this version.
    """

    def __init__(self, path: Path, thread: Callable[[str], Executor] = ONE_THREAD) -> None:
        self._file = LedgerFile(path)
        self._thread = thread("seawall-ledger")

    def close(self) -> None:
        """Finish what was begun, and close the file; closing twice is fine."""
        self._thread.shutdown()
        self._file.close()

    def lease(
        self, owner: str, asked: Sequence[Sequence[Want]], at_s: float
    ) -> "asyncio.Future[Sequence[Grant | Short]]":
        """Serve requests in their order, each in full or not at all, all of them in one step."""
        return self._do(lambda: self._file.lease(owner, asked, at_s))

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> "asyncio.Future[None]":
        """Book what became of leases, once a number; refused for an owner that was buried."""
        return self._do(lambda: self._file.report(owner, number, moves, unsettled, at_s))

    def squeezed(self, owner: str) -> "asyncio.Future[Sequence[str]]":
        """Name the accounts that this owner has a lease on and another came short of."""
        return self._do(lambda: self._file.squeezed(owner))

    def owners(self) -> "asyncio.Future[Sequence[str]]":
        """Name everybody who has a lease."""
        return self._do(self._file.owners)

    def bury(self, owner: str, at_s: float) -> "asyncio.Future[int]":
        """Charge everything that a dead worker still held, as unsettled."""
        return self._do(lambda: self._file.bury(owner, at_s))

    def _do(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Run work in the thread; a cancelled wait does not take it out of the queue."""
        loop = asyncio.get_running_loop()
        try:
            return asyncio.shield(loop.run_in_executor(self._thread, work))
        except RuntimeError as error:  # the thread was stopped
            closed: asyncio.Future[T] = loop.create_future()
            closed.set_exception(LedgerUnavailable(f"the ledger {self._file.path} is closed: {error}"))
            return closed
