"""Processes that are killed: what is lost, and what comes back."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import apsw
import pytest

from tests.e2e.process.running import Gateway, is_running, until
from tests.e2e.process.wire import MESSAGES, body_of, call, request_bytes

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
    refused: int = 0
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
            yield json.loads(line)["id"]


def _check_files(gateway: Gateway) -> None:
    for path in (gateway.state_dir / "journal").glob("calls-*.db"):
        with apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY) as db:
            assert db.pragma("integrity_check") == "ok"
    assert list(Path(gateway.state_dir / "journal").glob("*corrupt*")) == []


async def _kill_one(gateway: Gateway, load: Load) -> tuple[int, float]:
    """Kill the busiest worker under load, and wait until its slot serves again; give the slot and the time."""
    await load.reach(CALLS_BEFORE)
    workers = await asyncio.to_thread(gateway.workers)
    slot = max(workers, key=lambda slot: len(list(_lines(gateway, slot))))
    killed_s = time.monotonic()
    os.kill(workers[slot], signal.SIGKILL)
    at_kill = len(load.received)
    await asyncio.to_thread(
        until, lambda: slot in (now := gateway.workers()) and now[slot] != workers[slot], "the slot has a worker again"
    )
    await load.reach(at_kill + CALLS_AFTER)
    return slot, killed_s


@pytest.mark.timeout(60)
async def test_a_killed_worker_loses_the_last_instant_of_its_own_records_and_nothing_else(
    serve: Callable[..., Gateway],
) -> None:
    gateway = serve("--workers", "3")
    load = Load(gateway.port)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(load.client())
        slot, killed_s = await _kill_one(gateway, load)
        load.is_over = True
    gateway.signal(signal.SIGTERM)
    code = gateway.ends()

    recorded = {record.id for record in gateway.records()}
    missing = load.received.keys() - recorded
    of_the_killed = {call_id for seen in load.broken for call_id in seen}
    assert code == 0
    assert 0 < len(load.broken) < CLIENTS
    assert missing <= of_the_killed
    assert [call_id for call_id in missing if load.received[call_id] < killed_s - LOST_S - SLACK_S] == []
    assert of_the_killed - missing <= set(_lines(gateway, slot))
    assert [entry["slot"] for entry in gateway.logged("worker died")] == [slot]
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
    assert {call_id for slot in [0] for call_id in _lines(second, slot)} >= after
    _check_files(second)
