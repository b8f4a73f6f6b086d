from dataclasses import dataclass
from typing import Any

import pytest

from seawall.assembly.language import LANGUAGES
from seawall.core.target import Target
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, RESPONSES, Endpoint
from seawall.guards.intake import IntakeGuard
from seawall.guards.sampling.guard import SamplingGuard
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.translation.guard import TranslationGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.testing.scripted_upstream import ScriptedUpstream
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

COLD = SamplingSettings(temperature=0.0)
JSON = SamplingSettings(json_answer=True)


@dataclass
class Translated:
    """A guard that leaves a request for another endpoint behind, as translation does."""

    sends: Endpoint

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Set the endpoint, then go on."""
        exchange.sends = self.sends
        return await call_next(exchange)


async def _ended(call: Call, settings: SamplingSettings) -> Ended:
    upstream = ScriptedUpstream(whole(ANSWER[call.dialect.name]))
    return await Scene((IntakeGuard(1 << 20, "interactive"), SamplingGuard(settings)), upstream).call(call)


@pytest.mark.parametrize(
    ("endpoint", "headers", "to", "body", "sent", "notes"),
    [
        pytest.param(MESSAGES, {}, target(), {}, {"temperature": 0.0}, ["sampling.set"], id="messages"),
        pytest.param(CHAT, {}, target("openai"), {}, {"temperature": 0.0}, ["sampling.set"], id="chat"),
        pytest.param(RESPONSES, {}, target("openai"), {}, {"temperature": 0.0}, ["sampling.set"], id="responses"),
        pytest.param(MESSAGES, {}, None, {}, {"temperature": 0.0}, ["sampling.set"], id="no target yet"),
        pytest.param(
            MESSAGES,
            {b"anthropic-version": b"2023-06-01"},
            target(),
            {"top_k": 4},
            {"top_k": 4, "temperature": 0.0},
            ["sampling.set"],
            id="the older API version",
        ),
        pytest.param(
            MESSAGES,
            {b"anthropic-version": b"2026-10-21"},
            target(),
            {"top_k": 4, "temperature": 1},
            {},
            ["sampling.dropped"],
            id="the newer API version takes none",
        ),
        pytest.param(
            CHAT,
            {b"anthropic-version": b"2026-10-21"},
            target("openai"),
            {},
            {"temperature": 0.0},
            ["sampling.set"],
            id="a version says nothing to the other dialect",
        ),
        pytest.param(
            MESSAGES, {}, target(drops_sampling=True), {"top_p": 1}, {}, ["sampling.dropped"], id="the model takes none"
        ),
        pytest.param(COUNT_TOKENS, {}, target(), {"a": 1}, {"a": 1}, [], id="counting is left alone"),
        pytest.param(EMBEDDINGS, {}, target("openai"), {"a": 1}, {"a": 1}, [], id="embeddings are left alone"),
    ],
)
async def test_the_policys_sampling_goes_in_where_the_model_takes_it(
    endpoint: Endpoint,
    headers: dict[bytes, bytes],
    to: Target | None,
    body: dict[str, Any],
    sent: dict[str, Any],
    notes: list[str],
) -> None:
    ended = await _ended(Call(endpoint, body, headers, target=to), COLD)

    assert ended.sent == sent
    assert ended.exchange.notes == notes


async def test_a_json_answer_is_asked_for_in_the_dialect_that_knows_it() -> None:
    asked = {"messages": [{"role": "user", "content": "as JSON, please"}]}
    chat = await _ended(Call(CHAT, asked, target=target("openai")), JSON)
    messages = await _ended(Call(MESSAGES, asked, target=target()), JSON)

    assert chat.sent == {**asked, "response_format": {"type": "json_object"}}
    assert chat.exchange.notes == ["json.requested"]
    assert messages.sent == asked


async def test_a_json_answer_of_the_responses_api_keeps_what_else_is_said_of_the_text() -> None:
    asked = {"input": "as JSON, please", "text": {"verbosity": "low"}}
    ended = await _ended(Call(RESPONSES, asked, target=target("openai")), JSON)

    assert ended.sent == {**asked, "text": {"verbosity": "low", "format": {"type": "json_object"}}}
    assert ended.exchange.notes == ["json.requested"]


async def test_without_a_body_there_is_nothing_to_do() -> None:
    assert (await _ended(Call(MODELS, target=target()), COLD)).reply is not None


async def test_after_translation_a_json_answer_is_asked_for_in_the_providers_words() -> None:
    guards = (IntakeGuard(1 << 20, "interactive"), Translated(RESPONSES), SamplingGuard(JSON))
    upstream = ScriptedUpstream(whole(ANSWER["anthropic"]))
    ended = await Scene(guards, upstream).call(Call(MESSAGES, {"input": "as JSON"}, target=target("openai")))

    assert ended.sent == {"input": "as JSON", "text": {"format": {"type": "json_object"}}}


@pytest.mark.parametrize(
    ("endpoint", "dialect", "asks_for_json"),
    [(CHAT, "anthropic", False), (MESSAGES, "openai", True)],
    ids=["from chat to messages", "from messages to chat"],
)
async def test_a_translated_call_is_changed_as_its_target_reads_it(
    endpoint: Endpoint, dialect: str, asks_for_json: bool
) -> None:
    upstream = ScriptedUpstream(whole(ANSWER[dialect]))
    translation = TranslationGuard(LANGUAGES, is_strict=False)
    scene = Scene((IntakeGuard(1 << 20, "interactive"), translation, SamplingGuard(JSON)), upstream)
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hello, as JSON"}]}
    headers = {b"anthropic-version": b"2026-10-21"}

    ended = await scene.call(Call(endpoint, asked, headers=headers, target=target(dialect)))

    assert ("response_format" in ended.sent) is asks_for_json
