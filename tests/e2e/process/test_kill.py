"""Processes that are killed: what is lost, and what comes back."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import apsw
import pytest

from tests.e2e.process.running import Gateway, is_running, until
from tests.e2e.process.wire import MESSAGES, body_of, call, request_bytes

pytestmark = pytest.mark.alone

CLIENTS: Final = 12
CALLS_BEFORE: Final = 150
CALLS_AFTER: Final = 300
# What a killed worker may lose, and how much later the kernel may have run its writer on a busy machine.
LOST_S: Final = 0.1
SLACK_S: Final = 0.15


@dataclass
class Load:
    """What many clients have seen: the ids of good answers by connection, with the time at which each was received."""

    port: int
    connections: list[dict[str, float]] = field(default_factory=list)
    broken: list[dict[str, float]] = field(default_factory=list)
    is_over: bool = False

    @property
    def received(self) -> dict[str, float]:
        """Every good answer."""
        return {call_id: at_s for seen in self.connections for call_id, at_s in seen.items()}

    async def client(self) -> None:
        """Call over one connection, and over the next one whenever it breaks."""
        while not self.is_over:
            seen: dict[str, float] = {}
            self.connections.append(seen)
            try:
                await self._converse(seen)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.broken.append(seen)

    async def _converse(self, seen: dict[str, float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            while not self.is_over:
                writer.write(request_bytes(MESSAGES, body_of()))
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = (line.partition(": ") for line in head.split("\r\n")[1:])
                fields = {name.lower(): value for name, _, value in lines}
                await reader.readexactly(int(fields["content-length"]))
                at_s = time.monotonic()
                assert head.startswith("HTTP/1.1 200 "), head
                seen[fields["x-seawall-request-id"]] = at_s
        finally:
            writer.close()

    async def reach(self, count: int) -> None:
        """Wait for so many good answers."""
        async with asyncio.timeout(30.0):
            while len(self.received) < count:  # noqa: ASYNC110  # counted by a dozen tasks; none of them knows the sum
                await asyncio.sleep(0.005)


def _lines(gateway: Gateway, slot: int) -> Iterator[str]:
    """Give the ids in the lines that one worker has written."""
    for path in (gateway.state_dir / "journal").glob(f"calls-*.{slot}.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # it is being written, or was torn
                yield json.loads(line)["id"]


def _check_files(gateway: Gateway) -> None:
    for path in (gateway.state_dir / "journal").glob("calls-*.db"):
        with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as db:
            assert db.pragma("integrity_check") == "ok"
    assert list((gateway.state_dir / "journal").glob("*corrupt*")) == []


@dataclass(frozen=True)
class Kill:
    """Which worker was killed when, and when its slot was seen to have another, which had not begun to serve."""

    slot: int
    at_s: float
    back_s: float


async def _kill_one(gateway: Gateway, load: Load) -> Kill:
    """Kill the busiest worker under load, and wait until its slot has another and much more was answered."""
    await load.reach(CALLS_BEFORE)
    workers = await asyncio.to_thread(gateway.workers)
    slot = max(workers, key=lambda slot: len(list(_lines(gateway, slot))))
    at_s = time.monotonic()
    os.kill(workers[slot], signal.SIGKILL)

    def is_back() -> bool:
        return gateway.workers().get(slot, workers[slot]) != workers[slot]

    await asyncio.to_thread(until, is_back, "the slot has a worker again")
    kill = Kill(slot, at_s, time.monotonic())
    await load.reach(len(load.received) + CALLS_AFTER)
    return kill


async def test_a_killed_worker_loses_the_last_instant_of_its_own_records_and_nothing_else(
    serve: Callable[..., Gateway],
) -> None:
    gateway = serve("--workers", "3")
    load = Load(gateway.port)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(load.client())
        kill = await _kill_one(gateway, load)
        load.is_over = True
    gateway.signal(signal.SIGTERM)
    code = gateway.ends()

    recorded = {record.id for record in gateway.records()}
    missing = load.received.keys() - recorded
    of_the_killed = {call_id for seen in load.broken for call_id in seen}
    meanwhile = {call_id for call_id, at_s in load.received.items() if kill.at_s < at_s < kill.back_s}
    assert code == 0
    assert of_the_killed
    assert meanwhile - of_the_killed  # the others go on
    assert missing <= of_the_killed
    assert [call_id for call_id in missing if load.received[call_id] < kill.at_s - LOST_S - SLACK_S] == []
    assert of_the_killed - missing <= set(_lines(gateway, kill.slot))
    assert [entry["slot"] for entry in gateway.logged("worker died")] == [kill.slot]
    _check_files(gateway)


def test_after_everything_was_killed_the_next_start_goes_on(serve: Callable[..., Gateway]) -> None:
    first = serve("--workers", "3")
    before = {call(first.port).id for _ in range(20)}
    first.recorded(len(before))
    orphans = first.workers().values()

    first.signal(signal.SIGKILL)
    first.ends()
    second = serve("--workers", "3")  # while the orphans may still live
    after = {call(second.port).id for _ in range(20)}

    until(lambda: not any(map(is_running, orphans)), "workers without a supervisor end")
    second.recorded(len(before) + len(after))
    assert {record.id for record in second.records()} == before | after
    _check_files(second)


def test_after_a_single_process_was_killed_amid_calls_the_next_start_goes_on(serve: Callable[..., Gateway]) -> None:
    first = serve()
    before = {call(first.port).id for _ in range(20)}

    first.signal(signal.SIGKILL)
    first.ends()
    lost = before - {record.id for record in first.records()}
    second = serve()
    after = {call(second.port).id for _ in range(20)}

    second.recorded(len(before - lost) + len(after))
    assert {record.id for record in second.records()} == (before - lost) | after
    assert set(_lines(second, 0)) >= after
    _check_files(second)
