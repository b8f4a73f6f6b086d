import asyncio
import math
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson
import pytest

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    Killed,
    SeawallError,
    UpstreamRefused,
    UpstreamUnreachable,
)
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.chat.form import CHAT_FORM
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, Dialect, Endpoint, Mark
from seawall.dialects.messages.form import MESSAGES_FORM
from seawall.dialects.neutral.event import Closed, TextPiece
from seawall.dialects.neutral.form import Form
from seawall.dialects.neutral.loss import Losses
from seawall.dialects.openai import OPENAI
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.degraded.guard import HAND_OUT_S, DegradedGuard
from seawall.guards.degraded.settings import DegradedSettings
from seawall.guards.degraded.store import LARGEST, LastGood
from seawall.guards.intake import IntakeGuard
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.meter import MeterGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.recorded import RecordedStream
from seawall.pipeline.recording import Recording
from seawall.pipeline.watchdog import TICK_S, HungUp
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, OWNER, Call, Ended, Instead, Records, Scene, target, whole

SORRY: Final = "Drafting is unavailable, please reply by hand. ☂"
FORMS: Final[dict[Endpoint, Form]] = {MESSAGES: MESSAGES_FORM, CHAT: CHAT_FORM}
BODY: Final = {"model": "model-asked", "messages": [], "max_tokens": 9}
SIDES: Final = [
    pytest.param(MESSAGES, ANTHROPIC, "anthropic/text.sse", id="messages"),
    pytest.param(CHAT, OPENAI, "openai/text.sse", id="chat"),
]
AWAY: Final = UpstreamUnreachable("nobody there")


@dataclass
class House:
    """The guards around a scripted provider; `below` stands between them and the provider."""

    settings: DegradedSettings
    total_s: float = 60.0
    below: Any = None  # a guard
    upstream: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    records: Records = field(default_factory=Records)
    last_good: LastGood = field(default_factory=lambda: LastGood(LoopClock()))

    async def ask(self, endpoint: Endpoint = MESSAGES, call: dict[str, Any] | None = None, **more: Any) -> Ended:
        """Make a call; `more` are fields of its body, `call` other facts of it."""
        guards = (
            JournalGuard(self.records, JournalSettings(str, str)),
            DeadlineGuard(self.total_s),
            IntakeGuard(1 << 20, "interactive"),
            DegradedGuard(self.settings, self.last_good, FORMS),
            MeterGuard(),
        )
        below = () if self.below is None else (self.below,)
        dialect = "openai" if endpoint in (CHAT, EMBEDDINGS) else "anthropic"
        asked = Call(endpoint, BODY | more, target=target(dialect))
        return await Scene((*guards[:-1], *below, guards[-1]), self.upstream).call(replace(asked, **(call or {})))


def _house(message: str | None = SORRY, cached_s: float | None = None, **more: Any) -> House:
    return House(DegradedSettings(message, cached_s), **more)


def _good(endpoint: Endpoint) -> Script:
    return whole(ANSWER["anthropic" if endpoint is MESSAGES else "openai"])


def _body(ended: Ended) -> bytes:
    assert ended.error is None, ended.error
    assert ended.reply is not None
    assert ended.reply.status == 200
    return b"".join(ended.written) if ended.reply.stream is not None else ended.reply.body


def _said(endpoint: Endpoint, stream: bytes) -> str:
    """Give the text of a stream, which must be complete."""
    decoder = FORMS[endpoint].decoder(Losses())
    events = [event for frame in stream.split(b"\n\n")[:-1] for event in decoder.feed(frame)]
    assert isinstance(events[-1], Closed)
    return "".join(event.text for event in events if isinstance(event, TextPiece))


@pytest.mark.parametrize(("endpoint", "dialect", "fixture"), SIDES)
def test_the_message_comes_in_the_clients_own_dialect(endpoint: Endpoint, dialect: Dialect, fixture: str) -> None:
    del fixture
    house = _house()
    house.upstream.expect([AWAY])

    ended = run_virtual(house.ask(endpoint))

    answer = FORMS[endpoint].read_reply(_body(ended), Losses())
    assert [getattr(part, "text", None) for part in answer.parts] == [SORRY]
    assert (answer.model, answer.stop) == ("model-of-the-route", "complete")
    facts = dialect.read_reply(endpoint, _body(ended))
    assert facts.usage is not None
    assert (facts.usage.prompt, facts.usage.billed_output) == (0, 0)
    assert ended.exchange.degraded == "message"
    (record,) = house.records.all
    assert (record.outcome, record.status, record.cost_nusd) == ("ok", 200, 0)
    assert record.notes == ("degraded.message", "upstream.unreachable")


@pytest.mark.parametrize(("endpoint", "dialect", "fixture"), SIDES)
def test_the_message_is_streamed_to_who_asked_for_a_stream(endpoint: Endpoint, dialect: Dialect, fixture: str) -> None:
    del fixture
    house = _house()
    house.upstream.expect([AWAY])

    ended = run_virtual(house.ask(endpoint, stream=True))

    assert _said(endpoint, _body(ended)) == SORRY
    reader = dialect.stream_reader()
    marks = [reader.feed(frame) for frame in _body(ended).split(b"\n\n")[:-1]]
    assert marks.count(Mark.TERMINAL) == 1
    assert marks[-1] is Mark.TERMINAL
    assert house.records.all[0].notes[0] == "degraded.message"


@pytest.mark.parametrize("wants_usage", [True, False])
def test_usage_is_told_to_who_asked_for_it(wants_usage: bool) -> None:
    house = _house()
    house.upstream.expect([AWAY])

    ended = run_virtual(house.ask(CHAT, stream=True, stream_options={"include_usage": wants_usage}))

    assert (b'"prompt_tokens":0' in _body(ended)) is wants_usage


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("endpoint", "dialect", "fixture"), SIDES)
def test_the_last_good_answer_goes_before_the_message(
    endpoint: Endpoint, dialect: Dialect, fixture: str, stream: bool
) -> None:
    del dialect
    house = _house(cached_s=60.0)

    async def main() -> tuple[Ended, Ended]:
        house.upstream.expect([Script(frames_of(fixture)) if stream else _good(endpoint), AWAY])
        first = await house.ask(endpoint, stream=stream)
        await asyncio.sleep(50.0)
        return first, await house.ask(endpoint, stream=stream)

    first, second = run_virtual(main())

    assert _body(second) == _body(first)
    assert (first.exchange.degraded, second.exchange.degraded) == ("", "cached")
    assert second.exchange.notes == ["degraded.cached", "upstream.unreachable"]
    assert second.reply is not None
    assert second.reply.headers == [], "another call's request id is not this one's"


@pytest.mark.parametrize(
    ("later_s", "call", "more"),
    [
        pytest.param(61.0, {}, {}, id="too old"),
        pytest.param(1.0, {"principal": replace(OWNER, key_id="other")}, {}, id="another key"),
        pytest.param(1.0, {"principal": replace(OWNER, team="other")}, {}, id="another team"),
        pytest.param(1.0, {"principal": None}, {}, id="nobody"),
        pytest.param(1.0, {"headers": {b"x-seawall-user": b"other"}}, {}, id="another user"),
        pytest.param(1.0, {"route": "/ai/other"}, {}, id="another route"),
        pytest.param(1.0, {}, {"max_tokens": 10}, id="another question"),
        pytest.param(1.0, {}, {"stream": True}, id="another shape"),
    ],
)
def test_an_answer_is_nobodys_but_who_asked_the_same(
    later_s: float, call: dict[str, Any], more: dict[str, Any]
) -> None:
    house = _house(cached_s=60.0)

    async def main() -> Ended:
        house.upstream.expect([_good(MESSAGES), AWAY])
        await house.ask()
        await asyncio.sleep(later_s)
        return await house.ask(call=call, **more)

    assert run_virtual(main()).exchange.degraded == "message"


def test_without_a_message_and_a_cached_answer_the_error_stands() -> None:
    house = _house(None, 60.0)
    house.upstream.expect([AWAY])

    ended = run_virtual(house.ask())

    assert ended.error is AWAY
    assert ended.exchange.degraded == ""
    assert ended.exchange.notes == []


@pytest.mark.parametrize(
    "error",
    [BadRequest("no"), UpstreamRefused(400, "invalid_request_error", "no")],
    ids=lambda error: type(error).__name__,
)
def test_what_the_client_did_wrong_it_is_told(error: SeawallError) -> None:
    assert run_virtual(_house(below=Instead(error)).ask()).error is error


def test_an_operators_switch_is_softened() -> None:
    ended = run_virtual(_house(below=Instead(Killed("off"))).ask())

    assert _body(ended)
    assert ended.exchange.notes == ["degraded.message", "killswitch.on"]


@pytest.mark.parametrize("endpoint", [EMBEDDINGS, COUNT_TOKENS])
def test_where_no_message_makes_sense_the_error_stands(endpoint: Endpoint) -> None:
    house = _house()
    house.upstream.expect([AWAY])

    assert run_virtual(house.ask(endpoint, input="x")).error is AWAY


class Dawdling:
    """A guard that never comes to an end."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        del exchange, call_next
        await asyncio.sleep(math.inf)
        raise AssertionError


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_waiting_for_a_provider", [False, True])
def test_the_message_comes_at_the_deadline(stream: bool, is_waiting_for_a_provider: bool) -> None:
    house = _house(total_s=0.8, below=None if is_waiting_for_a_provider else Dawdling())  # within the hold-back

    async def main() -> tuple[Ended, float]:
        house.upstream.expect([Script((Pause(math.inf),))])
        return await house.ask(stream=stream), asyncio.get_running_loop().time()

    ended, at_s = run_virtual(main())

    assert SORRY in (_said(MESSAGES, _body(ended)) if stream else orjson.loads(_body(ended))["content"][0]["text"])
    assert at_s <= 0.8 + TICK_S + 1e-6
    assert ended.exchange.watchdog.deadline_s == pytest.approx(at_s + HAND_OUT_S)


@pytest.mark.parametrize("is_waiting_for_a_provider", [False, True])
def test_without_a_substitute_the_deadline_is_the_reason(is_waiting_for_a_provider: bool) -> None:
    house = _house(None, 60.0, total_s=2.0, below=None if is_waiting_for_a_provider else Dawdling())
    house.upstream.expect([Script((Pause(math.inf),))])

    assert isinstance(run_virtual(house.ask()).error, DeadlineExceeded)


@pytest.mark.parametrize("below", [None, Dawdling()])
def test_nobody_talks_to_a_client_that_is_gone(below: Dawdling | None) -> None:
    house = _house(below=below)
    house.upstream.expect([Script((Pause(math.inf),))])

    assert isinstance(run_virtual(house.ask(call={"hang_up_s": 1.0})).error, HungUp)


def test_a_stream_that_breaks_after_its_beginning_is_not_kept_and_not_mended() -> None:
    house = _house(cached_s=60.0)
    frames = frames_of("anthropic/text.sse")
    house.upstream.expect([Script([*frames[:4], Pause(2.0), Break()])])

    ended = run_virtual(house.ask(stream=True))

    assert isinstance(ended.error, SeawallError)
    assert len(house.last_good) == 0


class Outliving:
    """A guard whose streams go on without their clients, as those with an idempotency key do."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        exchange.watchdog.survive()
        reply = await call_next(exchange)
        assert reply.stream is not None

        async def completed() -> None:
            pass

        reply.stream = RecordedStream(reply.stream, Recording(LARGEST), exchange.watchdog, completed, lambda _: None)
        return reply


def test_a_stream_that_outlives_its_client_is_not_kept_by_half() -> None:
    first, *rest = frames_of("anthropic/text.sse")

    async def main() -> None:
        house = _house(cached_s=60.0, below=Outliving())
        house.upstream.expect([Script((first, Pause(2.0), *rest))])

        ended = await house.ask(stream=True, call={"hang_up_s": 1.5})

        assert ended.error is None
        assert house.upstream.replies[0].has_ended
        assert len(house.last_good) == 0

    run_virtual(main())


def test_a_cheaper_models_answer_is_not_kept_for_good_ones() -> None:
    class Cheaper:
        async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
            exchange.degraded = "model"
            return await call_next(exchange)

    house = _house(cached_s=60.0, below=Cheaper())
    house.upstream.expect([_good(MESSAGES)])

    run_virtual(house.ask())

    assert len(house.last_good) == 0


def test_a_stream_too_large_to_keep_goes_out_whole() -> None:
    house = _house(cached_s=60.0)
    frames = frames_of("anthropic/text.sse")
    padding = b": " + b"x" * 60_000 + b"\n\n"
    script = [*frames[:-1], *[padding] * (LARGEST // 60_000 + 1), frames[-1]]
    house.upstream.expect([Script(script)])

    ended = run_virtual(house.ask(stream=True))

    assert len(_body(ended)) > LARGEST
    assert len(house.last_good) == 0
