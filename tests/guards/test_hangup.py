import orjson
import pytest

from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.hangup import drain_hang_ups
from seawall.guards.intake import IntakeGuard
from seawall.guards.meter import MeterGuard
from seawall.pipeline.watchdog import HungUp
from seawall.testing.scripted_upstream import JSON_HEADERS, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Scene, target

GUARDS = (DeadlineGuard(60.0), IntakeGuard(1 << 20, "interactive"))
FRAMES = frames_of("anthropic/text.sse")
WHOLE = Script((Pause(5.0), orjson.dumps(ANSWER["anthropic"])), headers=JSON_HEADERS)
STREAM = Script((FRAMES[0], FRAMES[1], FRAMES[2], Pause(5.0), *FRAMES[3:]))


def _go(call: Call, script: Script) -> tuple[Ended, ScriptedUpstream]:
    upstream = ScriptedUpstream(script)
    return run_virtual(Scene((*GUARDS, drain_hang_ups, MeterGuard()), upstream).call(call)), upstream


def test_a_whole_answer_is_waited_for_though_its_client_has_left() -> None:
    ended, upstream = _go(Call(MESSAGES, {"model": "m"}, target=target(), hang_up_s=1.0), WHOLE)

    assert ended.error is None
    assert ended.exchange.attempts[0].output_tokens == 100
    assert ended.exchange.notes == ["client.left"]
    assert not upstream.replies[0].is_aborted


def test_a_stream_is_read_to_its_end_and_written_to_nobody() -> None:
    call = Call(MESSAGES, {"model": "m", "stream": True}, target=target(), hang_up_s=1.0)
    ended, upstream = _go(call, STREAM)

    assert ended.error is None
    assert b"".join(ended.written).count(b"event: ") == 3
    assert ended.exchange.attempts[0].usage == "reported"
    assert ended.exchange.notes == ["client.left"]
    assert upstream.replies[0].has_ended


def test_a_client_that_stays_gets_everything_and_no_note() -> None:
    ended, _ = _go(Call(MESSAGES, {"model": "m", "stream": True}, target=target()), STREAM)

    assert b"".join(ended.written) == b"".join(FRAMES)
    assert ended.exchange.notes == []


def test_what_costs_nothing_is_not_waited_for() -> None:
    ended, upstream = _go(Call(COUNT_TOKENS, {"model": "m"}, target=target(), hang_up_s=1.0), WHOLE)

    assert isinstance(ended.error, HungUp)
    assert upstream.replies[0].is_aborted


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_never_ends_is_left_at_the_deadline(stream: bool) -> None:
    script = Script((*FRAMES[:3], Pause(500.0)) if stream else (Pause(500.0),))
    ended, upstream = _go(Call(MESSAGES, {"model": "m", "stream": stream}, target=target(), hang_up_s=1.0), script)

    assert getattr(ended.error, "status", 0) == 504
    assert upstream.replies[0].is_aborted
