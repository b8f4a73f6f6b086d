import math
from dataclasses import replace
from typing import Any

import orjson
import pytest

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.pipeline.dispatch import Outlet
from seawall.pipeline.exchange import CallNext, Exchange, Headers, Reply
from seawall.pipeline.watchdog import TICK_S, HungUp
from seawall.testing.scripted_upstream import JSON_HEADERS, Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, TIMEOUTS, Call, Ended, Scene, target, whole

INTAKE = IntakeGuard(1 << 20, "interactive")
FRAMES = frames_of("anthropic/text.sse")
ASK = Call(MESSAGES, {"model": "m", "messages": []}, target=target())
STREAM = Call(MESSAGES, {"model": "m", "stream": True}, target=target())


def _go(call: Call, *answers: Any, hold_back_s: float = 1.0, total_s: float = 60.0) -> tuple[Ended, ScriptedUpstream]:
    upstream = ScriptedUpstream(*answers)
    scene = Scene((DeadlineGuard(total_s), INTAKE), upstream, hold_back_s=hold_back_s)
    return run_virtual(scene.call(call)), upstream


def test_the_request_goes_to_the_targets_server_as_it_came() -> None:
    raw = b'{ "model" : "m", "n": 1.0 }'
    ended, upstream = _go(Call(MESSAGES, raw, target=target()), whole(ANSWER["anthropic"]))

    (request,) = upstream.requests
    assert (request.method, request.path, request.body) == ("POST", "/v1/messages", raw)
    assert request.origin.host == "provider.test"
    assert request.head == b"x-rendered: yes\r\n"
    assert request.timeouts == TIMEOUTS
    assert ended.reply is not None
    assert orjson.loads(ended.reply.body) == ANSWER["anthropic"]
    assert ended.reply.headers == [(b"request-id", b"req_scripted")]


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        pytest.param(Call(COUNT_TOKENS, {}, target=target()), "POST", "/v1/messages/count_tokens", id="count"),
        pytest.param(Call(CHAT, {}, target=target("openai")), "POST", "/v1/chat/completions", id="chat"),
        pytest.param(Call(EMBEDDINGS, {}, target=target("openai")), "POST", "/v1/embeddings", id="embeddings"),
        pytest.param(Call(MODELS, target=target()), "GET", "/v1/models", id="models"),
        pytest.param(
            Call(MODELS, target=target(), model_id="claude%2Fx"), "GET", "/v1/models/claude%2Fx", id="a model"
        ),
        pytest.param(Call(MODELS, target=target(), query="limit=5"), "GET", "/v1/models?limit=5", id="a query"),
        pytest.param(
            Call(MESSAGES, {}, target=target(), query="beta=true"), "POST", "/v1/messages?beta=true", id="beta"
        ),
    ],
)
def test_every_endpoint_has_its_path(call: Call, method: str, path: str) -> None:
    _, upstream = _go(call, whole({}))

    (request,) = upstream.requests
    assert (request.method, request.path) == (method, path)


@pytest.mark.parametrize(
    "call", [Call(CHAT, {}, target=target("anthropic")), Call(MESSAGES, {})], ids=["other", "none"]
)
def test_a_target_of_another_dialect_is_a_fault_of_ours_and_gets_nothing(call: Call) -> None:
    ended, upstream = _go(call)

    assert isinstance(ended.error, RuntimeError)
    assert upstream.requests == []


class LegsLeft:
    """A guard that says how many targets are left."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        exchange.legs_left = self.count
        return await call_next(exchange)


@pytest.mark.parametrize(
    ("legs_left", "answer_s", "error", "after_s"),
    [
        pytest.param(0, None, DeadlineExceeded, 60.0, id="nobody else to ask"),
        pytest.param(1, None, UpstreamTimeout, 36.0, id="a share of what is left"),
        pytest.param(1, 5.0, UpstreamTimeout, 5.0, id="as the route says"),
        pytest.param(0, 5.0, UpstreamTimeout, 5.0, id="as the route says, with nobody else"),
    ],
)
def test_a_silent_target_leaves_time_for_the_next(
    legs_left: int, answer_s: float | None, error: type[Exception], after_s: float
) -> None:
    async def go() -> tuple[Ended, float]:
        scene = Scene(
            (DeadlineGuard(60.0), INTAKE, LegsLeft(legs_left)),
            ScriptedUpstream(Script((Pause(math.inf),), headers=JSON_HEADERS)),
            timeouts=replace(TIMEOUTS, answer_s=answer_s),
        )
        ended = await scene.call(ASK)
        return ended, ended.exchange.watchdog.now_s() - ended.exchange.started_s

    ended, took_s = run_virtual(go())

    assert isinstance(ended.error, error)
    assert after_s <= took_s <= after_s + 2 * TICK_S


def test_an_answer_that_came_in_time_is_not_interrupted_later() -> None:
    ended, _ = _go(ASK, whole(ANSWER["anthropic"]))

    ended.exchange.watchdog.look(ended.exchange.watchdog.now_s() + 50.0)
    assert ended.exchange.watchdog.reason is None


def test_an_error_answer_is_read_with_the_headers_that_may_be_passed_on() -> None:
    headers = (*JSON_HEADERS, (b"retry-after", b"7"))
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    ended, upstream = _go(ASK, whole(body, 429, headers))

    assert isinstance(ended.error, UpstreamRefused)
    assert (ended.error.status, str(ended.error)) == (429, "slow down")
    assert ended.error.headers == ((b"request-id", b"req_scripted"), (b"retry-after", b"7"))
    assert not upstream.replies[0].is_aborted, "what was read whole goes back to the pool"


def test_refused_credentials_are_our_own_fault() -> None:
    ended, _ = _go(ASK, whole(b"no", 401))

    assert isinstance(ended.error, UpstreamCredentials)
    assert ended.error.status == 502


@pytest.mark.parametrize("status", [100, 199, 301, 302, 304, 399])
@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_a_status_that_is_neither_an_answer_nor_an_error_is_broken(call: Call, status: int) -> None:
    ended, upstream = _go(call, Script((b"{}",), status))

    assert isinstance(ended.error, UpstreamBroken)
    assert str(status) in str(ended.error)
    assert upstream.replies[0].is_aborted


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_an_error_body_that_never_ends_is_cut_off(call: Call) -> None:
    ended, upstream = _go(call, Script([b"x" * 65536] * 40, 500))

    assert isinstance(ended.error, UpstreamBroken)
    assert upstream.replies[0].is_aborted


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_what_fails_before_an_answer_goes_on_as_it_is(call: Call) -> None:
    for error in (UpstreamUnreachable("no"), UpstreamTimeout("connect", 5.0)):
        ended, _ = _go(call, error)

        assert ended.error is error


@pytest.mark.parametrize("kind", [b"text/event-stream", b"text/event-stream; charset=utf-8", b"Text/Event-Stream"])
def test_a_stream_is_brought_back_open(kind: bytes) -> None:
    ended, upstream = _go(STREAM, Script(FRAMES, headers=((b"content-type", kind),)))

    assert b"".join(ended.written) == b"".join(FRAMES)
    assert upstream.replies[0].has_ended
    assert ended.exchange.facts is not None
    assert ended.exchange.facts.usage_state == "reported"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(whole(ANSWER["anthropic"]), UpstreamBroken, id="a whole message"),
        pytest.param(whole(b"<html>"), UpstreamBroken, id="a page"),
        pytest.param(whole({"type": "error", "error": {"type": "api_error"}}), UpstreamRefused, id="an error"),
        pytest.param(Script((), headers=()), UpstreamBroken, id="nothing"),
    ],
)
def test_something_else_than_a_stream_is_no_answer_to_a_request_for_one(
    answer: Script, kind: type[UpstreamError]
) -> None:
    ended, _ = _go(STREAM, answer)

    assert isinstance(ended.error, kind)


def test_a_stream_that_fails_early_tells_what_it_has_said_so_far() -> None:
    ended, upstream = _go(STREAM, Script((FRAMES[0], Break())), hold_back_s=30.0)

    assert isinstance(ended.error, UpstreamBroken)
    assert ended.error.headers == ((b"request-id", b"req_scripted"),)
    assert ended.exchange.facts is not None
    assert ended.exchange.facts.usage_state == "partial"
    assert upstream.replies[0].is_aborted


def test_the_first_token_is_awaited_from_the_sending_on() -> None:
    slow = Script((Pause(15.0), *FRAMES), head_after_s=15.0)
    ended, _ = _go(STREAM, slow, hold_back_s=60.0)

    assert isinstance(ended.error, UpstreamTimeout)
    assert ended.error.phase == "first_token"
    assert ended.exchange.provider_wait_s == pytest.approx(20.0, abs=TICK_S + 1e-6)


def test_a_whole_answer_has_no_first_token() -> None:
    ended, _ = _go(ASK, Script((Pause(30.0), orjson.dumps(ANSWER["anthropic"])), headers=JSON_HEADERS))

    assert ended.reply is not None
    assert ended.exchange.provider_wait_s == pytest.approx(30.0)


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "answer",
    [
        Script((Pause(math.inf),), head_after_s=10.0),
        Script((Pause(math.inf),)),
        Script((Pause(math.inf),), headers=JSON_HEADERS),
        Script((Pause(math.inf),), 500),
    ],
    ids=["head", "body", "json", "error"],
)
def test_the_deadline_ends_every_wait(call: Call, answer: Script) -> None:
    ended, upstream = _go(call, answer, hold_back_s=60.0, total_s=3.0)

    assert isinstance(ended.error, DeadlineExceeded)
    assert all(reply.is_aborted for reply in upstream.replies)


@pytest.mark.parametrize("call", [ASK, STREAM], ids=["whole", "stream"])
def test_a_client_that_leaves_ends_the_attempt_at_once(call: Call) -> None:
    leaving = Call(call.endpoint, call.body, target=call.target, hang_up_s=0.05)
    ended, upstream = _go(leaving, Script((Pause(math.inf),)), hold_back_s=60.0)

    assert isinstance(ended.error, HungUp)
    assert upstream.replies[0].is_aborted
    assert ended.exchange.provider_wait_s == pytest.approx(0.05)


async def test_a_head_that_cannot_be_rendered_is_the_clients_fault() -> None:
    class Unfit(Scene):
        def outlet(self) -> Outlet:
            def refuse(target: Target, headers: Headers) -> bytes:
                raise BadRequest(f"header anthropic-beta is empty, of {len(headers)} for {target.name}")

            return Outlet(self.upstream, refuse, list)

    upstream = ScriptedUpstream()
    ended = await Unfit((INTAKE,), upstream).call(ASK)

    assert isinstance(ended.error, BadRequest)
    assert upstream.requests == []


def test_edits_of_guards_are_rendered() -> None:
    class Edit:
        async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
            assert exchange.body is not None
            exchange.body.set("model", "other")
            return await call_next(exchange)

    upstream = ScriptedUpstream(whole(ANSWER["anthropic"]))
    run_virtual(Scene((INTAKE, Edit()), upstream).call(ASK))

    assert orjson.loads(upstream.requests[0].body) == {"model": "other", "messages": []}
