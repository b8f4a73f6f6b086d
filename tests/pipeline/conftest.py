"""A stream's way through the machine on virtual time, and what came of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from seawall.core.error import SeawallError
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import Dialect
from seawall.pipeline.stream import StreamReply, StreamState, Tap
from seawall.pipeline.watchdog import Kennel
from seawall.testing.scripted_upstream import Script, ScriptedReply, Step
from seawall.testing.virtual_loop import run_virtual

FIXTURES: Final = Path(__file__).parents[1] / "dialects" / "fixtures"


@dataclass(frozen=True)
class Trip:
    """What a stream meets on its way. Times in seconds; `write_s` is how long the client takes for each write."""

    steps: Sequence[Step]
    dialect: Dialect = ANTHROPIC
    taps: Sequence[Tap] = ()
    total_s: float = 600.0
    first_token_s: float = 20.0
    idle_s: float = 10.0
    hold_back_s: float = 1.0
    write_s: Sequence[float] = ()
    hang_up_s: float | None = None
    cancel_s: float | None = None


@dataclass
class Outcome:
    """What came of it: what the client got, how it ended, when, and what became of the provider's answer."""

    reply: ScriptedReply
    stream: StreamReply | None = None
    written: list[bytes] = field(default_factory=list)
    heard: list[BaseException | None] = field(default_factory=list)
    states: list[StreamState] = field(default_factory=list)
    error: BaseException | None = None
    at_s: float = 0.0
    committed_s: float | None = None
    ended_s: float = 0.0
    left_over: int = 0

    @property
    def text(self) -> bytes:
        """All that the client got."""
        return b"".join(self.written)


Go: TypeAlias = Callable[[Trip], Outcome]


async def _journey(trip: Trip) -> Outcome:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    kennel = Kennel(loop)
    dog = kennel.watch(task)
    dog.limit(trip.total_s)
    dog.phase("first_token", trip.first_token_s)
    outcome = Outcome(ScriptedReply(Script(trip.steps)))
    stream = StreamReply(outcome.reply, trip.dialect.stream_reader(), list(trip.taps), dog, trip.idle_s)
    outcome.stream = stream
    delays = iter(trip.write_s)

    def hear(error: BaseException | None) -> None:
        outcome.heard.append(error)
        outcome.ended_s = loop.time()

    async def write(data: bytes) -> None:
        outcome.states.append(stream.state)
        outcome.written.append(data)
        if delay_s := next(delays, 0.0):
            await asyncio.sleep(delay_s)

    stream.on_end(hear)
    assert stream.state is StreamState.HELD
    calls = [loop.call_later(trip.hang_up_s, dog.hang_up)] if trip.hang_up_s is not None else []
    calls += [loop.call_later(trip.cancel_s, task.cancel)] if trip.cancel_s is not None else []
    try:
        await stream.open(trip.hold_back_s)
        outcome.committed_s = loop.time()
        await stream.pump(write)
        await stream.drain()
    except (SeawallError, asyncio.CancelledError) as error:
        outcome.error = error
    outcome.at_s = loop.time()
    for call in calls:
        call.cancel()
    dog.close()
    outcome.left_over = task.cancelling()
    for _ in range(outcome.left_over):
        task.uncancel()
    return outcome


@pytest.fixture
def go() -> Go:
    """Give a function that sends a stream on its way and tells what came of it."""
    return send_on_its_way


def send_on_its_way(trip: Trip) -> Outcome:
    return run_virtual(_journey(trip))


def frames_of(name: str) -> list[bytes]:
    """Give the frames of a stream file, each with its blank line."""
    whole = (FIXTURES / name).read_bytes()
    return [frame + b"\n\n" for frame in whole.split(b"\n\n")[:-1]]
