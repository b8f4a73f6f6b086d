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
        return [
            place.worker.pid for place in self.supervisor._places if place.worker is not None
        ]  # no other way to know

    @property
    def serving(self) -> list[bool]:
        """Whether the workers serve, by place."""
        return [place.worker is not None and place.worker.is_serving for place in self.supervisor._places]

    @property
    def slots(self) -> list[int]:
        """The workers' slot numbers, by place."""
        return [place.worker.slot for place in self.supervisor._places if place.worker is not None]

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
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
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
    await _until(lambda: running.workers[0] != first and all(running.serving))

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


async def test_roll_replaces_each_worker_and_the_next_one_brings_the_numbers_back(running: Running) -> None:
    running.begin()
    await running.is_ready.wait()
    seen = [running.workers]

    for slots in ([2, 3], [0, 1]):
        os.kill(os.getpid(), signal.SIGUSR2)
        await _until(lambda slots=slots: running.slots == slots and not running.supervisor._is_rolling)  # type: ignore[misc]  # bound at once
        seen.append(running.workers)
        assert await running.health() == 200

    assert len({pid for pids in seen for pid in pids}) == 6
    assert len(running.supervisor._alive) == 2


async def test_replacement_that_fails_leaves_the_old_ones_and_ends_the_roll(
    running: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    running.begin()
    await running.is_ready.wait()
    before = running.workers
    (tmp_path / "pepper").unlink()
    (tmp_path / "pepper").mkdir()  # where a worker wants a file

    os.kill(os.getpid(), signal.SIGUSR2)
    await _until(lambda: running.supervisor._is_rolling)
    await _until(lambda: not running.supervisor._is_rolling)

    assert "replacement failed, the old worker stays and the rolling restart ends" in capfd.readouterr().err
    assert running.workers == before
    assert all(running.serving)
    assert await running.health() == 200


async def test_second_request_amid_a_roll_is_one_more_roll(running: Running) -> None:
    running.begin()
    await running.is_ready.wait()

    os.kill(os.getpid(), signal.SIGUSR2)
    await _until(lambda: running.supervisor._is_rolling)
    os.kill(os.getpid(), signal.SIGUSR2)
    os.kill(os.getpid(), signal.SIGUSR2)
    await _until(lambda: running.slots == [2, 3])
    await _until(lambda: not running.supervisor._is_rolling)

    assert running.slots == [0, 1]


async def test_stop_amid_a_roll_ends_everybody_in_order(running: Running) -> None:
    task = running.begin()
    await running.is_ready.wait()

    os.kill(os.getpid(), signal.SIGUSR2)
    await _until(lambda: len(running.supervisor._alive) == 3)
    os.kill(os.getpid(), signal.SIGTERM)

    assert await task == 0
    assert running.supervisor._alive == set()


async def test_worker_that_dies_while_its_replacement_starts_is_replaced(running: Running) -> None:
    running.begin()
    await running.is_ready.wait()
    first, _ = running.workers

    os.kill(os.getpid(), signal.SIGUSR2)
    await _until(lambda: len(running.supervisor._alive) == 3)
    os.kill(first, signal.SIGKILL)
    await _until(lambda: running.slots == [2, 3] and not running.supervisor._is_rolling)

    assert len(running.supervisor._alive) == 2
    assert await running.health() == 200


async def test_roll_before_all_serve_is_refused(running: Running, capfd: pytest.CaptureFixture[str]) -> None:
    running.begin()
    await _until(lambda: len(running.workers) == 2)

    os.kill(os.getpid(), signal.SIGUSR2)
    await running.is_ready.wait()

    assert "no rolling restart: the gateway starts or stops" in capfd.readouterr().err
    assert running.slots == [0, 1]


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
