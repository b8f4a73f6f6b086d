"""Calls with an idempotency key whose client leaves, over a connection."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Final

import pytest

from seawall.assembly.build import House
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.gateway.app import Gateway
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from tests.assembly.conftest import GUEST, plan, policy
from tests.gateway.conftest import Served, post
from tests.pipeline.conftest import frames_of
from tests.scene import Records, Scene, target

FRAMES: Final = frames_of("anthropic/text.sse")
SLOW: Final = Script([step for frame in FRAMES for step in (frame, Pause(1.0))][:-1])


@dataclass
class Street:
    """A gateway before a scripted provider, with as many clients as come."""

    upstream: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    records: Records = field(default_factory=Records)

    def __post_init__(self) -> None:
        keys = KeysInUse(MemoryAnswers(), LoopClock(), str)
        journal = JournalGuard(self.records, JournalSettings(str, str))
        house = House(journal, Scene(upstream=self.upstream).outlet(), keys=keys)

        def enter(policy: CompiledPolicy) -> Entry:
            return Entry(policy, house, None, GUEST)

        live = Live(lambda: policy(plan("/ai/chat", target())), enter)
        self.kennel = Kennel(asyncio.get_running_loop())
        self.gateway = Gateway(live, self.kennel, LoopClock(), str)

    def ask(self, *, stream: bool) -> Served:
        """Make a call on a connection of its own."""
        served = Served(self.gateway.handle)
        body = json.dumps({"model": "m", "max_tokens": 9, "messages": [], "stream": stream}).encode()
        served.feed(post(body, "Idempotency-Key: key-1", path="/ai/chat"))
        return served


async def _over(*clients: Served) -> None:
    for client in clients:
        while client.tasks:
            await asyncio.wait(client.tasks)
        assert client.faults == []


def _body(served: Served, *, stream: bool) -> bytes:
    """Read the one answer, which must be complete."""
    if not stream:
        (answer,) = served.answers
        return answer.body
    _, _, rest = bytes(served.wire.sent).partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body, rest = body + rest[:length], rest[length + 2 :]
    assert length == 0, "the stream was cut"
    return body


@pytest.mark.parametrize("is_reading", [True, False])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_outlives_its_client_and_serves_the_next(stream: bool, is_reading: bool) -> None:
    street = Street()
    street.upstream.expect([SLOW if stream else Script((Pause(5.0), b'{"type":"message","content":[]}'))])
    gone = street.ask(stream=stream)
    gone.wire.is_taken = is_reading
    joined = street.ask(stream=stream)
    await asyncio.sleep(2.5)

    gone.wire.abort()
    await _over(gone, joined)
    later = street.ask(stream=stream)
    await _over(later)

    assert len(street.upstream.requests) == 1
    assert _body(joined, stream=stream) == _body(later, stream=stream)
    assert not stream or _body(joined, stream=True) == b"".join(FRAMES)
    ran = [record for record in street.records.all if record.attempts]
    assert [(record.outcome, "client.left" in record.notes) for record in ran] == [("ok", True)]
    assert street.kennel.watching == set()


async def test_a_client_that_stops_reading_and_leaves_holds_nobody_up() -> None:
    street = Street()
    padding = b": " + b"x" * 100_000 + b"\n\n"
    street.upstream.expect([Script([*FRAMES[:4], padding, padding, Pause(1.0), *FRAMES[4:]])])
    stalled = street.ask(stream=True)
    stalled.wire.is_taken = False
    joined = street.ask(stream=True)
    await asyncio.sleep(3.0)
    assert joined.tasks, "a client that stands still holds the stream up"

    stalled.wire.abort()
    await _over(stalled, joined)

    assert _body(joined, stream=True) == b"".join([*FRAMES[:4], padding, padding, *FRAMES[4:]])
