from dataclasses import dataclass
from typing import Any

import pytest

from seawall.assembly.language import LANGUAGES
from seawall.core.error import BadRequest
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, MODELS, RESPONSES, Endpoint
from seawall.guards.intake import IntakeGuard
from seawall.guards.tokens.guard import TokensGuard
from seawall.guards.tokens.settings import TokenSettings
from seawall.guards.translation.guard import TranslationGuard
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.testing.scripted_upstream import ScriptedUpstream
from tests.scene import ANSWER, Call, Ended, Scene, target, whole

SETTINGS = TokenSettings(max_tokens=1000)


@dataclass
class Translated:
    """A guard that leaves a request for another endpoint behind, as translation does."""

    sends: Endpoint

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Set the endpoint, then go on."""
        exchange.sends = self.sends
        return await call_next(exchange)


async def _ended(call: Call, settings: TokenSettings = SETTINGS) -> Ended:
    upstream = ScriptedUpstream(whole(ANSWER[call.dialect.name]))
    return await Scene((IntakeGuard(1 << 20, "interactive"), TokensGuard(settings)), upstream).call(call)


@pytest.mark.parametrize(
    ("endpoint", "body", "sent", "notes"),
    [
        pytest.param(MESSAGES, {}, {"max_tokens": 1000}, ["tokens.filled"], id="messages, none"),
        pytest.param(MESSAGES, {"max_tokens": None}, {"max_tokens": 1000}, ["tokens.filled"], id="messages, null"),
        pytest.param(MESSAGES, {"max_tokens": 5}, {"max_tokens": 5}, [], id="messages, below"),
        pytest.param(MESSAGES, {"max_tokens": 0}, {"max_tokens": 0}, [], id="messages, zero"),
        pytest.param(MESSAGES, {"max_tokens": 9000}, {"max_tokens": 1000}, ["tokens.clamped"], id="messages, above"),
        pytest.param(
            MESSAGES,
            {"max_completion_tokens": 9000},
            {"max_completion_tokens": 9000, "max_tokens": 1000},
            ["tokens.filled"],
            id="a field of the other dialect is no ceiling",
        ),
        pytest.param(
            MESSAGES,
            {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"max_tokens": 1000, "thinking": {"type": "disabled"}},
            ["tokens.clamped", "tokens.thinking_fitted"],
            id="messages, a budget for thinking that the provider would refuse beside the ceiling",
        ),
        pytest.param(
            MESSAGES,
            {"max_tokens": 900, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"max_tokens": 900, "thinking": {"type": "enabled", "budget_tokens": 2000}},
            [],
            id="messages, a budget that the client itself got wrong",
        ),
        pytest.param(CHAT, {}, {"max_tokens": 1000}, ["tokens.filled"], id="chat, none"),
        pytest.param(CHAT, {"max_completion_tokens": 5}, {"max_completion_tokens": 5}, [], id="chat, the newer name"),
        pytest.param(CHAT, {"max_tokens": 5}, {"max_tokens": 5}, [], id="chat, the older name"),
        pytest.param(
            CHAT,
            {"max_completion_tokens": 5, "max_tokens": 9000},
            {"max_completion_tokens": 5, "max_tokens": 1000},
            ["tokens.clamped"],
            id="chat, both names, of which a server may read either",
        ),
        pytest.param(
            CHAT,
            {"max_completion_tokens": None, "max_tokens": 5},
            {"max_completion_tokens": None, "max_tokens": 5},
            [],
            id="chat, null beside a number",
        ),
        pytest.param(RESPONSES, {}, {"max_output_tokens": 1000}, ["tokens.filled"], id="responses, none"),
        pytest.param(
            RESPONSES,
            {"max_output_tokens": 9000},
            {"max_output_tokens": 1000},
            ["tokens.clamped"],
            id="responses, above",
        ),
        pytest.param(COUNT_TOKENS, {}, {}, [], id="counting takes no ceiling"),
        pytest.param(EMBEDDINGS, {"input": "x"}, {"input": "x"}, [], id="embeddings take none"),
    ],
)
async def test_every_generating_call_has_a_ceiling(
    endpoint: Endpoint, body: dict[str, Any], sent: dict[str, Any], notes: list[str]
) -> None:
    dialect = "openai" if endpoint in (CHAT, EMBEDDINGS, RESPONSES) else "anthropic"
    ended = await _ended(Call(endpoint, body, target=target(dialect)))

    assert ended.sent == sent
    assert ended.exchange.notes == notes


async def test_the_name_that_the_model_takes_is_filled_in() -> None:
    newer = target("openai", max_tokens_field="max_completion_tokens")

    assert (await _ended(Call(CHAT, {}, target=newer))).sent == {"max_completion_tokens": 1000}


async def test_before_a_target_is_named_the_newest_name_is_filled_in() -> None:
    assert (await _ended(Call(CHAT, {}))).sent == {"max_completion_tokens": 1000}


@pytest.mark.parametrize("endpoint", [MESSAGES, CHAT], ids=["messages", "chat"])
async def test_what_is_no_number_of_tokens_is_refused_with_its_path(endpoint: Endpoint) -> None:
    ended = await _ended(Call(endpoint, {"max_tokens": "many"}))

    assert isinstance(ended.error, BadRequest)
    assert (ended.error.code, ended.error.param) == ("request.invalid", "max_tokens")


async def test_a_route_may_refuse_what_is_above_its_ceiling() -> None:
    ended = await _ended(Call(MESSAGES, {"max_tokens": 1001}), TokenSettings(1000, refuse_above=True))

    assert isinstance(ended.error, BadRequest)
    assert (ended.error.code, ended.error.param) == ("tokens.above_ceiling", "max_tokens")
    assert str(ended.error).startswith("max_tokens: found 1001")


@pytest.mark.parametrize(
    "endpoint", [MESSAGES, COUNT_TOKENS, CHAT, RESPONSES, EMBEDDINGS], ids=lambda endpoint: endpoint.name
)
async def test_a_prompt_that_is_too_long_is_refused(endpoint: Endpoint) -> None:
    ended = await _ended(Call(endpoint, {"input": "x" * 400}), TokenSettings(10, max_input_tokens=100))

    assert isinstance(ended.error, BadRequest)
    assert ended.error.code == "tokens.input_above_ceiling"


async def test_without_a_body_there_is_nothing_to_do() -> None:
    ended = await _ended(Call(MODELS, target=target()))

    assert ended.reply is not None


async def test_after_translation_the_ceiling_stands_where_the_providers_endpoint_looks() -> None:
    guards = (IntakeGuard(1 << 20, "interactive"), Translated(MESSAGES), TokensGuard(SETTINGS))
    upstream = ScriptedUpstream(whole(ANSWER["anthropic"]))
    ended = await Scene(guards, upstream).call(Call(RESPONSES, {"max_tokens": 9000}, target=target()))

    assert ended.sent == {"max_tokens": 1000}


@pytest.mark.parametrize(("asked", "sent"), [(9000, 1000), (5, 5), (None, 1000)], ids=["above", "below", "none"])
async def test_the_ceiling_of_a_translated_call_is_the_only_one_that_is_sent(asked: int | None, sent: int) -> None:
    upstream = ScriptedUpstream(whole(ANSWER["openai"]))
    translation = TranslationGuard(LANGUAGES, is_strict=False)
    scene = Scene((IntakeGuard(1 << 20, "interactive"), translation, TokensGuard(SETTINGS)), upstream)
    newer = target("openai", max_tokens_field="max_completion_tokens")

    turns = [{"role": "user", "content": "Hello"}]
    ended = await scene.call(Call(MESSAGES, {"messages": turns, "max_tokens": asked}, target=newer))

    ceilings = {name: value for name, value in ended.sent.items() if name.startswith("max_")}
    assert ceilings == {"max_completion_tokens": sent}
