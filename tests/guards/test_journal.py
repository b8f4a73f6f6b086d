import asyncio
import hashlib
import json
import math
from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import BadRequest, DeadlineExceeded, NotAuthenticated, SeawallError, Unavailable
from seawall.core.principal import Principal
from seawall.core.record import CallRecord
from seawall.dialects.dialect import CHAT, MESSAGES, MODELS, Endpoint
from seawall.guards.access.guard import AccessGuard
from seawall.guards.deadline import DeadlineGuard
from seawall.guards.intake import IntakeGuard
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.meter import MeterGuard
from seawall.pipeline.exchange import Exchange, Guard
from seawall.pipeline.watchdog import HungUp
from seawall.telemetry.secret_format import looks_like_secret
from seawall.testing.clock import START_WALL_S
from seawall.testing.scripted_upstream import JSON_HEADERS, Break, Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, Call, Ended, Instead, Records, Scene, target, whole

TEXT = frames_of("anthropic/text.sse")
OWNER = Principal("key_1", "team", "project")
KEY = "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"


def _hash(person: str) -> str:
    return "h_" + hashlib.sha256(b"pepper" + person.encode()).hexdigest()[:16]


def _tidy(text: str) -> str:
    return "[secret]" if looks_like_secret(text) else text


SETTINGS = JournalSettings(_hash, _tidy)


def _go(
    call: Call, *answers: Script | SeawallError, settings: JournalSettings = SETTINGS, inner: tuple[Guard, ...] = ()
) -> tuple[CallRecord, Ended]:
    records = Records()
    guards: tuple[Guard, ...] = (
        JournalGuard(records, settings),
        AccessGuard(),
        DeadlineGuard(60.0),
        IntakeGuard(1 << 20, "analysis"),
        MeterGuard(),
        *inner,
    )
    ended = run_virtual(Scene(guards, ScriptedUpstream(*answers)).call(call))
    (record,) = records.all
    return record, ended


def test_a_good_call_is_recorded() -> None:
    call = Call(
        MESSAGES,
        {"model": "claude-asked"},
        {b"x-seawall-user": b"mara", b"x-seawall-feature": b"drafts", b"x-seawall-conversation": b"c-7"},
        OWNER,
        target=target(),
    )
    script = Script((Pause(2.0), orjson.dumps(ANSWER["anthropic"])), headers=JSON_HEADERS, head_after_s=1.0)
    record, ended = _go(call, script)

    assert record == CallRecord(
        id="req_1",
        at_s=START_WALL_S,
        outcome="ok",
        status=200,
        dialect="anthropic",
        endpoint="messages",
        route="/ai/chat",
        traffic_class="analysis",
        key_id="key_1",
        team="team",
        project="project",
        user=_hash("mara"),
        feature="drafts",
        conversation=_hash("c-7"),
        model_asked="claude-asked",
        provider="anthropic-provider",
        model="model-of-the-route",
        duration_s=3.0,
        overhead_s=0.0,
        stop_reason="end_turn",
        cost_nusd=4_500_000,
        attempts=tuple(ended.exchange.attempts),
    )
    assert len(record.attempts) == 1


def test_what_the_gateway_knows_by_itself_is_recorded() -> None:
    class Knowing:
        async def __call__(self, exchange: Exchange, call_next: Any) -> Any:  # a guard
            exchange.trace_id, exchange.policy_version = "the trace", "the policy"
            exchange.degraded, exchange.is_replayed = "model", True
            exchange.note("a.note")
            return await call_next(exchange)

    record, _ = _go(Call(MESSAGES, {}, target=target()), whole(ANSWER["anthropic"]), inner=(Knowing(),))

    assert (record.trace_id, record.policy_version) == ("the trace", "the policy")
    assert (record.degraded, record.replayed, record.notes) == ("model", True, ("a.note",))
    assert (record.schema, record.prompt_version, record.schema_version, record.cache) == (1, "", "", "off")


def test_a_stream_is_recorded_when_it_has_ended() -> None:
    script = Script((Pause(2.0), *TEXT[:3], Pause(3.0), *TEXT[3:]))
    record, _ = _go(Call(MESSAGES, {"stream": True}, target=target()), script)

    assert (record.outcome, record.status, record.stream, record.error) == ("ok", 200, True, "")
    assert (record.first_token_s, record.duration_s) == (2.0, 5.0)
    assert record.tokens_per_s == 5.0  # 15 tokens in 3 seconds
    assert record.overhead_s < 0.001, "the time of a stream is not ours"
    assert record.attempts[0].output_tokens == 15


def test_what_we_take_before_the_answer_is_our_overhead() -> None:
    class Slow:
        async def __call__(self, exchange: Exchange, call_next: Any) -> Any:  # a guard
            await asyncio.sleep(0.25)
            return await call_next(exchange)

    stream, _ = _go(Call(MESSAGES, {"stream": True}, target=target()), Script((Pause(0.5), *TEXT)), inner=(Slow(),))
    plain, _ = _go(Call(MESSAGES, {}, target=target()), whole(ANSWER["anthropic"]), inner=(Slow(),))

    assert stream.overhead_s == pytest.approx(0.25)
    assert plain.overhead_s == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("call", "answers", "outcome", "status", "error"),
    [
        pytest.param(Call(MESSAGES, {}, principal=None), (), "refused", 401, "access.unauthenticated", id="nobody"),
        pytest.param(
            Call(MESSAGES, {}, principal=Principal("k", routes=("/x",))), (), "refused", 403, "access.route", id="route"
        ),
        pytest.param(Call(MESSAGES, b"oops"), (), "refused", 400, "request.json", id="no JSON"),
        pytest.param(Call(CHAT, {"user": 1, "stream": 2}), (), "refused", 400, "request.invalid", id="stream"),
        pytest.param(
            Call(MESSAGES, {}, target=target()), (whole(b"{}", 429),), "failed", 429, "upstream.refused", id="provider"
        ),
        pytest.param(Call(MESSAGES, {}, target=target()), (), "failed", 502, "upstream.unreachable", id="unreachable"),
        pytest.param(
            Call(MESSAGES, {}, target=target()),
            (Script((Pause(math.inf),)),),
            "failed",
            504,
            "deadline.exceeded",
            id="deadline",
        ),
        pytest.param(
            Call(MESSAGES, {}, target=target(), hang_up_s=1.0),
            (Script((Pause(math.inf),)),),
            "hung_up",
            499,
            "client.hung_up",
            id="hung up",
        ),
        pytest.param(
            Call(MESSAGES, {"stream": True}, target=target(), hang_up_s=1.0),
            (Script((*TEXT[:3], Pause(math.inf))),),
            "hung_up",
            200,
            "client.hung_up",
            id="hung up in a stream",
        ),
        pytest.param(
            Call(MESSAGES, {"stream": True}, target=target()),
            (Script((*TEXT[:4], Break())),),
            "failed",
            200,
            "upstream.broken",
            id="a stream cut off",
        ),
        pytest.param(
            Call(MESSAGES, {"stream": True}, target=target()),
            (Script((TEXT[0], Break())),),
            "failed",
            502,
            "upstream.broken",
            id="a stream cut off before it was promised",
        ),
    ],
)
def test_every_ending_is_recorded_once(
    call: Call, answers: tuple[Script, ...], outcome: str, status: int, error: str
) -> None:
    record, ended = _go(call, *answers)

    assert ended.error is not None
    assert (record.outcome, record.status, record.error) == (outcome, status, error)
    assert record.dialect == call.dialect.name
    assert record.endpoint == call.endpoint.name


@pytest.mark.parametrize(
    ("error", "outcome", "status", "code"),
    [
        (KeyError("a fault of ours"), "failed", 0, "internal"),
        (Unavailable("the key store"), "failed", 503, "unavailable"),
        (NotAuthenticated("no"), "refused", 401, "access.unauthenticated"),
        (DeadlineExceeded("late"), "failed", 504, "deadline.exceeded"),
        (HungUp("gone"), "hung_up", 499, "client.hung_up"),
        (BadRequest("no", code="route.stream"), "refused", 400, "route.stream"),
    ],
)
def test_every_error_has_its_outcome(error: Exception, outcome: str, status: int, code: str) -> None:
    record, _ = _go(Call(MESSAGES, {}, target=target()), inner=(Instead(error),))

    assert (record.outcome, record.status, record.error) == (outcome, status, code)


def test_a_shutdown_is_recorded_and_goes_on() -> None:
    records = Records()

    async def main() -> Ended:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        scene = Scene((JournalGuard(records, SETTINGS),), ScriptedUpstream(Script((Pause(math.inf),))))
        try:
            return await scene.call(Call(MODELS, target=target()))
        finally:
            task.uncancel()

    assert isinstance(run_virtual(main()).error, asyncio.CancelledError)
    assert [(record.outcome, record.error) for record in records.all] == [("failed", "cancelled")]


def test_the_costs_of_all_attempts_are_summed() -> None:
    class Twice:
        async def __call__(self, exchange: Exchange, call_next: Any) -> Any:  # a guard
            await call_next(exchange)
            return await call_next(exchange)

    records = Records()
    answers = (whole(ANSWER["anthropic"]), whole({**ANSWER["anthropic"], "usage": None}))
    guards = (JournalGuard(records, SETTINGS), IntakeGuard(1 << 20, ""), Twice(), MeterGuard())
    run_virtual(Scene(guards, ScriptedUpstream(*answers)).call(Call(MESSAGES, {}, target=target())))

    (record,) = records.all
    assert [attempt.cost_nusd for attempt in record.attempts] == [4_500_000, None]
    assert record.cost_nusd == 4_500_000
    assert record.notes == ("usage.missing",)


@pytest.mark.parametrize(("endpoint", "name"), [(MESSAGES, "anthropic"), (CHAT, "openai")], ids=["anthropic", "openai"])
def test_a_whole_answer_has_no_rate_and_no_first_token(endpoint: Endpoint, name: str) -> None:
    record, _ = _go(Call(endpoint, {}, target=target(name)), whole(ANSWER[name]))

    assert record.first_token_s is None
    assert record.tokens_per_s is None


def test_a_stream_without_tokens_has_no_rate() -> None:
    frames = [TEXT[0], *TEXT[1:5], TEXT[5].replace(b'"output_tokens":15', b'"output_tokens":0'), TEXT[6]]
    record, _ = _go(Call(MESSAGES, {"stream": True}, target=target()), Script((Pause(0.5), *frames, Pause(1.0))))

    assert record.first_token_s == 0.5
    assert record.tokens_per_s is None


def test_redacted_text_is_recorded_only_where_there_is_an_engine() -> None:
    with_engine = replace(SETTINGS, redact=lambda exchange: f"[{exchange.endpoint.name}]")

    assert _go(Call(MESSAGES, {}, target=target()), settings=with_engine)[0].prompt_prefix == "[messages]"
    assert _go(Call(MESSAGES, {}, target=target()))[0].prompt_prefix == ""


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({b"x-seawall-feature": KEY.encode()}, {}, id="the feature"),
        pytest.param({}, {"model": KEY}, id="the model"),
        pytest.param({}, {"model": "m" * 100 + "/" + KEY}, id="the model, where a cut would hide it"),
        pytest.param({}, {"model": "m" * 120 + "/" + KEY}, id="the model, cut in the middle of it"),
    ],
)
def test_a_credential_in_a_label_is_tidied_away_before_the_label_is_cut(
    headers: dict[bytes, bytes], body: dict[str, str]
) -> None:
    record, _ = _go(Call(MESSAGES, body, headers, target=target()), whole(ANSWER["anthropic"]))

    assert KEY[:14] not in repr(record)


def test_a_credential_in_a_models_name_is_tidied_away_from_its_attempts_too() -> None:
    record, _ = _go(Call(MESSAGES, {}, target=target(model=f"claude-{KEY}")), whole(ANSWER["anthropic"]))

    assert record.model == "[secret]"
    assert [attempt.model for attempt in record.attempts] == ["[secret]"]
    assert KEY[:14] not in repr(record)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def told(draw: st.DrawFn) -> tuple[dict[str, Any], dict[bytes, bytes], str]:
    """Draw a request with one unmistakable word in every place where a client can put one, but labels and models."""
    word = f"CANARY{draw(st.integers(10**9, 10**10))}"
    text = st.builds(lambda before, after: before + word + after, TEXTS, TEXTS)
    inner = st.recursive(text, lambda below: st.lists(below, max_size=3) | st.dictionaries(text, below, max_size=2))
    names = ["messages", "system", "tools", "metadata", "user", "safety_identifier", "stop_sequences", "anything"]
    body = draw(st.dictionaries(st.one_of(st.sampled_from(names), text), inner, max_size=6))
    if draw(st.booleans()):
        body["metadata"] = {"user_id": draw(text)}
    labels = [b"x-seawall-user", b"x-seawall-conversation", b"authorization", b"x-api-key", b"cookie", b"x-other"]
    headers = {name: word.encode() for name in draw(st.sets(st.sampled_from(labels)))}
    return body, headers, word


@given(told(), st.sampled_from(["ok", "stream", "refused", "failed", "echo"]))
def test_no_text_of_a_client_gets_into_a_record(
    drawn: tuple[dict[str, Any], dict[bytes, bytes], str], kind: str
) -> None:
    body, headers, word = drawn
    echo = {**ANSWER["anthropic"], "content": [{"type": "text", "text": json.dumps(body)}]}
    answer = {
        "ok": whole(ANSWER["anthropic"]),
        "stream": Script((TEXT[0], b"event: content_block_delta\ndata: " + word.encode() + b"\n\n", *TEXT[1:])),
        "refused": whole({"error": {"type": "invalid_request_error", "message": f"bad {word}"}}, 400),
        "failed": Script((b"<html>" + word.encode(), Break(f"broke at {word}"))),
        "echo": whole(echo),
    }[kind]
    if kind == "stream":
        body["stream"] = True

    record, ended = _go(Call(MESSAGES, body, headers, target=target()), answer)

    assert ended.exchange.body is not None
    assert word not in msgspec.json.encode(record).decode()
    assert word not in repr(record)


@given(st.text(max_size=200), st.text(max_size=300))
def test_labels_and_models_are_bounded_and_printable(feature: str, model: str) -> None:
    exchange_of: list[Exchange] = []

    class Keep:
        async def __call__(self, exchange: Exchange, call_next: Any) -> Any:  # a guard
            exchange_of.append(exchange)
            return await call_next(exchange)

    headers = {b"x-seawall-feature": feature.encode("utf-8", "replace")}
    body = orjson.dumps({"model": model.encode("utf-8", "replace").decode()})
    record, _ = _go(Call(MESSAGES, body, headers, target=target()), inner=(Keep(),))

    for text in (record.feature, record.model_asked, record.user, record.error):
        assert len(text) <= 128
        assert text.isprintable()
