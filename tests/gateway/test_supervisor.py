import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from seawall.gateway.options import Ports, ServeOptions
from seawall.gateway.supervisor import Supervisor, listen

pytestmark = pytest.mark.e2e


class Running:
    """A supervisor in this process, with workers in processes of their own."""

    def __init__(self, state_dir: Path) -> None:
        self.data = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.data.getsockname()[1]}/healthz"
        self.is_ready = asyncio.Event()
        options = ServeOptions(
            policy=None, state_dir=state_dir, workers=2, insecure_dev=True, sandbox_url="http://127.0.0.1:9"
        )
        self.supervisor = Supervisor(options, Ports(self.data, None))
        self.task: asyncio.Task[int] | None = None

    def begin(self) -> "asyncio.Task[int]":
        """Start the workers."""
        self.task = asyncio.ensure_future(self.supervisor.run(self.is_ready.set))
        return self.task

    @property
    def workers(self) -> list[int]:
        """The workers' process ids, by slot."""
        return [slot.process.pid for slot in self.supervisor._slots if slot.process is not None]  # no other way to know

    async def health(self) -> int:
        """Ask whichever worker takes the call."""
        async with httpx2.AsyncClient() as client:
            return (await client.get(self.url)).status_code


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    started = Running(tmp_path)
    yield started
    if started.task is not None and not started.task.done():
        os.kill(os.getpid(), signal.SIGTERM)
        await started.task
    started.data.close()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)


async def _until(look: Callable[[], bool]) -> None:
    """Let other processes get on with it; the test's own timeout bounds the wait."""
    while not look():  # noqa: ASYNC110  # what is waited for happens in another process
        await asyncio.sleep(0.01)


async def test_workers_serve_and_end_in_order(running: Running) -> None:
    task = running.begin()
    await running.is_ready.wait()

    assert await running.health() == 200
    os.kill(os.getpid(), signal.SIGTERM)

    assert await task == 0


async def test_killed_worker_comes_back_in_its_slot(running: Running) -> None:
    running.begin()
    await running.is_ready.wait()
    first, second = running.workers

    os.kill(first, signal.SIGKILL)
    assert await running.health() == 200
    await _until(lambda: running.workers[0] != first and all(slot.is_ready for slot in running.supervisor._slots))

    assert running.workers[1] == second
    assert await running.health() == 200


async def test_reload_reaches_a_worker_that_is_still_starting(running: Running) -> None:
    running.begin()
    await _until(lambda: len(running.workers) == 2)

    os.kill(os.getpid(), signal.SIGHUP)
    before = running.workers
    await running.is_ready.wait()
    os.kill(os.getpid(), signal.SIGHUP)

    assert await running.health() == 200
    assert running.workers == before, "no worker died of it"


async def test_start_that_lacks_something_ends_instead_of_trying_for_ever(running: Running, tmp_path: Path) -> None:
    (tmp_path / "pepper").mkdir()  # where a worker wants a file

    code = await running.begin()

    assert code == 1
    assert not running.is_ready.is_set()


async def test_second_signal_ends_at_once(running: Running) -> None:
    task = running.begin()
    await running.is_ready.wait()
    for pid in running.workers:
        os.kill(pid, signal.SIGSTOP)  # it will not listen to the first

    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)

    assert await task == 1


def test_taken_address_is_an_error_and_leaves_nothing_open() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_address_of_either_family_is_listened_on() -> None:
    with listen("127.0.0.1", 0) as four:
        assert four.family == socket.AF_INET
        assert not four.getblocking()
    if socket.has_ipv6:
        with listen("::1", 0) as six:
            assert six.family == socket.AF_INET6
