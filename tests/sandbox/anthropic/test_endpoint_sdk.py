"""What the official Python SDK makes of it."""

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import ToolParam
from pydantic import BaseModel

from seawall.sandbox import Sandbox, Settings

MODEL = "claude-haiku-5-5"
WEATHER: ToolParam = {
    "name": "get_weather",
    "description": "Look up the weather",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}},
        "required": ["city", "unit"],
    },
}


class Ticket(BaseModel):
    title: str
    urgent: bool
    tags: list[str]


async def test_a_message_is_answered(claude: AsyncAnthropic, sandbox: Sandbox) -> None:
    message = await claude.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": "Hello"}])

    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == sandbox.meter.total.output + sandbox.meter.total.thinking
    assert message.usage.input_tokens == sandbox.meter.total.input


async def test_a_stream_says_what_the_message_says(claude: AsyncAnthropic) -> None:
    whole = await claude.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": "Hello"}])

    async with claude.messages.stream(
        model=MODEL, max_tokens=500, messages=[{"role": "user", "content": "Hello"}]
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()

    assert whole.content[-1].type == "text"
    assert text == whole.content[-1].text
    assert final.usage == whole.usage
    assert final.stop_reason == "end_turn"


async def test_tools_are_called_and_their_results_answered(claude: AsyncAnthropic) -> None:
    first = await claude.messages.create(
        model=MODEL, max_tokens=500, tools=[WEATHER], messages=[{"role": "user", "content": "use tools, please"}]
    )
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [call.name for call in calls] == ["get_weather", "get_weather"]
    assert len({call.id for call in calls}) == 2
    assert all(set(call.input) == {"city", "unit"} for call in calls)

    second = await claude.messages.create(
        model=MODEL,
        max_tokens=500,
        tools=[WEATHER],
        messages=[
            {"role": "user", "content": "use tools, please"},
            first.to_param(),
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "mild"} for call in calls],
            },
        ],
    )

    assert second.stop_reason == "end_turn"
    assert second.content[-1].type == "text"


async def test_a_streamed_call_has_whole_arguments(claude: AsyncAnthropic) -> None:
    async with claude.messages.stream(
        model=MODEL,
        max_tokens=500,
        tools=[WEATHER],
        tool_choice={"type": "tool", "name": "get_weather"},
        messages=[{"role": "user", "content": "Hello"}],
    ) as stream:
        final = await stream.get_final_message()

    call = final.content[-1]
    assert call.type == "tool_use"
    assert call.input["unit"] in {"C", "F"}


async def test_structured_output_is_an_instance_of_its_schema(claude: AsyncAnthropic) -> None:
    message = await claude.messages.parse(
        model=MODEL, max_tokens=500, messages=[{"role": "user", "content": "A ticket"}], output_format=Ticket
    )

    assert isinstance(message.parsed_output, Ticket)


async def test_tokens_are_counted(claude: AsyncAnthropic, sandbox: Sandbox) -> None:
    counted = await claude.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hello"}])

    assert counted.input_tokens == 6
    assert sandbox.meter.total.billed_nusd == 0


async def test_models_are_listed_and_told(claude: AsyncAnthropic) -> None:
    names = [model.id async for model in claude.models.list(limit=5)]
    model = await claude.models.retrieve(MODEL)

    assert len(names) == 18
    assert model.capabilities
    assert model.capabilities.thinking.types.disabled.supported
    assert model.display_name == "Claude Haiku 5.5"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("status=400", anthropic.BadRequestError),
        ("status=401", anthropic.AuthenticationError),
        ("status=403", anthropic.PermissionDeniedError),
        ("status=404", anthropic.NotFoundError),
        ("status=409", anthropic.ConflictError),
        ("status=413", anthropic.RequestTooLargeError),
        ("status=422", anthropic.UnprocessableEntityError),
        ("status=429", anthropic.RateLimitError),
        ("status=500", anthropic.InternalServerError),
        ("status=529", anthropic.OverloadedError),
        ("html_error", anthropic.InternalServerError),
        ("cut_headers", anthropic.APIConnectionError),
        ("cut=10", anthropic.APIConnectionError),
        ("garbage", ValueError),
    ],
)
async def test_errors_are_those_that_applications_catch(
    claude: AsyncAnthropic, sandbox: Sandbox, fault: str, error: type[Exception]
) -> None:
    sandbox.set_fault(fault)

    with pytest.raises(error):
        await claude.messages.create(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hello"}])


async def test_the_client_comes_back_after_the_time_it_was_told(sandbox: Sandbox) -> None:
    sandbox.set_fault("retry_after=2", count=2)

    async with AsyncAnthropic(base_url=sandbox.url, api_key="k", max_retries=2) as client:
        await client.messages.create(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hello"}])

    times = [entry.at_s for entry in sandbox.meter.entries]
    assert [entry.status for entry in sandbox.meter.entries] == [429, 429, 200]
    assert times[1] - times[0] >= 2
    assert times[2] - times[1] >= 2


async def test_an_error_event_in_a_stream_is_raised(claude: AsyncAnthropic, sandbox: Sandbox) -> None:
    sandbox.set_fault("error_in_stream=overloaded_error@3")

    with pytest.raises(anthropic.APIStatusError) as caught:
        async with claude.messages.stream(
            model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hello"}]
        ) as stream:
            await stream.get_final_message()

    assert caught.value.type == "overloaded_error"


async def test_the_older_version_takes_sampling_through_extra_headers(claude: AsyncAnthropic) -> None:
    message = await claude.messages.create(
        model="claude-haiku-4-5",
        max_tokens=50,
        messages=[{"role": "user", "content": "Hello"}],
        extra_headers={"anthropic-version": "2023-06-01"},
        extra_body={"temperature": 0.2},
    )

    assert message.stop_reason == "max_tokens"


async def test_prompt_caching_shows_in_the_usage(claude: AsyncAnthropic, sandbox: Sandbox) -> None:
    sandbox.settings = Settings(output_tokens=5)
    usages = [
        (
            await claude.messages.create(
                model=MODEL,
                max_tokens=50,
                cache_control={"type": "ephemeral", "ttl": "1h"},
                messages=[{"role": "user", "content": "harbour " * 600}],
            )
        ).usage
        for _ in range(2)
    ]

    first, second = usages
    assert first.cache_creation
    assert first.cache_creation.ephemeral_1h_input_tokens == second.cache_read_input_tokens
    assert second.cache_read_input_tokens == 1_205
    assert first.input_tokens == second.input_tokens == 0
