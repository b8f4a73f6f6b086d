import asyncio
import gc
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import anthropic
import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam, ToolParam
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

import seawall
from seawall.core.record import CallRecord
from seawall.sandbox import Sandbox

Records = Callable[[], list[CallRecord]]
Events = Mapping[str, threading.Event]

CLAUDE: Final = "claude-haiku-4-5"
GPT: Final = "gpt-4o-mini"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
HELLO_GPT: Final[list[ChatCompletionUserMessageParam]] = [{"role": "user", "content": "Hello"}]
WEATHER: Final[ToolParam] = {
    "name": "weather",
    "description": "Say what the weather is.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def test_a_message_is_answered_and_recorded_at_the_providers_own_price(
    async_claude: AsyncAnthropic, sandbox: Sandbox, records: Records, monitor: seawall.Monitor
) -> None:
    message = await async_claude.messages.create(model=CLAUDE, max_tokens=100, messages=HELLO)
    await async_claude.close()

    (record,) = records()
    assert message.content[0].type == "text"
    assert (record.outcome, record.status, record.route, record.team) == ("ok", 200, "/ai/chat", "blue")
    assert record.cost_nusd == sandbox.meter.total.billed_nusd > 0
    assert record.attempts[0].output_tokens == message.usage.output_tokens
    assert monitor.stats().cost_nusd == record.cost_nusd


async def test_the_providers_key_is_the_policys_and_not_the_sdks(
    async_claude: AsyncAnthropic, async_gpt: AsyncOpenAI, sandbox: Sandbox
) -> None:
    await async_claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    await async_gpt.chat.completions.create(model=GPT, messages=HELLO_GPT)

    sent = [dict(seen.headers) for seen in sandbox.requests.last(2)]
    assert sorted(str(head) for head in sent if b"unused" in str(head).encode()) == []
    assert {value for head in sent for value in head.values()} >= {
        b"canary-key-for-anthropic",
        b"Bearer canary-key-for-openai",
    }


async def test_a_stream_comes_in_pieces_and_is_recorded_when_it_ends(
    async_claude: AsyncAnthropic, sandbox: Sandbox, records: Records
) -> None:
    async with async_claude.messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
        pieces = [text async for text in stream.text_stream]
        message = await stream.get_final_message()
    await async_claude.close()

    (record,) = records()
    assert len(pieces) > 1
    assert message.stop_reason == "end_turn"
    assert (record.outcome, record.stream, record.stop_reason) == ("ok", True, "end_turn")
    assert record.first_token_s is not None
    assert record.cost_nusd == sandbox.meter.total.billed_nusd


async def test_an_openai_stream_is_complete_although_the_sdk_stops_reading_at_its_last_event(
    async_gpt: AsyncOpenAI, sandbox: Sandbox, records: Records
) -> None:
    stream = await async_gpt.chat.completions.create(model=GPT, messages=HELLO_GPT, stream=True)
    chunks = [chunk async for chunk in stream]
    await async_gpt.close()

    (record,) = records()
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert record.outcome == "ok"
    assert record.cost_nusd == sandbox.meter.total.billed_nusd > 0


async def test_tools_travel_both_ways(async_claude: AsyncAnthropic, sandbox: Sandbox) -> None:
    sandbox.settings = replace(sandbox.settings, tool_calls=1)

    message = await async_claude.messages.create(model=CLAUDE, max_tokens=100, messages=HELLO, tools=[WEATHER])

    assert message.stop_reason == "tool_use"
    assert [block.name for block in message.content if block.type == "tool_use"] == ["weather"]


async def test_tokens_are_counted_for_nothing(async_claude: AsyncAnthropic, records: Records) -> None:
    counted = await async_claude.messages.count_tokens(model=CLAUDE, messages=HELLO)
    await async_claude.close()

    assert counted.input_tokens > 0
    assert [(record.endpoint, record.cost_nusd) for record in records()] == [("count_tokens", 0)]


async def test_models_are_listed_in_either_dialect(async_claude: AsyncAnthropic, async_gpt: AsyncOpenAI) -> None:
    claudes = [model.id async for model in await async_claude.models.list()]
    gpts = [model.id async for model in await async_gpt.models.list()]

    assert any(name.startswith("claude-") for name in claudes)
    assert any(name.startswith("gpt-") for name in gpts)
    assert (await async_claude.models.retrieve(claudes[0])).id == claudes[0]


async def test_embeddings_are_priced(async_gpt: AsyncOpenAI, sandbox: Sandbox, records: Records) -> None:
    found = await async_gpt.embeddings.create(model="text-embedding-3-small", input="Hello")
    await async_gpt.close()

    assert len(found.data[0].embedding) > 0
    assert records()[0].cost_nusd == sandbox.meter.total.billed_nusd > 0


async def test_the_routes_ceiling_holds(async_claude: AsyncAnthropic, sandbox: Sandbox, records: Records) -> None:
    sandbox.settings = replace(sandbox.settings, output_tokens=1000)

    message = await async_claude.messages.create(model=CLAUDE, max_tokens=4000, messages=HELLO)
    await async_claude.close()

    assert message.usage.output_tokens == 500
    assert message.stop_reason == "max_tokens"
    assert records()[0].notes == ("tokens.clamped",)


async def test_a_route_in_the_base_url_comes_before_the_clients_own(policy: Path, sandbox: Sandbox) -> None:
    http = seawall.async_http_client(policy, route="/ai/chat")
    async with AsyncAnthropic(http_client=http, api_key="unused", base_url="http://seawall/ai/short") as client:
        raw = await client.messages.with_raw_response.create(model="any", max_tokens=100, messages=HELLO)

    assert raw.headers["x-seawall-route"] == "/ai/short"
    assert raw.headers["x-seawall-model"] == CLAUDE
    assert sandbox.meter.total.output <= 20


async def test_without_a_route_only_a_policy_of_one_needs_none(policy: Path) -> None:
    async with AsyncAnthropic(http_client=seawall.async_http_client(policy), api_key="unused") as client:
        with pytest.raises(anthropic.BadRequestError) as refused:
            await client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)

    assert "x-seawall-route" in str(refused.value)


async def test_labels_of_a_call_are_headers(async_claude: AsyncAnthropic, records: Records) -> None:
    labels = {"x-seawall-feature": "summary", "x-seawall-user": "ada", "x-seawall-class": "analysis"}

    await async_claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO, extra_headers=labels)
    await async_claude.close()

    (record,) = records()
    assert (record.feature, record.traffic_class) == ("summary", "analysis")
    assert len(record.user) == 32, "a hash"


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        pytest.param("status=429", anthropic.RateLimitError, "upstream.refused", id="rate limit"),
        pytest.param("status=529", anthropic.APIStatusError, "upstream.refused", id="overloaded"),
        pytest.param("status=400", anthropic.BadRequestError, "upstream.refused", id="bad request"),
        pytest.param("echo_key", anthropic.InternalServerError, "upstream.credentials", id="our own key refused"),
        pytest.param("cut_headers", anthropic.InternalServerError, "upstream.broken", id="cut off"),
        pytest.param("garbage", anthropic.InternalServerError, "upstream.broken", id="no answer of the dialect"),
    ],
)
async def test_errors_are_the_sdks_own(
    fault: str,
    error: type[anthropic.APIStatusError],
    code: str,
    async_claude: AsyncAnthropic,
    sandbox: Sandbox,
    records: Records,
) -> None:
    sandbox.set_fault(fault)

    with pytest.raises(error) as raised:
        await async_claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    await async_claude.close()

    (record,) = records()
    assert (record.outcome, record.error) == ("failed", code)
    assert record.status == raised.value.status_code
    assert "canary" not in str(raised.value)


async def test_openai_errors_are_the_sdks_own(async_gpt: AsyncOpenAI, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=429")

    with pytest.raises(openai.RateLimitError):
        await async_gpt.chat.completions.create(model=GPT, messages=HELLO_GPT)


async def test_a_path_that_nobody_answers_is_not_found(async_gpt: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        await async_gpt.files.list()

    assert "/v1/chat/completions" in str(raised.value)


async def test_a_stream_that_breaks_raises_in_the_middle(
    long_policy: Path, sandbox: Sandbox, state_dir: Path, records: Records
) -> None:
    sandbox.settings = replace(sandbox.settings, text="word " * 20_000)
    sandbox.set_fault("error_in_stream=overloaded_error@8000")  # a megabyte after its beginning was given out
    http = seawall.async_http_client(long_policy, state_dir=state_dir)
    seen = []

    async with AsyncAnthropic(http_client=http, api_key="unused", max_retries=0) as client:
        stream = await client.messages.create(model=CLAUDE, max_tokens=64_000, messages=HELLO, stream=True)

        async def read() -> None:
            async for event in stream:
                seen.append(event.type)  # noqa: PERF401  # a comprehension would lose them to the error

        with pytest.raises(anthropic.APIStatusError) as raised:
            await read()

    assert "overloaded" in str(raised.value)
    assert len(seen) > 1000
    assert [record.outcome for record in records()] == ["failed"]


async def test_a_broken_stream_ends_uncleanly_for_whoever_reads_bytes(policy: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault("no_terminal")
    body = {"model": CLAUDE, "max_tokens": 50, "messages": HELLO, "stream": True}
    pieces: list[bytes] = []

    async def read(response: httpx2.Response) -> None:
        async for piece in response.aiter_bytes():
            pieces.append(piece)  # noqa: PERF401  # a comprehension would lose them to the error

    url = "http://any/ai/chat/v1/messages"
    async with seawall.async_http_client(policy) as http, http.stream("POST", url, json=body) as response:
        with pytest.raises(httpx2.RemoteProtocolError):
            await read(response)

    last = b"".join(pieces).rsplit(b"\n\n", 2)[-2]
    assert last.startswith(b"event: error\n")


async def test_fifty_calls_at_once_are_fifty_records(
    async_claude: AsyncAnthropic, sandbox: Sandbox, records: Records, monitor: seawall.Monitor
) -> None:
    async def call(number: int) -> None:
        if number % 2:
            await async_claude.messages.create(model=CLAUDE, max_tokens=50, messages=HELLO)
        else:
            async with async_claude.messages.stream(model=CLAUDE, max_tokens=50, messages=HELLO) as stream:
                await stream.until_done()

    async with asyncio.TaskGroup() as tasks:
        for number in range(50):
            tasks.create_task(call(number))
    await async_claude.close()

    found = records()
    assert len({record.id for record in found}) == 50
    assert {record.outcome for record in found} == {"ok"}
    assert sum(record.cost_nusd for record in found) == sandbox.meter.total.billed_nusd == monitor.stats().cost_nusd


def test_one_client_serves_one_event_loop_after_the_other(
    policy: Path, state_dir: Path, sandbox: Sandbox, records: Records
) -> None:
    http = seawall.async_http_client(policy, route="/ai/chat", state_dir=state_dir)

    async def call() -> None:
        # A connection for each call: whoever leaves a loop without closing the client leaves its idle ones open.
        client = AsyncAnthropic(http_client=http, api_key="unused")
        await client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)

    async def last() -> None:
        await call()
        await http.aclose()

    def one_after_the_other() -> None:
        asyncio.run(call())
        asyncio.run(last())
        gc.collect()

    with pytest.warns(ResourceWarning):
        one_after_the_other()

    assert len(records()) == sandbox.meter.total.calls == 2


async def test_a_closed_client_takes_no_call(async_claude: AsyncAnthropic) -> None:
    await async_claude.close()

    with pytest.raises(anthropic.APIConnectionError):
        await async_claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)


def test_only_asyncio_will_do(policy: Path) -> None:
    http = seawall.async_http_client(policy)
    call = http.send(http.build_request("GET", "http://any/v1/models"))

    with pytest.raises(RuntimeError, match="runs on asyncio only"):
        call.send(None)  # as a loop that is not asyncio's would
