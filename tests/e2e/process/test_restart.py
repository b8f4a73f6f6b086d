"""Workers that are replaced, and a gateway that ends, while calls run."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.running import Gateway, until
from tests.e2e.process.wire import LAST_CHUNK, MESSAGES, begin, body_of, call, read_past, read_to_end, request_bytes

pytestmark = pytest.mark.alone

CLIENTS: Final = 50
CALLS: Final = 200


@dataclass
class Crowd:
    """Clients of whom half stream and half do not, each over one connection until its answer says that it ends."""

    port: int
    done: int = 0
    begun: int = 0
    failed: list[str] = field(default_factory=list)
    refused: int = 0
    is_over: bool = False

    async def client(self, *, is_stream: bool) -> None:
        """Call until it is over, or nobody listens any more."""
        while not self.is_over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionError:
                self.refused += 1
                return
            try:
                while await self._call(reader, writer, is_stream=is_stream) and not self.is_over:
                    pass
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.failed.append(repr(error))
            finally:
                writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_stream: bool) -> bool:
        """Make one call and say whether the connection takes another one."""
        writer.write(request_bytes(MESSAGES, body_of(is_stream=is_stream)))
        self.begun += 1
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if is_stream:
            data = await reader.readuntil(b"\r\n" + LAST_CHUNK)
            is_whole = b"event: message_stop" in data
        else:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            is_whole = b'"stop_reason"' in await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200 ") or not is_whole:
            self.failed.append(head.decode())
        self.done += 1
        if b"connection: close" in head:
            return False
        # A stream cannot say so in its head: its connection's end is there as soon as its last chunk, or not at all.
        await asyncio.sleep(0)
        return not reader.at_eof() and not (is_stream and await _ends(reader))

    async def reach(self, count: int) -> None:
        """Wait for so many answers."""
        async with asyncio.timeout(15.0):
            while self.done < count:  # noqa: ASYNC110  # counted by many tasks; none of them knows the sum
                await asyncio.sleep(0.005)


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Say whether the connection ends, for which a careful client looks before it uses it again."""
    try:
        async with asyncio.timeout(0.02):
            return not await reader.read(1)
    except TimeoutError:
        return False


async def test_workers_are_replaced_under_load_and_no_call_notices(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    sandbox.settings = replace(sandbox.settings, output_tokens=20, tokens_per_second=200)
    gateway = serve("--workers", "4")
    before = set(gateway.workers().values())
    crowd = Crowd(gateway.port)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(crowd.client(is_stream=number % 2 == 0))
        await crowd.reach(CALLS)
        gateway.signal(signal.SIGUSR2)
        try:
            await asyncio.to_thread(until, lambda: gateway.logged("rolling restart is over"), "all are replaced", 15.0)
            await crowd.reach(crowd.done + CALLS)
        finally:
            crowd.is_over = True
    after = gateway.workers()
    gateway.signal(signal.SIGTERM)

    assert (crowd.refused, crowd.failed) == (0, [])
    assert sorted(after) == [4, 5, 6, 7]
    assert before.isdisjoint(after.values())
    assert gateway.logged("worker died") == []
    assert gateway.logged("replaced worker did not end in order") == []
    assert gateway.ends() == 0
    assert len(gateway.records()) == crowd.done


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_the_end_under_load_truncates_no_answer(
    sandbox: Sandbox, serve: Callable[..., Gateway], workers: str
) -> None:
    sandbox.settings = replace(sandbox.settings, output_tokens=20, tokens_per_second=200)
    gateway = serve("--workers", workers)
    crowd = Crowd(gateway.port)

    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(crowd.client(is_stream=number % 2 == 0))
        await crowd.reach(CALLS)
        gateway.signal(signal.SIGTERM)
        code = await asyncio.to_thread(gateway.ends)
        crowd.is_over = True

    assert code == 0
    assert crowd.failed == []
    assert crowd.done == crowd.begun
    assert len(gateway.records()) == crowd.done


def test_what_outlives_the_grace_time_ends_with_an_error_that_clients_know(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    sandbox.settings = replace(sandbox.settings, output_tokens=30_000, tokens_per_second=100)
    gateway = serve("--grace", "0.5")
    with begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
        wire = read_past(line, b"content_block_delta")

        gateway.signal(signal.SIGTERM)
        wire += read_to_end(line)

    assert b"event: error" in wire
    assert b"gateway.stopping" in wire
    assert not wire.endswith(LAST_CHUNK)
    assert gateway.ends() == 0
    assert [record.error for record in gateway.records()] == ["gateway.stopping"]


def test_a_single_process_says_that_it_cannot_replace_itself(serve: Callable[..., Gateway]) -> None:
    gateway = serve()

    gateway.signal(signal.SIGUSR2)

    until(lambda: "no rolling restart: start with --workers 2 or more" in gateway.output, "it says so")
    assert call(gateway.port).status == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_process_to_signal_is_named_while_it_lives(serve: Callable[..., Gateway], workers: str) -> None:
    gateway = serve("--workers", workers)
    path = gateway.state_dir / "serve.pid"

    assert int(path.read_text("ascii")) == gateway.popen.pid
    gateway.signal(signal.SIGTERM)

    assert gateway.ends() == 0
    assert not path.exists()
