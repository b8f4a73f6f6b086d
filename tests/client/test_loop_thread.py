import asyncio
import contextvars
import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from seawall.client.loop_thread import ClosedError, LoopThread

NAME = "seawall-loop-of-a-test"


async def _forever() -> None:
    await asyncio.Event().wait()


async def _name_of_thread() -> str:
    return threading.current_thread().name


def test_coroutines_run_in_the_one_thread() -> None:
    thread = LoopThread(NAME)

    assert [thread.call(_name_of_thread) for _ in range(2)] == [NAME, NAME]
    thread.stop()


def test_an_error_goes_to_the_caller() -> None:
    thread = LoopThread(NAME)

    async def fail() -> None:
        raise ValueError("of the coroutine")

    with pytest.raises(ValueError, match="of the coroutine"):
        thread.call(fail)
    thread.stop()


def test_the_callers_context_goes_with_the_call() -> None:
    thread = LoopThread(NAME)
    variable = contextvars.ContextVar("variable", default="unset")

    async def read() -> str:
        return variable.get()

    token = variable.set("set by the caller")
    assert thread.call(read) == "set by the caller"
    variable.reset(token)
    thread.stop()


def test_stopping_frees_whoever_waits() -> None:
    thread = LoopThread(NAME)
    has_begun = threading.Event()

    async def wait() -> None:
        has_begun.set()
        await _forever()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(thread.call, wait)
        assert has_begun.wait(10)
        thread.stop()

        assert isinstance(waiting.exception(10), ClosedError)


def test_calls_that_race_with_the_stop_end_one_way_or_the_other() -> None:
    for _ in range(20):
        thread = LoopThread(NAME)
        together = threading.Barrier(5)

        def call(running: LoopThread = thread, start: threading.Barrier = together) -> str:
            start.wait(20)
            try:
                return running.call(_name_of_thread)
            except ClosedError:
                return "closed"

        with ThreadPoolExecutor(4) as threads:
            calls = [threads.submit(call) for _ in range(4)]
            together.wait(20)
            thread.stop()
            assert {found.result(10) for found in calls} <= {NAME, "closed"}


def test_a_stopped_thread_takes_nothing() -> None:
    thread = LoopThread(NAME)
    called: list[str] = []
    thread.stop()
    thread.stop()

    with pytest.raises(ClosedError):
        thread.call(_forever)
    thread.soon(lambda: called.append("soon"))

    assert called == []


def test_what_is_to_be_done_at_the_end_is_done_before_it() -> None:
    thread = LoopThread(NAME)
    done: list[str] = []

    async def at_end() -> None:
        done.append(await _name_of_thread())

    thread.at_end(at_end)
    thread.stop()

    assert done == [NAME]


def test_it_may_be_stopped_from_inside() -> None:
    thread = LoopThread(NAME)

    thread.soon(thread.stop)  # as the garbage collector might, which runs in any thread
    thread._thread.join(10)

    assert not thread._thread.is_alive()


def test_a_thread_of_another_process_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    thread = LoopThread(NAME)
    called: list[str] = []

    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: -1)
        assert not thread.is_ours
        with pytest.raises(ClosedError, match="forked"):
            thread.call(_forever)
        thread.soon(lambda: called.append("soon"))
    thread.stop()

    assert called == []


def test_a_stopped_thread_leaves_nothing_behind() -> None:
    thread = LoopThread(NAME)
    loop = weakref.ref(thread._loop)
    thread.stop()
    assert thread._loop.is_closed()

    del thread
    gc.collect()

    assert loop() is None
