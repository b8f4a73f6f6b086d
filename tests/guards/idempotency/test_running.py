import asyncio

import pytest

from seawall.core.error import Unavailable
from seawall.guards.idempotency.running import BEAT_S, PURGE_S, KeysInUse, Running
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual
from tests.guards.idempotency.conftest import Process


class Counted(MemoryAnswers):
    """A store that counts what is asked of it, and fails while `is_broken`."""

    def __init__(self) -> None:
        super().__init__()
        self.beats = self.purges = 0
        self.is_broken = False

    def beat(self, owner: str, now_s: float) -> "asyncio.Future[None]":
        self.beats += 1
        if self.is_broken:
            raise Unavailable("the disk is full")
        return super().beat(owner, now_s)

    def purge(self, now_s: float) -> "asyncio.Future[int]":
        self.purges += 1
        return super().purge(now_s)


def _tended(store: Counted, for_s: float, *, is_busy: bool) -> None:
    async def main() -> None:
        keys = KeysInUse(store, LoopClock(), str)
        if is_busy:
            keys.running[b"place"] = Running(b"print")
        tending = asyncio.ensure_future(keys.tend())
        await asyncio.sleep(for_s)
        tending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tending

    run_virtual(main())


def test_a_process_without_keyed_calls_writes_nothing_but_now_and_then_clears_away() -> None:
    store = Counted()

    _tended(store, PURGE_S * 2 + 2 * BEAT_S, is_busy=False)

    assert (store.beats, store.purges) == (0, 2)


def test_a_process_with_keyed_calls_beats_twice_a_second() -> None:
    store = Counted()

    _tended(store, 10.1, is_busy=True)

    assert store.beats == 20


def test_a_store_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    store = Counted()
    store.is_broken = True

    _tended(store, 2.1, is_busy=True)

    assert store.beats == 4
    assert "the disk is full" in caplog.text


def test_every_process_is_an_owner_of_its_own(process: Process) -> None:
    assert process.keys.owner != process.beside().keys.owner
