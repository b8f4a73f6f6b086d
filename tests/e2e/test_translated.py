"""Every official client against every kind of target: text, tools and what comes back from them, whole and streamed."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import openai
import pytest

from tests.e2e.comparison import recorded_as_metered
from tests.e2e.conftest import StartGateway
from tests.e2e.scenario import SCHEMA
from tests.e2e.stage import HERE, GatewayProcess, Json, OfficialClient, SandboxProcess

WORDS: Final = "Ahoy! 潮が満ちる — café 🌊, “quoted” \\ and\n\na new line."
CITY: Final = {"city": "Paris", "degrees": 21}
# The last one takes tools on the Responses API alone, whoever asks.
TARGETS: Final = ("claude-haiku-5-5", "gpt-5.6-luna", "gpt-6.1-sol")
QUESTION: Final[Any] = {"role": "user", "content": "What is the weather in Paris?"}
TO_A_TOOL: Final[Any] = {"role": "user", "content": "Use tool get_weather for Paris."}


def _client(asked: Json) -> openai.OpenAI:
    return openai.OpenAI(base_url=asked["base_url"], api_key=asked["key"], max_retries=0, timeout=20.0)


def _seen(response: Any) -> Json:  # a response of the Responses API
    usage = response.usage
    return {
        "text": response.output_text,
        "model": response.model,
        "status": response.status,
        "usage": [usage.input_tokens, usage.output_tokens],
    }


def _whole(asked: Json) -> Json:
    with _client(asked) as client:
        return _seen(client.responses.create(model=asked["model"], input=[QUESTION], max_output_tokens=400))


def _streamed(asked: Json) -> Json:
    """Let the SDK put a stream together, and do the same by hand."""
    pieces = ""
    ask: Any = {"model": asked["model"], "input": [QUESTION], "max_output_tokens": 400}
    with _client(asked) as client, client.responses.stream(**ask) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                pieces += event.delta
        return _seen(stream.get_final_response()) | {"streamed": pieces}


def _tools(asked: Json) -> Json:
    tool = {"type": "function", "name": "get_weather", "description": "Get it.", "parameters": SCHEMA, "strict": True}
    return {"model": asked["model"], "max_output_tokens": 400, "tools": [tool], "input": [TO_A_TOOL]}


def _called(asked: Json) -> Json:
    """Take a tool call, answer it, and take what follows."""
    ask = _tools(asked)
    with _client(asked) as client:
        first = client.responses.create(**ask)
        calls = [item for item in first.output if item.type == "function_call"]
        results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
        said = [item.model_dump(exclude_none=True) for item in first.output]
        second = client.responses.create(**{**ask, "input": [TO_A_TOOL, *said, *results]})
    return {
        "calls": [{"name": call.name, "input": json.loads(call.arguments)} for call in calls],
        "then": _seen(second),
    }


def _streamed_call(asked: Json) -> Json:
    pieces = ""
    with _client(asked) as client, client.responses.stream(**_tools(asked)) as stream:
        for event in stream:
            if event.type == "response.function_call_arguments.delta":
                pieces += event.delta
        final = stream.get_final_response()
    return {"pieces": pieces, "inputs": [json.loads(i.arguments) for i in final.output if i.type == "function_call"]}


RESPONSES: Final[dict[str, Callable[[Json], Json]]] = {
    "responses.whole": _whole,
    "responses.stream": _streamed,
    "responses.tools": _called,
    "responses.stream_tools": _streamed_call,
}
TEXTS: Final = ("anthropic.messages", "anthropic.stream_helper", "openai.chat", "responses.whole", "responses.stream")
CALLS: Final = ("anthropic.tools", "openai.tools", "responses.tools")
STREAMED_CALLS: Final = ("anthropic.stream_tools", "openai.stream_tools", "responses.stream_tools")


@pytest.fixture(scope="module")
def speaker() -> Iterator[OfficialClient]:
    """Give the clients of the other endpoints, which have their scenarios already."""
    client = OfficialClient("python", [sys.executable, str(HERE / "scenario.py")])
    yield client
    client.stop()


def _play(scenario: str, speaker: OfficialClient, asked: Json) -> Json:
    if scenario in RESPONSES:
        return RESPONSES[scenario](asked)
    told = speaker.run(scenario, **asked)
    seen: Json = told["ok"]
    return seen


def _asked(gateway: GatewayProcess, key: str, client: str, model: str) -> Json:
    version = "" if client.startswith("anthropic") else "/v1"
    return {"base_url": f"{gateway.url}/ai/open{version}", "key": key, "model": model}


@pytest.mark.parametrize("model", TARGETS)
@pytest.mark.parametrize("client", TEXTS)
def test_a_text_arrives_in_the_clients_dialect(
    gateway: GatewayProcess, sandbox: SandboxProcess, key: str, speaker: OfficialClient, client: str, model: str
) -> None:
    sandbox.steer(text=WORDS)

    seen = _play(client, speaker, _asked(gateway, key, client, model))

    assert (seen["text"], seen["model"]) == (WORDS, model)
    assert seen.get("streamed", WORDS) == WORDS
    (record,) = recorded_as_metered(gateway, sandbox)
    attempt = record["attempts"][0]
    assert seen["usage"][1] == attempt["output_tokens"] + attempt.get("thinking_tokens", 0)
    assert record["model"] == model


@pytest.mark.parametrize("model", TARGETS)
@pytest.mark.parametrize("client", CALLS)
def test_a_tool_is_called_and_its_result_is_understood(
    gateway: GatewayProcess, sandbox: SandboxProcess, key: str, speaker: OfficialClient, client: str, model: str
) -> None:
    sandbox.steer(text=WORDS)

    seen = _play(client, speaker, _asked(gateway, key, client, model))

    (call,) = seen["calls"]
    assert call["name"] == "get_weather"
    assert call["input"].keys() == CITY.keys()
    assert seen["then"]["text"] == WORDS
    assert len(recorded_as_metered(gateway, sandbox)) == 2


@pytest.mark.parametrize("model", TARGETS)
@pytest.mark.parametrize("client", STREAMED_CALLS)
def test_a_streamed_call_is_put_together_from_its_pieces(
    gateway: GatewayProcess, sandbox: SandboxProcess, key: str, speaker: OfficialClient, client: str, model: str
) -> None:
    sandbox.steer(text=WORDS)

    seen = _play(client, speaker, _asked(gateway, key, client, model))

    arguments = json.loads(seen["pieces"])
    assert arguments.keys() == CITY.keys()
    assert seen.get("inputs", [arguments]) == [arguments]
    recorded_as_metered(gateway, sandbox)


@pytest.mark.parametrize("model", TARGETS)
@pytest.mark.parametrize(
    ("fault", "kind"),
    [("status=404", openai.NotFoundError), ("status=400", openai.BadRequestError)],
    ids=["unknown", "refused"],
)
def test_an_error_is_raised_as_what_it_is(
    gateway: GatewayProcess, sandbox: SandboxProcess, key: str, fault: str, kind: type[Exception], model: str
) -> None:
    sandbox.steer(fault)

    with pytest.raises(kind):
        _whole(_asked(gateway, key, "responses", model))


@pytest.mark.parametrize("model", TARGETS)
def test_a_broken_stream_raises(gateway: GatewayProcess, sandbox: SandboxProcess, key: str, model: str) -> None:
    sandbox.steer("no_terminal", text=WORDS, tokens_per_second=500.0)

    with pytest.raises(openai.APIError):
        _streamed(_asked(gateway, key, "responses", model))


@pytest.mark.parametrize("first", [0, 1], ids=["from-claude", "from-gpt"])
def test_a_responses_client_is_served_by_the_target_behind(
    sandbox: SandboxProcess, policy: str, start_gateway: StartGateway, first: int
) -> None:
    failing, good = (TARGETS[first], TARGETS[1 - first])
    gateway = start_gateway(f"{policy}  /ai/chat: {{model: {failing}, fallback: [{good}]}}\n", "--insecure-dev")
    sandbox.steer({"fault": "status=529", "model": failing}, text=WORDS)
    asked = {"base_url": f"{gateway.url}/ai/chat/v1", "key": "any", "model": "any"}

    whole, streamed, called, pieces = (go(asked) for go in (_whole, _streamed, _called, _streamed_call))

    assert {(seen["text"], seen["model"]) for seen in (whole, streamed, called["then"])} == {(WORDS, good)}
    assert streamed["streamed"] == WORDS
    assert [call["name"] for call in called["calls"]] == ["get_weather"]
    assert [json.loads(pieces["pieces"])] == pieces["inputs"]
