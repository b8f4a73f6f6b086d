import asyncio
import logging
import os

import pytest

from seawall.gateway.worker import Chores, _stop_when_orphaned


async def test_chores_end_when_they_are_closed() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    chores = Chores()
    chores.begin(work(), "work")
    await asyncio.sleep(0)
    await chores.aclose()

    assert ended == ["work"]


async def test_chore_that_fails_says_so_and_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    failed, other = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise ZeroDivisionError

    async def go_on() -> None:
        await failed.wait()
        other.set()

    chores = Chores()
    with caplog.at_level(logging.ERROR):
        chores.begin(fail(), "policy watch")
        chores.begin(go_on(), "other")
        await other.wait()
    await chores.aclose()

    assert "policy watch failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_worker_whose_supervisor_is_gone_stops() -> None:
    stop = asyncio.Event()

    await _stop_when_orphaned(stop, parent=os.getppid() + 1)

    assert stop.is_set()
