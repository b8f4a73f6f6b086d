import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.assembly.clock import SystemClock
from seawall.client.desk import Desk
from seawall.client.spending import Spending
from seawall.core.error import LedgerUnavailable


@pytest.fixture
def spending() -> Iterator[Spending]:
    found = Spending(None, SystemClock())
    yield found
    found.close()


async def _where(desk: Desk) -> tuple[str, int]:
    return threading.current_thread().name, id(desk)


def _undo(desk: Desk, result: object) -> None:
    raise AssertionError((desk, result))


async def test_work_is_done_in_the_one_thread(spending: Spending) -> None:
    found = [await spending.ask(_where, _undo) for _ in range(2)]

    assert found[0] == found[1]
    assert found[0][0] == "seawall-spending"


def test_all_event_loops_have_the_same_desk(spending: Spending) -> None:
    together = threading.Barrier(8)

    def ask(_: int) -> tuple[str, int]:
        together.wait(20)
        return asyncio.run(spending.ask(_where, _undo))

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1


async def test_an_error_goes_to_whoever_asked(spending: Spending) -> None:
    async def fail(desk: Desk) -> None:
        raise ZeroDivisionError(desk)

    with pytest.raises(ZeroDivisionError):
        await spending.ask(fail, _undo)


async def test_who_is_cancelled_at_any_moment_leaves_nothing_behind(spending: Spending) -> None:
    done: list[int] = []
    undone: list[int] = []

    async def work(number: int) -> int:
        await asyncio.sleep(0)
        done.append(number)
        return number

    async def ask(number: int) -> None:
        await spending.ask(lambda _: work(number), lambda _, found: undone.append(found))

    kept = []
    for number in range(200):
        asked = asyncio.ensure_future(ask(number))
        for _ in range(number % 40):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        if not asked.cancelled():
            kept.append(number)
    await spending.ask(_where, _undo)  # after all that was to be undone

    assert sorted([*kept, *undone]) == sorted(done)


async def test_what_waits_when_it_is_closed_is_told(spending: Spending) -> None:
    has_begun = threading.Event()

    async def wait(desk: Desk) -> None:
        del desk
        has_begun.set()
        await asyncio.Event().wait()

    waiting = asyncio.ensure_future(spending.ask(wait, _undo))
    assert await asyncio.to_thread(has_begun.wait, 20)

    await asyncio.to_thread(spending.close)

    with pytest.raises(LedgerUnavailable, match="closed"):
        await waiting


async def test_closed_it_does_nothing(spending: Spending) -> None:
    await spending.ask(_where, _undo)
    await asyncio.to_thread(spending.close)
    await asyncio.to_thread(spending.close)

    spending.soon(lambda desk: _undo(desk, None))
    with pytest.raises(LedgerUnavailable, match="closed"):
        await spending.ask(_where, _undo)


def test_a_loop_that_stops_in_the_middle_has_its_work_undone_once(spending: Spending) -> None:
    has_begun, may_end, is_undone = threading.Event(), threading.Event(), threading.Event()
    undone: list[None] = []

    async def work(desk: Desk) -> None:
        del desk
        has_begun.set()
        await asyncio.to_thread(may_end.wait, 20)

    def undo(desk: Desk, found: None) -> None:
        del desk
        undone.append(found)
        is_undone.set()

    loop = asyncio.new_event_loop()
    asked = loop.create_task(spending.ask(work, undo))
    loop.run_until_complete(asyncio.to_thread(has_begun.wait, 20))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    may_end.set()

    assert is_undone.wait(20)
    asked._log_destroy_pending = False  # type: ignore[attr-defined]  # stopped loops are the test
    asked.get_coro().close()
    spending.close()
    assert undone == [None]


async def test_a_fork_has_its_own(spending: Spending, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = await spending.ask(_where, _undo)
    office = spending._office
    assert office is not None

    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: -1)
        spending.soon(lambda desk: _undo(desk, None))  # settles in a parent's books: nothing happens
        assert (await spending.ask(_where, _undo)) != parents
        await asyncio.to_thread(spending.close)

    await asyncio.to_thread(office.thread.stop)


async def test_a_directory_that_cannot_be_used_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "owners").touch()
    spending = Spending(tmp_path, SystemClock())

    with pytest.raises(LedgerUnavailable, match="owners"):
        await spending.ask(_where, _undo)
    (tmp_path / "owners").unlink()
    assert (await spending.ask(_where, _undo))[0] == "seawall-spending"

    await asyncio.to_thread(spending.close)
