import asyncio
import signal
from pathlib import Path

import pytest

from seawall.gateway.options import Ports, ServeOptions
from seawall.gateway.supervisor import listen
from seawall.gateway.worker_process import WorkerProcess

pytestmark = pytest.mark.e2e


async def _start(state_dir: Path) -> WorkerProcess:
    options = ServeOptions(policy=None, state_dir=state_dir, insecure_dev=True, sandbox_url="http://127.0.0.1:9")
    with listen("127.0.0.1", 0) as data:  # the worker has its own hold on the socket by then
        return await WorkerProcess.start(options, Ports(data, None), 0, lambda: None)


async def test_process_says_when_it_serves_and_how_it_ended(tmp_path: Path) -> None:
    worker = await _start(tmp_path)
    worker.reload()  # kept until it serves

    await worker.settled.wait()
    serves = worker.is_serving
    worker.end()
    worker.end()  # once is what it hears
    await worker.ended.wait()

    assert serves
    assert not worker.is_serving
    assert worker.code == 0


async def test_process_that_cannot_start_is_settled_by_its_end(tmp_path: Path) -> None:
    (tmp_path / "pepper").mkdir()  # where a worker wants a file
    worker = await _start(tmp_path)

    await worker.settled.wait()
    await worker.ended.wait()

    assert not worker.is_serving
    assert worker.code == 1


async def test_killed_process_has_a_signal_for_a_code(tmp_path: Path) -> None:
    worker = await _start(tmp_path)

    worker.kill()
    await worker.ended.wait()

    assert worker.code == -signal.SIGKILL
    worker.end()  # nobody is there to hear it
    await asyncio.sleep(0)
