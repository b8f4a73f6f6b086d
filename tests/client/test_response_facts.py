from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.types import Message
from openai import OpenAI

from seawall.client.response_facts import list_price, read_field, read_response
from seawall.core.usage import Usage

MESSAGE: dict[str, Any] = {  # Any: the JSON of a provider
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "secret words"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_creation_input_tokens": 300,
        "cache_read_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens_details": {"thinking_tokens": 5},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "standard",
    },
}
CHAT: dict[str, Any] = {  # Any: as above
    "object": "chat.completion",
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "secret words"}}],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}


@pytest.mark.parametrize(
    "response",
    [pytest.param(MESSAGE, id="the JSON"), pytest.param(Message.model_validate(MESSAGE), id="the SDK's object")],
)
def test_a_message_tells_every_kind_of_token(response: object) -> None:
    told = read_response(response)

    assert told is not None
    assert told.dialect == "anthropic"
    assert told.facts.usage == Usage(10, 7, 100, 200, 15, 5, 2)
    assert (told.facts.model, told.facts.stop_reason) == ("claude-haiku-4-5", "end_turn")


def test_a_chat_completion_tells_cached_and_reasoning_tokens() -> None:
    told = read_response(CHAT)

    assert told is not None
    assert told.dialect == "openai"
    assert told.facts.usage == Usage(input=4, cache_read=6, output=3, thinking=1)
    assert (told.facts.model, told.facts.stop_reason) == ("gpt-4o-mini", "stop")


def test_a_response_tells_its_tokens_and_why_it_stopped() -> None:
    told = read_response(
        {
            "object": "response",
            "model": "gpt-5.5",
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "secret words"}]}],
            "usage": {
                "input_tokens": 10,
                "input_tokens_details": {"cached_tokens": 6},
                "output_tokens": 4,
                "output_tokens_details": {"reasoning_tokens": 1},
                "total_tokens": 14,
            },
            "tool_usage": {"web_search": {"num_requests": 2}},
        }
    )

    assert told is not None
    assert told.dialect == "openai"
    assert told.facts.usage == Usage(input=4, cache_read=6, output=3, thinking=1, web_searches=2)
    assert (told.facts.model, told.facts.stop_reason) == ("gpt-5.5", "max_output_tokens")


def test_what_the_sdks_return_is_read(claude: Anthropic, gpt: OpenAI) -> None:
    message = claude.messages.create(
        model="claude-haiku-4-5", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
    )
    chat = gpt.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
    answer = gpt.responses.create(model="gpt-5.5", input="Hello")
    vectors = gpt.embeddings.create(model="text-embedding-3-small", input="Hello")

    told = [read_response(response) for response in (message, chat, answer, vectors)]

    assert [found.facts.usage_state if found else None for found in told] == ["reported"] * 4
    used = [found.facts.usage for found in told if found and found.facts.usage]
    written = [message.usage.output_tokens, chat.usage.completion_tokens, answer.usage.output_tokens, 0]  # type: ignore[union-attr]  # the sandbox always says
    assert [usage.billed_output for usage in used] == written


class Touchy:
    """An object that does not like to be looked at."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(f"do not look at my {name}")


@pytest.mark.parametrize(
    "response",
    [
        pytest.param("a text", id="text"),
        pytest.param(None, id="nothing"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param(iter(()), id="a stream"),
        pytest.param(Touchy(), id="an object that raises"),
        pytest.param({"type": "error", "error": {}}, id="an error"),
        pytest.param({"object": "chat.completion"}, id="half a completion"),
        pytest.param({"object": "chat.completion", "choices": 7}, id="a completion of another make"),
        pytest.param({"type": ["message"]}, id="a type that is no text"),
        pytest.param(SimpleNamespace(type="message", model="\ud800", usage=Touchy()), id="texts that no JSON can hold"),
    ],
)
def test_whatever_else_it_is_nothing_is_told_and_nothing_is_raised(response: object) -> None:
    assert read_response(response) is None


def test_usage_that_is_missing_is_missing() -> None:
    told = read_response({**MESSAGE, "usage": None})

    assert told is not None
    assert (told.facts.usage, told.facts.usage_state) == (None, "missing")


def test_a_record_that_holds_itself_has_an_end() -> None:
    usage = SimpleNamespace(input_tokens=1, output_tokens=2)
    usage.itself = usage

    told = read_response({**MESSAGE, "usage": usage})

    assert told is not None
    assert told.facts.usage == Usage(input=1, output=2)


def test_a_field_is_a_key_or_an_attribute_or_none() -> None:
    assert read_field({"name": 1}, "name") == 1
    assert read_field(SimpleNamespace(name=2), "name") == 2
    assert read_field({}, "name") is None
    assert read_field(Touchy(), "name") is None


def test_a_model_that_is_known_has_a_list_price_of_the_day() -> None:
    price = list_price("anthropic", "claude-haiku-4-5-20251001", date(2026, 11, 21))

    assert price is not None
    assert price.rates(1).output == 5 * price.rates(1).input == 5_000_000_000


def test_a_model_that_nobody_knows_has_none() -> None:
    assert list_price("anthropic", "no-such-model", date(2026, 11, 21)) is None
