"""Calls with an idempotency key that are given up by whoever made them, inside the process."""

import asyncio
import json
from typing import Final

import pytest

from seawall.assembly.build import House
from seawall.assembly.entry import Entry
from seawall.client.run import Ask, LeftError, Run
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.watchdog import Kennel
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import GUEST, plan, policy
from tests.pipeline.conftest import frames_of
from tests.scene import Records, Scene, target

FRAMES: Final = frames_of("anthropic/text.sse")
SLOW: Final = Script([step for frame in FRAMES for step in (frame, Pause(1.0))][:-1])


class Home:
    """A pipeline before a scripted provider."""

    def __init__(self) -> None:
        self.upstream = ScriptedUpstream(SLOW)
        self.records = Records()
        journal = JournalGuard(self.records, JournalSettings(str, str))
        keys = KeysInUse(MemoryAnswers(), LoopClock(), str)
        house = House(journal, Scene(upstream=self.upstream).outlet(), keys=keys)
        self.entry = Entry(policy(plan("/ai/chat", target())), house, None, GUEST)
        self.kennel = Kennel(asyncio.get_running_loop())

    def ask(self, key: bytes) -> Run:
        """Begin a streamed call."""
        body = json.dumps({"model": "m", "max_tokens": 9, "messages": [], "stream": True}).encode()
        ask = Ask("POST", b"/ai/chat", {b"idempotency-key": key} if key else {}, body)
        return Run(self.entry, ask, self.kennel, LoopClock(), str)


async def _all(run: Run) -> bytes:
    await run.answer()
    pieces = []
    while piece := await run.piece():
        pieces.append(piece)
    return b"".join(pieces)


def test_a_keyed_stream_that_is_given_up_goes_on_for_the_next_who_asks() -> None:
    async def main() -> None:
        house = Home()
        loop = asyncio.get_running_loop()
        given_up = house.ask(b"key-1")
        await given_up.answer()
        await given_up.piece()

        await given_up.leave()
        assert loop.time() < 2.0, "nobody waits for what goes on by itself"
        while True:
            try:
                await given_up.piece()
            except LeftError:
                break
        assert await _all(house.ask(b"key-1")) == b"".join(FRAMES)
        await asyncio.wait([given_up.task])

        assert len(house.upstream.requests) == 1
        ran = [record for record in house.records.all if record.attempts]
        assert [(record.outcome, record.notes) for record in ran] == [("ok", ("client.left",))]

    run_virtual(main())


@pytest.mark.parametrize("key", [b"", b"key-1"])
def test_only_a_key_makes_a_call_go_on(key: bytes) -> None:
    async def main() -> None:
        house = Home()
        run = house.ask(key)
        await run.answer()
        await asyncio.sleep(2.5)

        await run.leave()
        await asyncio.wait([run.task])

        (record,) = house.records.all
        assert record.outcome == ("ok" if key else "hung_up")

    run_virtual(main())
