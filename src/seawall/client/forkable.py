"""The stores of a state directory, closed while the process forks."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from seawall.client.fork import close_in_forks
from seawall.client.work_thread import WorkThread
from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket
from seawall.ports.buckets import Taken, Wait
from seawall.ports.ledger import Grant, Move, Short, Unsettled, Want
from seawall.stores.sqlite.buckets import FILE_NAME as BUCKETS
from seawall.stores.sqlite.buckets import SqliteBuckets
from seawall.stores.sqlite.ledger import SqliteLedger
from seawall.stores.sqlite.ledger_schema import FILE_NAME as LEDGER


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T")
Store = TypeVar("Store", bound=_Closable)


class Reopened(Generic[Store]):
    """Hold a store that is opened by its first step, closed by a fork, and opened again by the next step.

    Belongs to one event loop, but for the forks.
    """

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make
        self.lock = threading.Lock()
        self._store: Store | None = None
        self._is_closed = False
        close_in_forks(self)

    def take(self, step: Callable[[Store], Awaitable[T]]) -> Awaitable[T]:
        """Begin a step; a store that cannot be opened is a step that fails."""
        try:
            with self.lock:
                return step(self._opened())
        except LedgerUnavailable as error:
            failed: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def take_surely(self, step: Callable[[Store], Awaitable[T]]) -> T:
        """Take a step, and once more where a fork came between its beginning and its turn."""
        store = self._store
        try:
            return await self.take(step)
        except LedgerUnavailable:
            if store is None or store is self._store:
                raise
            return await self.take(step)

    def close(self) -> None:
        """Close it for good; closing twice is fine."""
        with self.lock:
            self._is_closed = True
            self.leave()

    def leave(self) -> None:
        """Finish what was begun and close the store; whoever calls this has the lock."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _opened(self) -> Store:
        if self._is_closed:
            raise LedgerUnavailable("the client is closed")
        if self._store is None:
            self._store = self._make()
        return self._store


class ForkableLedger:
    """Implement `Ledger` on the ledger of a state directory, as `SqliteLedger` does."""

    def __init__(self, state_dir: Path) -> None:
        self._stores = Reopened(lambda: SqliteLedger(state_dir / LEDGER, WorkThread))
        self.close = self._stores.close

    def lease(self, owner: str, asked: Sequence[Sequence[Want]], at_s: float) -> Awaitable[Sequence[Grant | Short]]:
        """Serve requests in their order, each in full or not at all."""
        return self._stores.take(lambda ledger: ledger.lease(owner, asked, at_s))

    def report(
        self, owner: str, number: int, moves: Sequence[Move], unsettled: Sequence[Unsettled], at_s: float
    ) -> Awaitable[None]:
        """Book what became of leases, once a number."""
        return self._stores.take(lambda ledger: ledger.report(owner, number, moves, unsettled, at_s))

    def squeezed(self, owner: str) -> Awaitable[Sequence[str]]:
        """Name the accounts that this owner has a lease on and another came short of."""
        return self._stores.take(lambda ledger: ledger.squeezed(owner))

    def owners(self) -> Awaitable[Sequence[str]]:
        """Name everybody who has a lease."""
        return self._stores.take(lambda ledger: ledger.owners())

    def bury(self, owner: str, at_s: float) -> Awaitable[int]:
        """Charge everything that a dead worker still held, as unsettled."""
        return self._stores.take(lambda ledger: ledger.bury(owner, at_s))


class ForkableBuckets:
    """Implement `Buckets` on the buckets of a state directory, as `SqliteBuckets` does."""

    def __init__(self, state_dir: Path) -> None:
        self._stores = Reopened(lambda: SqliteBuckets(state_dir / BUCKETS, thread=WorkThread))
        self.close = self._stores.close

    def take(self, bucket: Bucket, least: int, most: int, at_s: float) -> Awaitable[Taken | Wait]:
        """Take units, or say when there will be enough."""
        return self._stores.take_surely(lambda buckets: buckets.take(bucket, least, most, at_s))

    def put_back(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[None]:
        """Give units back."""
        return self._stores.take_surely(lambda buckets: buckets.put_back(bucket, units, at_s))

    def charge(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[None]:
        """Count units that were used already."""
        return self._stores.take_surely(lambda buckets: buckets.charge(bucket, units, at_s))

    def look(self, bucket: Bucket, units: int, at_s: float) -> Awaitable[float]:
        """Say when there will be enough."""
        return self._stores.take_surely(lambda buckets: buckets.look(bucket, units, at_s))
