import math
from typing import Any

import orjson
import pytest

from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    SeawallError,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.core.record import AttemptRecord
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.meter import MeterGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.watchdog import HungUp
from seawall.testing.scripted_upstream import JSON_HEADERS, Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Instead, Scene, target, whole

INTAKE = IntakeGuard(1 << 20, "interactive")
ASK = Call(MESSAGES, {}, target=target())
STREAM = Call(MESSAGES, {"stream": True}, target=target())
TEXT = frames_of("anthropic/text.sse")
CHUNKS = frames_of("openai/usage.sse")


def _go(call: Call, *answers: Script | SeawallError, hold_back_s: float = 1.0) -> Ended:
    guards = (DeadlineGuard(60.0), INTAKE, MeterGuard())
    return run_virtual(Scene(guards, ScriptedUpstream(*answers), hold_back_s=hold_back_s).call(call))


def _attempt(ended: Ended) -> AttemptRecord:
    (attempt,) = ended.exchange.attempts
    return attempt


def _message(**more: Any) -> dict[str, Any]:  # any JSON values
    return {**ANSWER["anthropic"], **more}


def test_an_attempt_is_recorded_with_its_count_priced() -> None:
    usage = {
        "input_tokens": 1000,
        "cache_read_input_tokens": 2000,
        "cache_creation_input_tokens": 700,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 400},
        "output_tokens": 100,
        "output_tokens_details": {"thinking_tokens": 60},
        "server_tool_use": {"web_search_requests": 3},
    }
    script = Script((Pause(2.0), orjson.dumps(_message(usage=usage))), headers=JSON_HEADERS, head_after_s=1.0)

    assert _attempt(_go(ASK, script)) == AttemptRecord(
        provider="anthropic-provider",
        model="model-of-the-route",
        started_s=0.0,
        duration_s=3.0,
        status=200,
        provider_request_id="req_scripted",
        answered_model="claude-answered",
        stop_reason="end_turn",
        input_tokens=1000,
        cache_read_tokens=2000,
        cache_write_short_tokens=300,
        cache_write_long_tokens=400,
        output_tokens=40,
        thinking_tokens=60,
        web_searches=3,
        usage="reported",
        # 1000 * 3 + 2000 * 0.3 + 300 * 3.75 + 400 * 6 + 100 * 15 dollars a million, and three searches at a cent
        cost_nusd=3_000_000 + 600_000 + 1_125_000 + 2_400_000 + 1_500_000 + 30_000_000,
        price_source="policy.yaml:7",
    )


def test_the_mode_of_the_answer_is_kept() -> None:
    usage = {"input_tokens": 1, "output_tokens": 1, "service_tier": "priority", "speed": "fast", "inference_geo": "us"}
    attempt = _attempt(_go(ASK, whole(_message(usage=usage))))

    assert (attempt.service_tier, attempt.speed, attempt.geo) == ("priority", "fast", "us")


@pytest.mark.parametrize(
    "call",
    [Call(COUNT_TOKENS, {}, target=target(price=None)), Call(MODELS, target=target(price=None))],
    ids=["count", "models"],
)
def test_what_is_not_billed_costs_nothing(call: Call) -> None:
    ended = _go(call, whole({"input_tokens": 5}))

    assert (_attempt(ended).usage, _attempt(ended).cost_nusd) == ("none", 0)
    assert ended.exchange.notes == []


def test_without_a_price_the_cost_is_unknown() -> None:
    ended = _go(Call(MESSAGES, {}, target=target(price=None)), whole(_message()))

    assert (_attempt(ended).usage, _attempt(ended).cost_nusd) == ("reported", None)
    assert (_attempt(ended).input_tokens, _attempt(ended).price_source) == (1000, "")


@pytest.mark.parametrize(
    ("usage", "state", "cost_nusd"),
    [
        pytest.param(None, "missing", None, id="missing"),
        pytest.param({"input_tokens": "5"}, "missing", None, id="unreadable"),
        pytest.param({"input_tokens": -5, "output_tokens": 1}, "unsound", 15_000, id="unsound"),
    ],
)
def test_a_doubtful_count_leaves_a_note(usage: Any, state: str, cost_nusd: int | None) -> None:
    ended = _go(ASK, whole(_message(usage=usage)))

    assert ended.error is None
    assert (_attempt(ended).usage, _attempt(ended).cost_nusd) == (state, cost_nusd)
    assert ended.exchange.notes == [f"usage.{state}"]


def test_embeddings_are_counted() -> None:
    answer = {"object": "list", "data": [{"embedding": [0.5]}], "model": "e", "usage": {"prompt_tokens": 1000}}
    attempt = _attempt(_go(Call(EMBEDDINGS, {}, target=target("openai")), whole(answer)))

    assert (attempt.input_tokens, attempt.cost_nusd) == (1000, 3_000_000)


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize(
    ("asked", "short", "long"),
    [
        pytest.param({}, 300, 0, id="nobody asked"),
        pytest.param({"prompt_cache_options": {"ttl": "30m"}}, 300, 0, id="30m"),
        pytest.param({"prompt_cache_options": {"ttl": "12h"}}, 0, 300, id="12h"),
    ],
)
def test_writes_to_the_cache_that_chat_does_not_tell_apart_live_as_long_as_was_asked(
    asked: dict[str, Any], short: int, long: int, *, is_stream: bool
) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "prompt_tokens_details": {"cache_write_tokens": 300}}
    answer = whole({**ANSWER["openai"], "usage": usage})
    if is_stream:
        closing = b"data: " + orjson.dumps({"choices": [], "usage": usage}) + b"\n\n"
        answer = Script((*CHUNKS[:-2], closing, CHUNKS[-1]))
    attempt = _attempt(_go(Call(CHAT, {"stream": is_stream, **asked}, target=target("openai")), answer))

    assert (attempt.cache_write_short_tokens, attempt.cache_write_long_tokens) == (short, long)
    # 700 * 3 dollars a million, and 3.75 or 6 for the writes
    assert attempt.cost_nusd == 2_100_000 + 3_750 * short + 6_000 * long


FAILURES = [
    pytest.param(UpstreamUnreachable("no"), "upstream.unreachable", 502, "none", 0, id="never sent"),
    pytest.param(UpstreamTimeout("connect", 5.0), "upstream.timeout.connect", 504, "none", 0, id="never connected"),
    pytest.param(UpstreamBroken("cut"), "upstream.broken", 502, "missing", None, id="broken: nobody knows"),
    pytest.param(whole(b"{}", 429), "upstream.refused", 429, "none", 0, id="refused"),
    pytest.param(whole(b"{}", 500), "upstream.refused", 500, "none", 0, id="failed"),
    pytest.param(whole(b"{}", 401), "upstream.credentials", 502, "none", 0, id="credentials"),
    pytest.param(Script((b"{", Break()), 200), "upstream.broken", 502, "missing", None, id="cut off"),
    pytest.param(whole(b"<html>"), "upstream.broken", 502, "missing", None, id="no answer"),
    pytest.param(whole({"error": {"type": "api_error"}}), "upstream.refused", 500, "none", 0, id="an error with 200"),
    pytest.param(Script((Pause(math.inf),)), "deadline.exceeded", 0, "missing", None, id="deadline"),
]


@pytest.mark.parametrize(("answer", "code", "status", "usage", "cost_nusd"), FAILURES)
def test_a_failed_attempt_is_recorded_with_what_is_known_of_its_cost(
    answer: Script | SeawallError, code: str, status: int, usage: str, cost_nusd: int | None
) -> None:
    ended = _go(ASK, answer)
    attempt = _attempt(ended)

    assert isinstance(ended.error, SeawallError)
    assert (attempt.error, attempt.status, attempt.usage, attempt.cost_nusd) == (code, status, usage, cost_nusd)
    assert attempt.provider_request_id == ("req_scripted" if isinstance(answer, Script) and status else "")
    assert ended.exchange.notes == []


def test_what_was_refused_before_it_was_sent_is_no_attempt() -> None:
    refused = run_virtual(Scene((INTAKE, MeterGuard(), Instead(BadRequest("no")))).call(ASK))

    assert isinstance(refused.error, BadRequest)
    assert refused.exchange.attempts == []


def test_an_error_of_ours_is_recorded_as_one() -> None:
    ended = run_virtual(Scene((INTAKE, MeterGuard(), Instead(KeyError("a fault")))).call(ASK))

    assert isinstance(ended.error, KeyError)
    assert _attempt(ended).error == "internal"


def test_without_a_target_nothing_is_recorded() -> None:
    answer = Instead(Reply(200, [], orjson.dumps(_message())))
    ended = run_virtual(Scene((INTAKE, MeterGuard(), answer)).call(Call(MESSAGES, {})))

    assert ended.error is None
    assert ended.exchange.attempts == []


def test_a_stream_is_recorded_when_it_has_ended() -> None:
    script = Script((Pause(2.0), *TEXT[:3], Pause(5.0), *TEXT[3:]))
    attempt = _attempt(_go(STREAM, script))

    assert (attempt.usage, attempt.input_tokens, attempt.output_tokens) == ("reported", 25, 15)
    assert attempt.cost_nusd == 25 * 3_000 + 15 * 15_000
    assert (attempt.first_token_s, attempt.duration_s) == (2.0, 7.0)
    assert (attempt.status, attempt.error, attempt.stop_reason) == (200, "", "end_turn")


def test_a_stream_that_is_cut_keeps_the_count_so_far() -> None:
    ended = _go(STREAM, Script((*TEXT[:4], Break())))
    attempt = _attempt(ended)

    assert isinstance(ended.error, UpstreamBroken)
    assert (attempt.usage, attempt.input_tokens, attempt.output_tokens) == ("partial", 25, 1)
    assert attempt.cost_nusd == 25 * 3_000 + 15_000
    assert (attempt.status, attempt.error) == (200, "upstream.broken")
    assert ended.exchange.notes == []


def test_a_stream_that_fails_before_it_was_promised_keeps_its_count_too() -> None:
    ended = _go(STREAM, Script((TEXT[0], Break())), hold_back_s=20.0)
    attempt = _attempt(ended)

    assert ended.written == []
    assert (attempt.usage, attempt.input_tokens, attempt.status) == ("partial", 25, 502)
    assert attempt.provider_request_id == "req_scripted"


def test_the_client_that_hung_up_is_the_attempts_error() -> None:
    leaving = Call(MESSAGES, {"stream": True}, target=target(), hang_up_s=1.0)
    ended = _go(leaving, Script((*TEXT[:4], Pause(math.inf))))

    assert isinstance(ended.error, HungUp)
    assert (_attempt(ended).error, _attempt(ended).usage) == ("client.hung_up", "partial")


def test_a_whole_stream_without_its_last_count_leaves_a_note() -> None:
    ended = _go(STREAM, Script(frames_of("anthropic/delta_without_usage.sse")))

    assert ended.error is None
    assert ended.exchange.notes == ["usage.partial"]


def test_every_attempt_is_recorded_by_itself() -> None:
    class Again:
        async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
            with pytest.raises(UpstreamBroken):
                await call_next(exchange)
            exchange.taps.clear()  # as the retry guard takes an attempt's taps back
            return await call_next(exchange)

    scripts = (Script((CHUNKS[0], Break())), Script(CHUNKS))
    scene = Scene((INTAKE, Again(), MeterGuard()), ScriptedUpstream(*scripts), hold_back_s=20.0)
    ended = run_virtual(scene.call(Call(CHAT, {"stream": True}, target=target("openai"))))

    assert [attempt.error for attempt in ended.exchange.attempts] == ["upstream.broken", ""]
    assert [attempt.usage for attempt in ended.exchange.attempts] == ["missing", "reported"]
    assert b"".join(ended.written) == b"".join(CHUNKS[:3] + CHUNKS[4:])
    assert len(ended.exchange.taps) == 1


@pytest.mark.parametrize(
    ("body", "sent", "is_shown"),
    [
        pytest.param({}, {"include_usage": True}, False, id="no options"),
        pytest.param({"stream_options": None}, {"include_usage": True}, False, id="null"),
        pytest.param({"stream_options": {"include_usage": False}}, {"include_usage": True}, False, id="not wanted"),
        pytest.param(
            {"stream_options": {"include_obfuscation": False}},
            {"include_obfuscation": False, "include_usage": True},
            False,
            id="other options are kept",
        ),
        pytest.param({"stream_options": {"include_usage": True}}, {"include_usage": True}, True, id="wanted"),
        pytest.param({"stream_options": "odd"}, "odd", True, id="no object: the provider's to refuse"),
    ],
)
def test_the_usage_chunk_is_asked_for_and_kept_from_who_did_not(
    body: dict[str, Any], sent: Any, is_shown: bool
) -> None:
    ended = _go(Call(CHAT, {**body, "stream": True}, target=target("openai")), Script((b"".join(CHUNKS),)))

    assert ended.sent["stream_options"] == sent
    assert b"".join(ended.written) == b"".join(CHUNKS if is_shown else CHUNKS[:3] + CHUNKS[4:])
    assert _attempt(ended).output_tokens == 4
    assert _attempt(ended).thinking_tokens == 5


@pytest.mark.parametrize("name", ["azure", "usage_in_last_content", "obfuscation"])
def test_chunks_that_say_something_else_go_on(name: str) -> None:
    frames = frames_of(f"openai/{name}.sse")
    ended = _go(Call(CHAT, {"stream": True}, target=target("openai")), Script(frames))

    assert b"".join(ended.written) == b"".join(frames)


@pytest.mark.parametrize(
    "call",
    [
        Call(CHAT, {"stream": False}, target=target("openai")),
        Call(EMBEDDINGS, {"stream": True}, target=target("openai")),
        Call(MESSAGES, {}, target=target()),
    ],
    ids=["whole", "embeddings", "other dialect"],
)
def test_nothing_is_asked_where_there_is_no_stream_of_chunks(call: Call) -> None:
    assert "stream_options" not in _go(call).sent


def test_a_models_name_is_bounded_in_the_record() -> None:
    ended = _go(Call(MESSAGES, {}, target=target(model="m" * 500)), whole(_message()))

    assert _attempt(ended).model == "m" * 128


def test_the_error_of_an_unreadable_answer_carries_the_providers_request_id() -> None:
    ended = _go(ASK, whole(b"<html>"))

    assert isinstance(ended.error, UpstreamBroken)
    assert ended.error.headers == ((b"request-id", b"req_scripted"),)
    assert not isinstance(ended.error, UpstreamRefused | UpstreamCredentials | DeadlineExceeded)
