import asyncio
from pathlib import Path
from typing import Final

import orjson
import pytest

from seawall.assembly.clock import SystemClock
from seawall.client.embedded import Embedded, EmbeddedSettings
from seawall.client.lane import Lane
from seawall.client.run import Ask, BrokenStreamError, LeftError, Run
from seawall.core.principal import Principal
from seawall.pipeline.stream import StreamReply
from seawall.sandbox import Sandbox
from seawall.telemetry.monitor import Monitor

GUEST: Final = Principal(key_id="", team="blue", default_route="/ai/chat")
KEYS: Final = {"CANARY_ANTHROPIC": "canary-key-for-anthropic", "CANARY_OPENAI": "canary-key-for-openai"}
MESSAGE: Final = {
    "model": "claude-haiku-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello"}],
}


def _lane(policy: Path, monitor: Monitor | None = None) -> Lane:
    return Lane(Embedded(EmbeddedSettings(policy, GUEST, KEYS, monitor=monitor), SystemClock()))


def _ask(target: bytes = b"/v1/messages", *, headers: dict[bytes, bytes] | None = None, **fields: object) -> Ask:
    return Ask("POST", target, headers or {}, orjson.dumps({**MESSAGE, **fields}))


async def _rest(run: Run) -> bytes:
    pieces = []
    while piece := await run.piece():
        pieces.append(piece)
    return b"".join(pieces)


async def test_a_whole_answer_has_its_head_and_body(policy: Path) -> None:
    lane = _lane(policy)
    run = lane.begin(_ask())

    answer = await run.answer()

    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.body is not None
    assert orjson.loads(answer.body)["type"] == "message"
    await lane.aclose()


async def test_an_exchange_ends_and_is_recorded_even_if_nobody_comes_back(policy: Path) -> None:
    monitor = Monitor()
    lane = _lane(policy, monitor)

    await lane.begin(_ask()).task
    await lane.aclose()

    assert monitor.stats().calls == 1


async def test_the_cost_may_be_asked_for_behind_a_stream(policy: Path) -> None:
    monitor = Monitor()
    lane = _lane(policy, monitor)
    run = lane.begin(_ask(stream=True, headers={b"x-seawall-trailer": b"cost"}))

    text = await _rest(run)

    assert text.endswith(f": x-seawall-cost-usd {monitor.stats().cost_usd.normalize():f}\n\n".encode())
    await lane.aclose()


async def test_without_being_asked_a_stream_ends_with_its_own_last_event(policy: Path) -> None:
    lane = _lane(policy)
    run = lane.begin(_ask(stream=True))

    assert (await _rest(run)).endswith(b'data: {"type":"message_stop"}\n\n')
    await lane.aclose()


@pytest.mark.parametrize(
    ("ask", "status", "code"),
    [
        pytest.param(_ask(b"/v2/messages"), 404, "request.not_found", id="no such path"),
        pytest.param(_ask(headers={b"content-encoding": b"gzip"}), 400, "request.encoding", id="compressed"),
        pytest.param(Ask("POST", b"/v1/messages", {}, b" " * (32 * 2**20 + 1)), 413, "request.too_large", id="too big"),
        pytest.param(Ask("POST", b"/v1/messages", {}, b"{"), 400, "request.json", id="no JSON"),
        pytest.param(_ask(b"/ai/quiet/v1/messages", stream=True), 400, "route.stream", id="a route without streams"),
        pytest.param(_ask(headers={b"x-seawall-route": b"/ai/none"}), 404, "route.unknown", id="a route of nobody"),
    ],
)
async def test_what_is_refused_is_answered_in_the_dialect(ask: Ask, status: int, code: str, policy: Path) -> None:
    monitor = Monitor()
    lane = _lane(policy, monitor)

    answer = await lane.begin(ask).answer()

    assert answer.head.startswith(b"HTTP/1.1 %d " % status)
    assert answer.body is not None
    assert code in answer.body.decode()
    assert monitor.stats().errors_by_type == {code: 1}
    await lane.aclose()


async def test_only_the_dialects_own_parameters_go_on(policy: Path, sandbox: Sandbox) -> None:
    lane = _lane(policy)

    await lane.begin(_ask(b"/v1/messages?beta=true&api_key=secret")).answer()

    assert sandbox.requests.last(1)[0].target == "/v1/messages?beta=true"
    await lane.aclose()


async def test_a_provider_that_repeats_its_key_does_not_give_it_away(policy: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("error_in_stream=overloaded_error@0")
    lane = _lane(policy)

    answer = await lane.begin(_ask(stream=True)).answer()

    assert answer.body is not None
    assert b"canary" not in answer.head + answer.body
    await lane.aclose()


async def test_leaving_what_is_over_changes_nothing(policy: Path) -> None:
    monitor = Monitor()
    lane = _lane(policy, monitor)
    run = lane.begin(_ask())
    await run.answer()

    run.hang_up()
    await run.leave()

    assert (monitor.stats().calls, monitor.stats().errors) == (1, 0)
    await lane.aclose()


async def test_leaving_before_the_first_step_starts_nothing(policy: Path, sandbox: Sandbox) -> None:
    lane = _lane(policy)
    run = lane.begin(_ask())

    await run.leave()

    with pytest.raises(LeftError):
        await run.answer()
    with pytest.raises(LeftError):
        await run.piece()
    assert sandbox.meter.total.calls == 0
    await lane.aclose()


async def test_a_stream_that_breaks_gives_its_error_event_and_then_raises(long_policy: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("no_terminal")
    lane = _lane_of_long(long_policy)
    run = lane.begin(_ask(stream=True))
    taken = []

    async def read() -> None:
        while piece := await run.piece():
            taken.append(piece)

    with pytest.raises(BrokenStreamError, match="without its terminal event"):
        await read()
    assert b"event: error\n" in taken[-1]
    await lane.aclose()


def _lane_of_long(policy: Path) -> Lane:
    guest = Principal(key_id="", default_route="/ai/long")
    return Lane(Embedded(EmbeddedSettings(policy, guest, KEYS), SystemClock()))


async def test_a_fault_of_ours_goes_to_whoever_asked(policy: Path) -> None:
    lane = _lane(policy)
    broken = Ask("POST", b"/v1/messages", {b"traceparent": None}, b"{}")  # type: ignore[dict-item]  # what no SDK sends
    broken.headers[b"x-seawall-user"] = 7  # type: ignore[assignment]  # as above

    with pytest.raises(AttributeError):
        await lane.begin(broken).answer()
    await lane.aclose()


async def test_a_fault_of_ours_in_a_stream_goes_to_whoever_reads(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(self: StreamReply, write: object) -> None:
        del write
        self._upstream.abort()
        raise ZeroDivisionError

    monkeypatch.setattr(StreamReply, "pump", broken)
    lane = _lane(policy)
    run = lane.begin(_ask(stream=True))
    assert (await run.answer()).body is None

    with pytest.raises(ZeroDivisionError):
        await run.piece()
    await lane.aclose()


async def test_a_cancelled_task_frees_whoever_waits(policy: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("stall")
    lane = _lane(policy)
    run = lane.begin(_ask())
    waiting = asyncio.ensure_future(run.answer())
    await asyncio.sleep(0)

    run.task.cancel()  # as the end of the event loop does

    with pytest.raises(LeftError):
        await waiting
    await lane.aclose()
