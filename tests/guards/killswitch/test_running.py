import asyncio

import pytest

from seawall.core.error import Killed
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.dialects.dialect import MESSAGES
from seawall.guards.killswitch.running import Running
from seawall.pipeline.watchdog import Kennel
from tests.scene import Call, target


async def _begun(running: Running, model: str) -> "asyncio.Task[str]":
    """Begin a call that waits for ever; its result is the code of what it was interrupted by."""
    begun = asyncio.Event()

    async def run() -> str:
        exchange = Call(MESSAGES, target=target(model=model)).exchange(Kennel(asyncio.get_running_loop()))
        running.add(exchange)
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            reason = exchange.watchdog.take(Killed)
            if reason is None:
                raise
            return str(reason)
        finally:
            exchange.watchdog.close()
            running.discard(exchange)
            running.discard(exchange)
        return ""

    task = asyncio.ensure_future(run())
    await begun.wait()
    return task


async def test_calls_that_a_switch_names_are_cut_and_others_run_on() -> None:
    running = Running()
    cut, other = await _begun(running, "m"), await _begun(running, "other")

    running.cut((Switch(Level("model", "m"), why="lies"),))

    assert await cut == "an operator has switched off model:m: lies; this call was running and has been cut"
    assert len(running) == 1
    assert not other.done()
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    assert len(running) == 0


@pytest.mark.parametrize(
    "level", [EVERYTHING, Level("route", "/ai/chat"), Level("team", "support"), Level("provider", "anthropic-provider")]
)
async def test_every_level_can_cut(level: Level) -> None:
    running = Running()
    call = await _begun(running, "m")

    running.cut((Switch(Level("team", "nobody")), Switch(level)))

    assert "has been cut" in await call


async def test_without_a_switch_nothing_is_cut() -> None:
    running = Running()
    call = await _begun(running, "m")

    running.cut(())
    running.cut((Switch(EVERYTHING),))

    assert "has been cut" in await call
