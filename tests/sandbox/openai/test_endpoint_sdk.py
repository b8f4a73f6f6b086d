"""What the official Python SDK makes of it."""

import json

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionFunctionToolParam
from pydantic import BaseModel

from seawall.sandbox import Sandbox

MODEL = "gpt-5.5"
WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class Ticket(BaseModel):
    title: str
    urgent: bool
    tags: list[str]


async def test_a_completion_is_answered(gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    completion = await gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])

    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.content
    assert completion.usage
    assert completion.usage.prompt_tokens == sandbox.meter.total.input
    assert completion.usage.completion_tokens == sandbox.meter.total.output + sandbox.meter.total.thinking


async def test_a_stream_says_what_the_completion_says(gpt: AsyncOpenAI) -> None:
    whole = await gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])

    chunks = [
        chunk
        async for chunk in await gpt.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
    ]

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []


async def test_tools_are_called_and_their_results_answered(gpt: AsyncOpenAI) -> None:
    first = await gpt.chat.completions.create(
        model=MODEL, tools=[WEATHER], messages=[{"role": "user", "content": "use tools, please"}]
    )
    calls = first.choices[0].message.tool_calls or []
    assert first.choices[0].finish_reason == "tool_calls"
    assert [call.type for call in calls] == ["function", "function"]
    assert all(call.type == "function" and list(json.loads(call.function.arguments)) == ["city"] for call in calls)

    second = await gpt.chat.completions.create(
        model=MODEL,
        tools=[WEATHER],
        messages=[
            {"role": "user", "content": "use tools, please"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": call.id, "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
                    for call in calls
                ],
            },
            *({"role": "tool", "tool_call_id": call.id, "content": "mild"} for call in calls),  # type: ignore[list-item]  # mypy sees dict[str, str]
        ],
    )

    assert second.choices[0].finish_reason == "stop"


async def test_a_streamed_call_has_whole_arguments(gpt: AsyncOpenAI) -> None:
    async with gpt.chat.completions.stream(
        model=MODEL, tools=[WEATHER], tool_choice="required", messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        final = await stream.get_final_completion()

    (call,) = final.choices[0].message.tool_calls or []
    assert list(json.loads(call.function.arguments)) == ["city"]


async def test_structured_output_is_an_instance_of_its_schema(gpt: AsyncOpenAI) -> None:
    completion = await gpt.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "A ticket"}], response_format=Ticket
    )

    assert isinstance(completion.choices[0].message.parsed, Ticket)


async def test_embeddings_come_as_numbers(gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    packed = await gpt.embeddings.create(model="text-embedding-3-small", input=["a boat", "a harbour"])
    plain = await gpt.embeddings.create(
        model="text-embedding-3-small", input=["a boat", "a harbour"], encoding_format="float"
    )

    assert [entry.embedding for entry in packed.data] == [entry.embedding for entry in plain.data]
    assert len(packed.data[1].embedding) == 1_536
    assert sandbox.meter.by_model["text-embedding-3-small"].input == 2 * packed.usage.prompt_tokens
    assert b'"encoding_format":"base64"' in sandbox.requests.last()[0].body


async def test_models_are_listed_and_told(gpt: AsyncOpenAI) -> None:
    names = [model.id async for model in gpt.models.list()]

    assert "gpt-6-luna" in names
    assert (await gpt.models.retrieve("gpt-6-luna")).owned_by == "system"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status=400", openai.BadRequestError),
        ("status=401", openai.AuthenticationError),
        ("status=403", openai.PermissionDeniedError),
        ("status=404", openai.NotFoundError),
        ("status=409", openai.ConflictError),
        ("status=422", openai.UnprocessableEntityError),
        ("status=429,error_code=insufficient_quota", openai.RateLimitError),
        ("status=500", openai.InternalServerError),
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
        await gpt.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "Hello"}])


async def test_an_error_in_a_stream_is_raised(gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.set_fault("error_in_stream=server_error@3")
    stream = await gpt.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], stream=True
    )

    with pytest.raises(openai.APIError, match="server_error"):
        _ = [chunk async for chunk in stream]


async def test_a_refusal_is_in_its_field(gpt: AsyncOpenAI) -> None:
    completion = await gpt.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Hello"}], extra_headers={"x-sandbox-refusal": "before"}
    )

    assert completion.choices[0].message.content is None
    assert "told to refuse" in (completion.choices[0].message.refusal or "")
