import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seawall.guards.breaker.register import Breakers, way_of
from seawall.guards.breaker.rule import Breaker, Outcome, State
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.breaker.sharing import RENEW_S, share
from seawall.ports.board import Board
from seawall.stores.files.board import FileBoard
from seawall.stores.memory.board import MemoryBoard
from seawall.testing.clock import FakeClock, LoopClock
from seawall.testing.virtual_loop import run_virtual

SETTINGS = BreakerSettings(min_calls=1, open_s=10.0, probes=1)


def _of(breakers: Breakers) -> Breaker:
    return breakers.of("p/m", SETTINGS, way_of(SETTINGS))


def _break(breakers: Breakers, now_s: float) -> None:
    permit = _of(breakers).admit(now_s)
    assert permit is not None
    _of(breakers).report(permit, Outcome.FAILED, now_s)


async def _two(boards: tuple[Board, Board], meanwhile: Callable[[Breakers, Breakers], Awaitable[None]]) -> None:
    clock, one, two = LoopClock(), Breakers(lambda: 0.0), Breakers(lambda: 0.0)
    _of(one), _of(two)
    async with asyncio.TaskGroup() as group:
        chores = [group.create_task(share(b, board, clock)) for b, board in zip((one, two), boards, strict=True)]
        await asyncio.sleep(0.1)
        await meanwhile(one, two)
        for chore in chores:
            chore.cancel()


def _memory(tmp_path: Path) -> tuple[Board, Board]:
    del tmp_path
    board = MemoryBoard()
    return board, board.beside()


def _files(tmp_path: Path) -> tuple[Board, Board]:
    clock = FakeClock()  # which can be read in a thread, unlike the loop's
    return FileBoard(tmp_path, 0, clock), FileBoard(tmp_path, 1, clock)


@pytest.mark.parametrize("make", [_memory, _files], ids=["memory", "files"])
def test_the_others_hear_of_an_opening_within_a_second(
    make: Callable[[Path], tuple[Board, Board]], tmp_path: Path
) -> None:
    async def meanwhile(one: Breakers, two: Breakers) -> None:
        _break(one, 0.1)
        await asyncio.sleep(0.6)
        assert _of(two).state is State.OPEN
        assert _of(two).opens_in_s(0.7) == pytest.approx(9.4)

    run_virtual(_two(make(tmp_path), meanwhile))


def test_isolation_and_its_end_reach_the_others() -> None:
    async def meanwhile(one: Breakers, two: Breakers) -> None:
        one.isolate("p/m", 1.0)
        await asyncio.sleep(0.6)
        assert [state.state for state in two.states(0.0)] == ["isolated"]
        two.release("p/m", 2.0)
        await asyncio.sleep(0.6)
        assert [state.state for state in one.states(0.0)] == ["closed"]

    board = MemoryBoard()
    run_virtual(_two((board, board.beside()), meanwhile))


class Counting(MemoryBoard):
    """A board that counts what is published, and on which somebody else leaves garbage."""

    def __init__(self) -> None:
        super().__init__()
        self.published = 0

    def publish(self, notice: bytes) -> None:
        self.published += 1
        super().publish(notice)


def test_what_is_not_new_is_published_now_and_then() -> None:
    board = Counting()

    async def meanwhile(one: Breakers, two: Breakers) -> None:
        del one, two
        await asyncio.sleep(2.5 * RENEW_S)
        assert board.published == 3

    run_virtual(_two((board, board.beside()), meanwhile))


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"\xff", b'{"opened":[{"target":1}]}'])
def test_garbage_is_passed_over(garbage: bytes) -> None:
    board = MemoryBoard()
    board.beside().publish(garbage)

    async def meanwhile(one: Breakers, two: Breakers) -> None:
        _break(one, 0.1)
        await asyncio.sleep(0.6)
        assert _of(two).state is State.OPEN

    run_virtual(_two((board, board.beside()), meanwhile))
