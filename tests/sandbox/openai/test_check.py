from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.openai.check import text_of
from seawall.sandbox.openai.endpoint import chat
from seawall.sandbox.openai.model import GPT
from seawall.sandbox.problem import Problem
from seawall.sandbox.setting import Settings

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}


def _body(model: str = "gpt-5.5", **change: Any) -> dict[str, Any]:
    return {"model": model, "messages": [USER]} | change


def _schema(**schema: Any) -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    return _body(response_format=form)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(_body(max_tokens=5), "Use 'max_completion_tokens' instead", id="max_tokens on a reasoning model"),
        pytest.param(
            _body("gpt-4o", max_tokens=5, max_completion_tokens=5),
            "at the same time is not supported",
            id="both limits",
        ),
        pytest.param(_body("gpt-4o", max_tokens=16_385), "max_tokens is too large: 16385", id="too many tokens"),
        pytest.param(
            _body(max_completion_tokens=200_000), "max_completion_tokens is too large", id="too many completion tokens"
        ),
        pytest.param(
            _body("gpt-6-astra", temperature=1),
            "'temperature' is not supported with this model",
            id="no temperature at all",
        ),
        pytest.param(
            _body("gpt-5-mini", temperature=0.5),
            "Only the default (1) value is supported",
            id="default temperature only",
        ),
        pytest.param(_body("o3", stop="x"), "'stop' is not supported with this model", id="stop"),
        pytest.param(
            _body("gpt-4o", reasoning_effort="low"),
            "Unrecognized request argument",
            id="effort on a model that does not reason",
        ),
        pytest.param(
            _body("gpt-6-astra", reasoning_effort="none"),
            "does not support 'none' with this model",
            id="an effort it has not",
        ),
        pytest.param(
            _body("gpt-5.6-terra", tools=[TOOL]), "Please use /v1/responses instead", id="tools without a sent none"
        ),
        pytest.param(
            _body("gpt-5.6-terra", tools=[TOOL], reasoning_effort="low"),
            "Please use /v1/responses",
            id="tools with effort",
        ),
        pytest.param(
            _body("gpt-5.4", tools=[TOOL], reasoning_effort="low"),
            "Please use /v1/responses",
            id="tools with effort on 5.4",
        ),
        pytest.param(
            _body("gpt-6.1-sol", tools=[TOOL]), "Please use /v1/responses instead", id="tools on Responses only"
        ),
        pytest.param(_body(tool_choice="auto"), "only allowed when 'tools' are specified", id="choice without tools"),
        pytest.param(
            _body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}),
            "Tool choice 'x' not found",
            id="no such tool",
        ),
        pytest.param(
            _body(stream_options={"include_usage": True}),
            "only allowed when 'stream' is enabled",
            id="stream options alone",
        ),
        pytest.param(
            _body(response_format={"type": "json_object"}), "must contain the word 'json'", id="json unannounced"
        ),
        pytest.param(_body(logprobs=True), "'logprobs' is not simulated", id="log probabilities"),
        pytest.param(_body(modalities=["text", "audio"]), "Audio output is not simulated", id="audio"),
        pytest.param(_schema(type="array"), "schema must be a JSON Schema of 'type: \"object\"'", id="strict list"),
        pytest.param(_schema(type="object"), "In context=(), 'additionalProperties' is required", id="strict and open"),
        pytest.param(
            _schema(type="object", additionalProperties=False, properties={"a": {}}),
            "Missing 'a'",
            id="strict and optional",
        ),
        pytest.param(
            _schema(type="object", additionalProperties=False, required=["a"], properties={"a": {"type": "object"}}),
            "In context=('properties.a',)",
            id="strict inside",
        ),
        pytest.param(
            _body(tools=[{"type": "function", "function": {"name": "f", "strict": True}}]),
            "Invalid schema for function 'f'",
            id="strict tool",
        ),
        pytest.param(
            _body(messages=[USER, RESULT]), "must be a response to a preceeding message", id="a result of nothing"
        ),
        pytest.param(
            _body(messages=[USER, CALL, USER]), "did not have response messages: call_1", id="a missing result"
        ),
        pytest.param(
            _body(messages=[USER, CALL]), "did not have response messages: call_1", id="a missing result at the end"
        ),
        pytest.param(_body(messages=[USER, CALL, RESULT, RESULT]), "must be a response", id="a result twice"),
        pytest.param(
            _body(messages=[USER, {"role": "assistant"}]), "expected a string, got null", id="an empty assistant"
        ),
        pytest.param(
            _body("gpt-4o", messages=[{"role": "user", "content": "a " * 130_000}]),
            "maximum context length is 128000",
            id="too long",
        ),
    ],
)
def test_a_request_is_refused(make_call: Callable[..., Call], body: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem) as caught:
        chat(make_call(body))

    assert caught.value.status == 400
    assert says in caught.value.message


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_body("gpt-4o", max_tokens=5, temperature=0.2, top_p=0.9, stop="x"), id="an old model takes all"),
        pytest.param(_body("gpt-5.6-terra", tools=[TOOL], reasoning_effort="none"), id="tools with a sent none"),
        pytest.param(_body("gpt-5.4", tools=[TOOL]), id="tools with an omitted none"),
        pytest.param(_body("gpt-5.5", tools=[TOOL], reasoning_effort="high"), id="tools with any effort"),
        pytest.param(_body("gpt-5", temperature=1), id="the default temperature"),
        pytest.param(_body(messages=[USER, CALL, RESULT]), id="a result"),
        pytest.param(_body(messages=[USER, {"role": "assistant", "refusal": "No."}, USER]), id="an earlier refusal"),
        pytest.param(
            _body(messages=[{"role": "user", "content": "as JSON"}], response_format={"type": "json_object"}),
            id="json announced",
        ),
        pytest.param(
            _body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "clock"}}), id="a chosen tool"
        ),
        pytest.param(
            _schema(type="object", additionalProperties=False, required=["a"], properties={"a": {"type": "string"}}),
            id="strict",
        ),
    ],
)
def test_a_request_is_taken(make_call: Callable[..., Call], body: dict[str, Any]) -> None:
    assert chat(make_call(body)).status == 200


@pytest.mark.parametrize("model", ["gpt-3", "claude-opus-5-5"])
def test_a_model_that_there_is_not_is_not_found(make_call: Callable[..., Call], model: str) -> None:
    with pytest.raises(Problem, match="does not exist") as caught:
        chat(make_call(_body(model)))

    assert (caught.value.status, caught.value.code) == (404, "model_not_found")


def test_an_embedding_model_does_not_chat(make_call: Callable[..., Call]) -> None:
    with pytest.raises(Problem, match="not a chat model"):
        chat(make_call(_body("text-embedding-3-small")))


def test_unknown_fields_pass_where_the_settings_say_so(make_call: Callable[..., Call]) -> None:
    assert chat(make_call(_body(some_field=1), settings=Settings(accept_unknown_fields=True))).status == 200


@pytest.mark.parametrize("model", GPT)
def test_every_model_answers_a_plain_question(make_call: Callable[..., Call], model: str) -> None:
    assert chat(make_call(_body(model))).status == 200


def test_the_text_of_a_content_is_found_in_all_its_forms() -> None:
    assert text_of("a") == "a"
    assert text_of(None) == ""
    assert text_of([{"type": "text", "text": "a"}, {"type": "file"}, {"type": "text", "text": "b"}]) == "a\nb"
