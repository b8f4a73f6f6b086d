import asyncio
import gc
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam

import seawall
from seawall.client.async_transport import AsyncTransport
from seawall.core.record import CallRecord
from seawall.sandbox import Sandbox
from seawall.upstreams.pool import Pool

Records = Callable[[], list[CallRecord]]
Events = Mapping[str, threading.Event]

CLAUDE: Final = "claude-haiku-4-5"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]


async def test_leaving_a_stream_closes_the_providers_connection(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records, monitor: seawall.Monitor
) -> None:
    http = seawall.async_http_client(tmp_path / "half.yaml", route="/ai/chat", state_dir=state_dir, monitor=monitor)
    async with AsyncAnthropic(http_client=http, api_key="unused") as client:
        async with client.messages.stream(model=CLAUDE, max_tokens=100, messages=HELLO) as stream:
            async for text in stream.text_stream:
                assert text == "Half"
                break
        assert monitor.stats().calls == 1, "recorded by the time that the stream is closed"
        assert await asyncio.to_thread(half_stream["left"].wait, 10)

    (record,) = records()
    assert (record.outcome, record.error) == ("hung_up", "client.hung_up")
    assert monitor.stats().errors == 0


async def test_a_caller_that_is_cancelled_hangs_up(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    http = seawall.async_http_client(tmp_path / "half.yaml", route="/ai/chat", state_dir=state_dir)
    async with AsyncAnthropic(http_client=http, api_key="unused") as client:
        call = asyncio.ensure_future(client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO))
        assert await asyncio.to_thread(half_stream["begun"].wait, 10)

        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert await asyncio.to_thread(half_stream["left"].wait, 10)
    assert [record.outcome for record in records()] == ["hung_up"]


async def test_a_caller_that_is_cancelled_at_once_starts_nothing(
    async_claude: AsyncAnthropic, sandbox: Sandbox
) -> None:
    call = asyncio.ensure_future(async_claude.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO))
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    await async_claude.close()

    assert sandbox.meter.total.calls == 0


async def test_the_callers_own_timeout_is_kept(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    http = seawall.async_http_client(tmp_path / "half.yaml", route="/ai/chat", state_dir=state_dir)
    async with AsyncAnthropic(http_client=http, api_key="unused", max_retries=0) as client:
        with pytest.raises(anthropic.APITimeoutError):
            await client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO, timeout=2.0)

        assert await asyncio.to_thread(half_stream["left"].wait, 10)
    assert [record.outcome for record in records()] == ["hung_up"]


async def test_the_callers_own_timeout_is_kept_in_a_stream(half_stream: Events, tmp_path: Path) -> None:
    http = seawall.async_http_client(tmp_path / "half.yaml", route="/ai/chat")
    async with AsyncAnthropic(http_client=http, api_key="unused", timeout=2.0) as client:
        with pytest.raises(httpx2.ReadTimeout):
            async with client.messages.stream(model=CLAUDE, max_tokens=9, messages=HELLO) as stream:
                assert [text async for text in stream.text_stream] == ["Half"]
        assert half_stream["begun"].is_set()


async def test_closing_the_client_ends_what_runs(
    half_stream: Events, tmp_path: Path, state_dir: Path, records: Records
) -> None:
    http = seawall.async_http_client(tmp_path / "half.yaml", route="/ai/chat", state_dir=state_dir)
    client = AsyncAnthropic(http_client=http, api_key="unused", max_retries=0)
    call = asyncio.ensure_future(client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO))
    assert await asyncio.to_thread(half_stream["begun"].wait, 10)

    await client.close()

    with pytest.raises(anthropic.APIConnectionError):
        await call
    assert [record.outcome for record in records()] == ["hung_up"]


async def test_a_stream_that_nobody_holds_any_more_is_left(half_stream: Events, tmp_path: Path) -> None:
    body = {"model": CLAUDE, "max_tokens": 50, "messages": HELLO, "stream": True}
    async with seawall.async_http_client(tmp_path / "half.yaml") as http:
        request = http.build_request("POST", "http://any/ai/chat/v1/messages", json=body)
        response = await http.send(request, stream=True)
        assert response.status_code == 200

        del response
        gc.collect()

        assert await asyncio.to_thread(half_stream["left"].wait, 10)


async def test_a_reader_who_takes_his_time_holds_the_provider_back(long_policy: Path, sandbox: Sandbox) -> None:
    sandbox.settings = replace(sandbox.settings, text="word " * 60_000)
    body = {"model": CLAUDE, "max_tokens": 64_000, "messages": HELLO, "stream": True}

    async with (
        seawall.async_http_client(long_policy) as http,
        http.stream("POST", "http://any/v1/messages", json=body) as response,
    ):
        pieces = response.aiter_raw()
        sizes = [len(await anext(pieces))]
        assert sandbox.meter.total.calls == 0, "the provider is not done as long as nobody reads"
        sizes += [len(piece) async for piece in pieces]

    assert sum(sizes) > 3_000_000
    assert max(sizes) <= 256 * 1024, "no more than what waits in one read"


async def test_callers_that_leave_at_any_moment_leave_nothing_behind(
    policy: Path, state_dir: Path, records: Records, monitor: seawall.Monitor
) -> None:
    http = seawall.async_http_client(policy, route="/ai/chat", state_dir=state_dir, monitor=monitor)
    client = AsyncAnthropic(http_client=http, api_key="unused", max_retries=0)

    async def call(number: int) -> None:
        if number % 2:
            await client.messages.create(model=CLAUDE, max_tokens=50, messages=HELLO)
        else:
            async with client.messages.stream(model=CLAUDE, max_tokens=50, messages=HELLO) as stream:
                await stream.until_done()

    for number in range(200):
        leaving = asyncio.ensure_future(call(number))
        for _ in range(number // 2):
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])

    transport = http._transport
    assert isinstance(transport, AsyncTransport)
    (lane,) = transport._lanes.values()
    assert not lane._runs or await asyncio.wait([run.task for run in lane._runs], timeout=10)
    pool = lane._house.outlet.upstream
    assert isinstance(pool, Pool)
    assert (pool.stats().open, pool.stats().waiting) == (pool.stats().idle, 0)
    await client.close()
    assert {record.outcome for record in records()} <= {"ok", "hung_up"}
    assert len(records()) == monitor.stats().calls > 100
