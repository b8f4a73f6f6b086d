from pathlib import Path
from typing import Any

import orjson
import pytest

from seawall.assembly.language import LANGUAGES
from seawall.core.error import BadRequest, Unsupported, UpstreamBroken, UpstreamRefused
from seawall.core.record import MAX_NOTES
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES
from seawall.guards.intake import IntakeGuard
from seawall.guards.meter import MeterGuard
from seawall.guards.translation.guard import TranslationGuard
from seawall.testing.clock import START_WALL_S
from seawall.testing.scripted_upstream import JSON_HEADERS, STREAM_HEADERS, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

INTAKE = IntakeGuard(1 << 20, "interactive")
CLAUDE, GPT = target("anthropic"), target("openai", "gpt-of-the-route", max_tokens_field="max_completion_tokens")
TURNS = [{"role": "user", "content": "Two and two?"}]
FIXTURES = Path(__file__).parents[2] / "dialects" / "fixtures"


def _go(call: Call, *answers: Any, is_strict: bool = False) -> tuple[Ended, ScriptedUpstream]:
    upstream = ScriptedUpstream(*answers)
    guards = (INTAKE, TranslationGuard(LANGUAGES, is_strict=is_strict), MeterGuard())
    return run_virtual(Scene(guards, upstream).call(call)), upstream


def _sent(upstream: ScriptedUpstream) -> Any:  # what the JSON says
    (request,) = upstream.requests
    return orjson.loads(request.body)


def test_a_request_that_the_target_understands_keeps_its_bytes() -> None:
    raw = b'{ "model" : "model-of-the-route", "n": 1.0 }'
    ended, upstream = _go(Call(MESSAGES, raw, target=CLAUDE), whole(ANSWER["anthropic"]))

    assert upstream.requests[0].body == raw
    assert ended.exchange.notes == []


@pytest.mark.parametrize("asked", [{}, {"model": "another"}])
def test_the_targets_model_replaces_the_clients(asked: dict[str, str]) -> None:
    _, upstream = _go(Call(MESSAGES, asked, target=CLAUDE), whole(ANSWER["anthropic"]))

    assert _sent(upstream) == {"model": "model-of-the-route"}


def test_a_claude_client_is_served_by_another_dialect() -> None:
    ask = Call(MESSAGES, {"model": "x", "max_tokens": 9, "messages": TURNS}, target=GPT, query="beta=true")
    ended, upstream = _go(ask, whole(ANSWER["openai"]))

    (request,) = upstream.requests
    assert request.path == "/v1/chat/completions", "the query was the other dialect's"
    assert _sent(upstream)["model"] == "gpt-of-the-route"
    assert ended.reply is not None
    answer = orjson.loads(ended.reply.body)
    assert (answer["type"], answer["content"], answer["stop_reason"]) == (
        "message",
        [{"type": "text", "text": "Four."}],
        "end_turn",
    )
    assert answer["model"] == "gpt-answered", "who really answered"
    assert ended.exchange.notes == ["translated"]
    assert ended.exchange.attempts[0].cost_nusd == 1000 * 3000 + 100 * 15000, "priced by the provider's own count"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_ceiling_goes_where_the_target_looks_for_it(name: str) -> None:
    to = target("openai", max_tokens_field=name)
    _, upstream = _go(Call(MESSAGES, {"max_tokens": 9, "messages": TURNS}, target=to), whole(ANSWER["openai"]))

    assert {field: value for field, value in _sent(upstream).items() if "tokens" in field} == {name: 9}


def test_a_gpt_client_is_served_by_another_dialect() -> None:
    ask = Call(CHAT, {"model": "x", "messages": TURNS, "seed": 7}, target=CLAUDE)
    ended, upstream = _go(ask, whole(ANSWER["anthropic"]))

    assert upstream.requests[0].path == "/v1/messages"
    assert ended.reply is not None
    answer = orjson.loads(ended.reply.body)
    assert answer["choices"][0]["message"]["content"] == "Four."
    assert answer["usage"]["total_tokens"] == 1100
    assert answer["created"] == int(START_WALL_S), "Claude tells no time"
    assert ended.exchange.notes == ["translated", "dropped.seed"]


@pytest.mark.parametrize(
    ("call", "fixture", "ends_with"),
    [
        (
            Call(MESSAGES, {"messages": TURNS, "max_tokens": 9, "stream": True}, target=GPT),
            "openai/usage",
            b"message_stop",
        ),
        (Call(CHAT, {"messages": TURNS, "stream": True}, target=CLAUDE), "anthropic/text", b"data: [DONE]\n\n"),
    ],
    ids=["claude client", "gpt client"],
)
def test_streams_are_turned_frame_by_frame(call: Call, fixture: str, ends_with: bytes) -> None:
    frames = (FIXTURES / f"{fixture}.sse").read_bytes()
    cut = len(frames) // 2
    ended, _ = _go(call, Script((frames[:cut], frames[cut:]), headers=STREAM_HEADERS))

    written = b"".join(ended.written)
    assert ended.error is None
    assert call.endpoint is MESSAGES or b'"created":%d' % START_WALL_S in written
    assert ends_with in written[-200:]
    assert (b"event: " in written) == (call.endpoint is MESSAGES)
    assert ended.exchange.attempts[0].usage == "reported"


def test_the_providers_own_fields_are_named_as_the_client_knows_them() -> None:
    headers = (*JSON_HEADERS, (b"anthropic-ratelimit-requests-limit", b"7"), (b"retry-after", b"3"))
    ask = Call(CHAT, {"messages": TURNS}, target=CLAUDE)
    good, _ = _go(ask, whole(ANSWER["anthropic"], headers=headers))
    bad, _ = _go(ask, whole({"type": "error", "error": {"type": "rate_limit_error"}}, 429, headers))

    assert good.reply is not None
    assert good.reply.headers == [(b"x-request-id", b"req_scripted"), (b"retry-after", b"3")]
    assert isinstance(bad.error, UpstreamRefused)
    assert bad.error.headers == ((b"x-request-id", b"req_scripted"), (b"retry-after", b"3"))


@pytest.mark.parametrize(("to", "notes"), [(GPT, ["translated", "dropped.betas"]), (CLAUDE, [])])
def test_betas_that_the_target_never_hears_of_are_told(to: Target, notes: list[str]) -> None:
    asked = {"model": "model-of-the-route", "max_tokens": 9, "messages": TURNS}
    ask = Call(MESSAGES, asked, {b"anthropic-beta": b"context-management-2025-06-27"}, target=to)

    ended, _ = _go(ask, whole(ANSWER[to.provider.dialect]))

    assert ended.exchange.notes == notes


def test_a_strict_route_loses_nothing() -> None:
    ended, upstream = _go(Call(CHAT, {"messages": TURNS, "seed": 7}, target=CLAUDE), is_strict=True)

    assert isinstance(ended.error, Unsupported)
    assert "seed" in str(ended.error)
    assert upstream.requests == []


@pytest.mark.parametrize("call", [Call(COUNT_TOKENS, {}, target=GPT), Call(EMBEDDINGS, {}, target=CLAUDE)])
def test_an_endpoint_that_the_target_does_not_have_is_refused(call: Call) -> None:
    ended, upstream = _go(call)

    assert isinstance(ended.error, Unsupported)
    assert "has no such endpoint" in str(ended.error)
    assert upstream.requests == []


def test_a_request_that_is_none_of_its_own_dialect_is_refused() -> None:
    ended, _ = _go(Call(MESSAGES, {"messages": "hello"}, target=GPT))

    assert isinstance(ended.error, BadRequest)
    assert ended.error.param == "messages"


def test_an_answer_that_is_none_is_a_failure_of_the_provider() -> None:
    ended, _ = _go(Call(MESSAGES, {"messages": TURNS, "max_tokens": 9}, target=GPT), whole(b"<html>"))

    assert isinstance(ended.error, UpstreamBroken)


def test_a_call_without_a_target_is_a_fault_of_ours() -> None:
    assert isinstance(_go(Call(MESSAGES, {}))[0].error, RuntimeError)


CITED = {
    **ANSWER["anthropic"],
    "content": [{"type": "text", "text": "Four.", "citations": [{"type": "char_location", "cited_text": "4"}]}],
}


def test_what_an_answer_loses_is_noted_before_its_head_is_written() -> None:
    ended, _ = _go(Call(CHAT, {"messages": TURNS}, target=CLAUDE), whole(CITED))

    assert ended.error is None
    assert ended.exchange.notes == ["translated", "dropped.answer.citations"]


def test_a_strict_route_never_refuses_an_answer() -> None:
    ended, _ = _go(Call(CHAT, {"messages": TURNS}, target=CLAUDE), whole(CITED), is_strict=True)

    assert ended.error is None
    assert ended.exchange.notes == ["translated", "dropped.answer.citations"]


def test_what_a_stream_loses_is_noted_for_the_record() -> None:
    frames = (FIXTURES / "anthropic" / "server_tool.sse").read_bytes()
    ended, _ = _go(
        Call(CHAT, {"messages": TURNS, "stream": True}, target=CLAUDE), Script((frames,), headers=STREAM_HEADERS)
    )

    assert ended.error is None
    assert ended.exchange.notes == ["translated", "dropped.answer.server_tools", "dropped.answer.citations"]


def test_notes_stay_within_their_bound() -> None:
    asked = {"messages": TURNS, **{f"field_{number}": 1 for number in range(MAX_NOTES)}}
    ended, _ = _go(Call(CHAT, asked, target=CLAUDE), whole(CITED))

    assert len(ended.exchange.notes) == MAX_NOTES
    assert "dropped.answer.citations" not in ended.exchange.notes
