"""What the official Python SDK makes of the Responses API of the sandbox."""

import json

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall
from pydantic import BaseModel

from seawall.core.error import UpstreamBroken
from seawall.dialects.dialect import RESPONSES, Mark
from seawall.dialects.responses.dialect import RESPONSES_DIALECT
from seawall.dialects.sse import FrameSplitter
from seawall.sandbox import Sandbox
from seawall.sandbox.fault import FAULTS

MODEL = "gpt-6-sol"
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


# Faults after which an answer can still be read: they slow it down, repeat a part, or belong to streams alone.
STILL_GOOD = {
    ("slow_bytes", False),
    ("slow_bytes", True),
    ("duplicate_event", False),
    ("duplicate_event", True),
    ("stall_after", False),
    ("no_terminal", False),
    ("error_in_stream", False),
    ("usage", True),  # the stream is whole, only nobody knows what it used
}


class Ticket(BaseModel):
    title: str
    urgent: bool
    tags: list[str]


async def test_an_answer_is_given_and_metered(gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    response = await gpt.responses.create(model=MODEL, input="Hello")

    assert response.status == "completed"
    assert response.output_text
    assert response.usage
    assert response.usage.input_tokens == sandbox.meter.total.input
    assert response.usage.output_tokens == sandbox.meter.total.output + sandbox.meter.total.thinking


async def test_a_stream_says_what_the_answer_says(gpt: AsyncOpenAI) -> None:
    whole = await gpt.responses.create(model=MODEL, input="Hello")
    async with gpt.responses.stream(model=MODEL, input="Hello") as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()

    assert final.output_text == whole.output_text
    assert final.usage == whole.usage
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text


async def test_tools_are_called_and_their_results_answered(gpt: AsyncOpenAI) -> None:
    first = await gpt.responses.create(model="gpt-6.1-sol", tools=[WEATHER], input="use tools, please")
    calls = [item for item in first.output if isinstance(item, ResponseFunctionToolCall)]
    assert len(calls) == 2
    assert all(list(json.loads(call.arguments)) == ["city"] for call in calls)

    second = await gpt.responses.create(
        model="gpt-6.1-sol",
        tools=[WEATHER],
        input=[
            {"role": "user", "content": "use tools, please"},
            *(item.model_dump(exclude_none=True) for item in first.output),  # type: ignore[list-item]  # as the docs do
            *({"type": "function_call_output", "call_id": call.call_id, "output": "mild"} for call in calls),  # type: ignore[list-item]  # mypy sees dict[str, str]
        ],
    )

    assert second.output_text


async def test_a_streamed_call_has_whole_arguments(gpt: AsyncOpenAI) -> None:
    async with gpt.responses.stream(model=MODEL, tools=[WEATHER], tool_choice="required", input="Hello") as stream:
        final = await stream.get_final_response()

    (call,) = [item for item in final.output if item.type == "function_call"]
    assert list(json.loads(call.arguments)) == ["city"]


async def test_structured_output_is_an_instance_of_its_schema(gpt: AsyncOpenAI) -> None:
    response = await gpt.responses.parse(model=MODEL, input="A ticket", text_format=Ticket)

    assert isinstance(response.output_parsed, Ticket)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status=400", openai.BadRequestError),
        ("status=401", openai.AuthenticationError),
        ("status=404", openai.NotFoundError),
        ("status=429,error_code=insufficient_quota", openai.RateLimitError),
        ("status=503", openai.InternalServerError),
        ("html_error", openai.InternalServerError),
        ("cut_headers", openai.APIConnectionError),
        ("cut=10", openai.APIConnectionError),
    ],
)
async def test_errors_are_those_that_applications_catch(
    gpt: AsyncOpenAI, sandbox: Sandbox, fault: str, error: type[Exception]
) -> None:
    sandbox.set_fault(fault)

    with pytest.raises(error):
        await gpt.responses.create(model=MODEL, input="Hello")


async def test_an_error_in_a_stream_is_raised(gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.set_fault("error_in_stream=server_error@3")
    stream = await gpt.responses.create(model=MODEL, input="Hello", stream=True)

    with pytest.raises(openai.APIError, match="server_error"):
        _ = [event async for event in stream]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_of_the_table_works_here_too(
    http: httpx2.AsyncClient, sandbox: Sandbox, fault: str, stream: bool
) -> None:
    sandbox.set_fault(FAULTS[fault].example.replace("overloaded_error", "server_error"))
    try:
        answer = await http.post("/v1/responses", json={"model": MODEL, "input": "Hello", "stream": stream}, timeout=30)
    except httpx2.TransportError:
        is_good = False  # cut, stalled, or of another length than it says
    else:
        is_good = answer.status_code == 200 and _is_whole(answer.content, is_stream=stream)

    assert is_good is ((fault, stream) in STILL_GOOD)


def _is_whole(body: bytes, *, is_stream: bool) -> bool:
    """Say whether the gateway's own reader takes this for a whole answer."""
    reader = RESPONSES_DIALECT.stream_reader()
    try:
        if not is_stream:
            return RESPONSES_DIALECT.read_reply(RESPONSES, body).usage is not None
        return Mark.TERMINAL in [reader.feed(frame) for frame in FrameSplitter().feed(body)]
    except UpstreamBroken:
        return False
