import asyncio
from typing import Final

import pytest

from seawall.core.error import Killed, SeawallError, TargetClosed
from seawall.core.principal import ANONYMOUS
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.dialects.dialect import CHAT, MESSAGES, MODELS
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.killswitch.guard import NOTE, KillSwitchGuard, LastLook
from seawall.guards.killswitch.running import Running
from seawall.guards.killswitch.settings import KillSettings
from seawall.pipeline.exchange import CallNext, Exchange, Guard, Reply
from seawall.pipeline.watchdog import HungUp
from seawall.stores.memory.switches import MemorySwitches
from seawall.testing.clock import START_WALL_S
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.scene import ANSWER, Call, Ended, Instead, Scene, target, whole

CUT: Final = KillSettings("cut")
START: Final = b"""event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"x","content":[],"usage":\
{"input_tokens":1,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

"""
STOP: Final = b"""event: message_stop
data: {"type":"message_stop"}

"""


class Stage:
    """Calls through a kill switch; what is off is set by hand."""

    def __init__(self, settings: KillSettings = CUT, *below: Guard) -> None:
        self.switches = MemorySwitches(lambda: START_WALL_S)
        self.running = Running()
        self.guards: tuple[Guard, ...] = (
            DeadlineGuard(60.0),
            IntakeGuard(100_000, "interactive"),
            KillSwitchGuard(self.switches, settings, self.running),
            *below,
        )

    def throw(self, *switches: Switch) -> None:
        """Throw switches as a worker does that sees them in the file."""
        self.switches.set(*switches)
        self.running.cut(self.switches.in_force())

    async def call(self, upstream: ScriptedUpstream, call: Call) -> Ended:
        return await Scene(self.guards, upstream).call(call)


def _upstream() -> ScriptedUpstream:
    return ScriptedUpstream(whole(ANSWER["anthropic"]))


@pytest.mark.parametrize(
    "level",
    [
        EVERYTHING,
        Level("route", "/ai/chat"),
        Level("feature", "search"),
        Level("team", "support"),
        Level("key", "key_0123456789abcdef"),
    ],
    ids=lambda level: level.kind,
)
async def test_a_call_that_is_switched_off_is_refused_and_nothing_is_dispatched(level: Level) -> None:
    stage, upstream = Stage(), _upstream()
    stage.throw(Switch(level, at_s=START_WALL_S, by="ada", why="too dear"))

    ended = await stage.call(upstream, Call(MESSAGES, {}, {b"x-seawall-feature": b"search"}, target=target()))

    assert isinstance(ended.error, Killed)
    assert str(ended.error) == f"an operator has switched off {level.text} since 2026-11-21T00:00:00Z: too dear"
    assert upstream.requests == []
    assert len(stage.running) == 0


@pytest.mark.parametrize(
    "level",
    [Level("team", "other"), Level("provider", "anthropic-provider"), Level("model", "model-of-the-route")],
    ids=lambda level: level.text,
)
async def test_a_call_that_no_switch_here_names_goes_on(level: Level) -> None:
    stage, upstream = Stage(), _upstream()
    stage.throw(Switch(level))

    ended = await stage.call(upstream, Call(MESSAGES, {}, target=target()))

    assert ended.reply is not None
    assert len(upstream.requests) == 1
    assert len(stage.running) == 0


async def test_everything_means_endpoints_without_a_body_too() -> None:
    stage = Stage()
    stage.throw(Switch(EVERYTHING))

    ended = await stage.call(_upstream(), Call(MODELS, target=target()))

    assert isinstance(ended.error, Killed)


TOOLS: Final = [{"name": "a"}, {"name": "x"}]


async def test_a_killed_tool_is_left_out_and_noted() -> None:
    stage = Stage()
    stage.throw(Switch(Level("tool", "x")))

    ended = await stage.call(_upstream(), Call(MESSAGES, {"tools": TOOLS, "system": "s"}, target=target()))

    assert ended.sent == {"tools": [{"name": "a"}], "system": "s"}
    assert ended.exchange.notes == [NOTE]


async def test_the_last_tool_goes_with_its_choice() -> None:
    stage = Stage()
    stage.throw(Switch(Level("tool", "x")))
    body = {"tools": TOOLS[1:], "tool_choice": {"type": "auto"}}

    ended = await stage.call(_upstream(), Call(MESSAGES, body, target=target()))

    assert ended.sent == {}
    assert ended.exchange.notes == [NOTE]


async def test_a_call_that_needs_a_killed_tool_is_refused() -> None:
    stage, upstream = Stage(), _upstream()
    stage.throw(Switch(Level("tool", "x"), why="it deletes"))
    body = {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "x"}}

    ended = await stage.call(upstream, Call(MESSAGES, body, target=target()))

    assert isinstance(ended.error, Killed)
    assert str(ended.error).startswith("an operator has switched off tool:x: it deletes; without this tool")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "call",
    [Call(MESSAGES, {"tools": TOOLS[:1]}, target=target()), Call(MODELS, target=target())],
    ids=["other tools", "no body"],
)
async def test_calls_without_the_killed_tool_are_left_alone(call: Call) -> None:
    stage = Stage()
    stage.throw(Switch(Level("tool", "x")))

    ended = await stage.call(_upstream(), call)

    assert ended.error is None
    assert ended.exchange.notes == []


def _thrown_after(stage: Stage, script: Script, call: Call, *switches: Switch) -> Ended:
    """Throw switches one virtual second into a call."""

    async def main() -> Ended:
        asyncio.get_running_loop().call_later(1.0, stage.throw, *switches)
        return await stage.call(ScriptedUpstream(script), call)

    return run_virtual(main())


STREAM: Final = Call(MESSAGES, {"stream": True}, target=target())


@pytest.mark.parametrize(
    "level",
    [EVERYTHING, Level("model", "model-of-the-route"), Level("provider", "anthropic-provider")],
    ids=lambda level: level.text,
)
@pytest.mark.parametrize(
    ("script", "call", "written"),
    [
        (Script((START, Pause(5.0), STOP)), STREAM, [START]),
        (Script((Pause(5.0), START, STOP)), STREAM, []),
        (Script((Pause(5.0), b"{}")), Call(MESSAGES, {}, target=target()), []),
        (Script((b"{}",), head_after_s=5.0), Call(MESSAGES, {}, target=target()), []),
    ],
    ids=["stream", "held stream", "whole", "before the head"],
)
def test_a_running_call_is_cut_by_policy(level: Level, script: Script, call: Call, written: list[bytes]) -> None:
    stage = Stage()

    ended = _thrown_after(stage, script, call, Switch(level))

    assert isinstance(ended.error, Killed)
    assert "was running and has been cut" in str(ended.error)
    assert ended.written == written
    assert len(stage.running) == 0


class Waiting:
    """A guard that waits, as for a place in a queue."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        await asyncio.sleep(5.0)
        return await call_next(exchange)


def test_a_call_that_waits_for_its_turn_is_cut_too() -> None:
    stage = Stage(CUT, Waiting())

    ended = _thrown_after(stage, whole({}), Call(MESSAGES, {}, target=target()), Switch(EVERYTHING))

    assert isinstance(ended.error, Killed)
    assert len(stage.running) == 0


@pytest.mark.parametrize("switch", [Switch(Level("team", "other")), Switch(Level("tool", "x"))])
def test_a_running_call_that_no_switch_names_runs_on(switch: Switch) -> None:
    stage = Stage()

    ended = _thrown_after(stage, Script((START, Pause(5.0), STOP)), STREAM, switch)

    assert ended.error is None
    assert b"".join(ended.written) == START + STOP
    assert len(stage.running) == 0


def test_a_running_call_is_let_finish_by_policy() -> None:
    stage = Stage(KillSettings("finish"))

    ended = _thrown_after(stage, Script((START, Pause(5.0), STOP)), STREAM, Switch(EVERYTHING))

    assert ended.error is None
    assert b"".join(ended.written) == START + STOP


def test_a_client_that_hangs_up_is_no_longer_running() -> None:
    stage = Stage()
    call = Call(MESSAGES, {}, target=target(), hang_up_s=1.0)

    ended = run_virtual(stage.call(ScriptedUpstream(Script((b"{}",), head_after_s=5.0)), call))

    assert isinstance(ended.error, HungUp)
    assert len(stage.running) == 0


def test_a_cancellation_of_somebody_else_goes_on() -> None:
    stage = Stage(CUT, Waiting())

    async def main() -> None:
        calling = asyncio.ensure_future(stage.call(ScriptedUpstream(), Call(MESSAGES, {}, target=target())))
        await asyncio.sleep(1.0)
        assert len(stage.running) == 1
        calling.cancel()
        assert isinstance((await calling).error, asyncio.CancelledError)

    run_virtual(main())
    assert len(stage.running) == 0


@pytest.mark.parametrize(
    ("level", "error"),
    [
        (EVERYTHING, Killed),
        (Level("team", "support"), Killed),
        (Level("tool", "x"), Killed),
        (Level("provider", "anthropic-provider"), TargetClosed),
        (Level("model", "anthropic-provider/model-of-the-route"), TargetClosed),
    ],
    ids=lambda each: each.text if isinstance(each, Level) else "",
)
def test_nothing_is_dispatched_once_a_switch_is_thrown_however_long_a_call_has_waited(
    level: Level, error: type[SeawallError]
) -> None:
    stage = Stage(KillSettings("finish"), Waiting())
    stage.guards = (*stage.guards, LastLook(stage.switches))
    upstream = _upstream()

    async def main() -> Ended:
        asyncio.get_running_loop().call_later(1.0, stage.throw, Switch(level))
        return await stage.call(upstream, Call(MESSAGES, {"tools": TOOLS}, target=target()))

    ended = run_virtual(main())

    assert type(ended.error) is error
    assert upstream.requests == []


@pytest.mark.parametrize("switches", [(), (Switch(Level("team", "other")), Switch(Level("model", "other")))])
async def test_a_last_look_that_finds_nothing_lets_go(switches: tuple[Switch, ...]) -> None:
    memory = MemorySwitches(lambda: START_WALL_S)
    memory.set(*switches)

    ended = await Scene((LastLook(memory),), _upstream()).call(Call(MESSAGES, {}, target=target()))

    assert ended.error is None


async def test_a_last_look_needs_no_target() -> None:
    memory = MemorySwitches(lambda: START_WALL_S)
    memory.set(Switch(Level("model", "m")))

    ended = await Scene((LastLook(memory), Instead(Reply(200, [])))).call(Call(CHAT, {}))

    assert ended.error is None


async def test_a_caller_without_a_key_is_reached_by_its_route() -> None:
    stage = Stage()
    stage.throw(Switch(Level("route", "/ai/chat")))

    ended = await stage.call(_upstream(), Call(MESSAGES, {}, principal=ANONYMOUS, target=target()))

    assert isinstance(ended.error, Killed)
