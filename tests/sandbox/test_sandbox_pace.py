"""How long answers take, and what is billed when a client does not wait for the end; all on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final

import httpx2
import pytest

from seawall.core.usage import Usage
from seawall.sandbox import Sandbox, Settings
from seawall.sandbox.meter import Entry

Write = Callable[..., bytes]

ASK: Final = {"model": "claude-haiku-4-5", "max_tokens": 300, "messages": [{"role": "user", "content": "hi"}]}
STREAM: Final = ASK | {"stream": True}
PACED: Final = Settings(output_tokens=100, first_token_ms=2_000, tokens_per_second=10, tokens_per_event=2)


async def _timed(work: Awaitable[Any]) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await work
    return loop.time() - began_s


async def _heard_of(http: httpx2.AsyncClient) -> str:
    """Read a stream for ten minutes and give what was heard of it until then."""
    heard = ""
    with suppress(httpx2.ReadTimeout):
        async with http.stream("POST", "/v1/messages", json=STREAM, timeout=600) as answer:
            async for piece in answer.aiter_text():
                heard += piece
        pytest.fail("the stream ended")
    return heard


async def _left(sandbox: Sandbox) -> Entry:
    """Let the sandbox notice that a client left, which takes no virtual time."""
    await asyncio.sleep(1)
    return sandbox.meter.entries[-1]


@pytest.mark.parametrize("body", [ASK, STREAM], ids=["body", "stream"])
async def test_an_answer_takes_the_time_that_its_tokens_take(
    http: httpx2.AsyncClient, sandbox: Sandbox, body: dict[str, Any]
) -> None:
    sandbox.settings = PACED

    assert await _timed(http.post("/v1/messages", json=body)) == pytest.approx(12)


async def test_a_header_sets_the_pace_of_one_request(http: httpx2.AsyncClient) -> None:
    headers = {"x-sandbox-header-ms": "500", "x-sandbox-first-token-ms": "1500", "x-sandbox-output-tokens": "10"}

    assert await _timed(http.post("/v1/messages", json=ASK, headers=headers)) == pytest.approx(2)
    assert await _timed(http.post("/v1/messages", json=ASK)) < 0.1


async def test_the_headers_of_a_stream_come_before_its_first_token(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.settings = PACED
    loop = asyncio.get_running_loop()
    async with http.stream("POST", "/v1/messages", json=STREAM) as answer:
        times = [loop.time()]
        times += [loop.time() async for line in answer.aiter_lines() if "text_delta" in line]

    steps = [later - earlier for earlier, later in pairwise(times)]
    assert len(steps) == 50
    assert steps[0] == pytest.approx(2.2)
    assert steps[1:] == pytest.approx([0.2] * 49)


async def test_slow_bytes_take_their_time(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/messages", json=ASK)
    headers = {"x-sandbox-fault": "slow_bytes=100"}

    slow_s = await _timed(http.post("/v1/messages", json=ASK, headers=headers))

    assert slow_s == pytest.approx(len(answer.content) / 100, rel=0.05)


async def test_a_stalled_request_is_never_answered_and_never_billed(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("stall")

    with pytest.raises(httpx2.ReadTimeout):
        await http.post("/v1/messages", json=ASK, timeout=600)

    entry = await _left(sandbox)
    assert (entry.status, entry.hung_up, entry.billed_nusd, entry.events) == (0, True, 0, 0)


@pytest.mark.parametrize("number", [0, 3])
async def test_a_stream_can_stall_between_its_events(http: httpx2.AsyncClient, sandbox: Sandbox, number: int) -> None:
    sandbox.set_fault(f"stall_after={number}")

    heard = await _heard_of(http)

    entry = await _left(sandbox)
    assert heard.count("event: ") == number
    assert (entry.status, entry.hung_up, entry.events) == (200, True, number)


async def test_a_stream_can_stall_behind_its_last_event(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("stall_after=9999")

    heard = await _heard_of(http)

    assert "message_stop" in heard
    assert (await _left(sandbox)).hung_up


async def test_a_body_can_stall_behind_its_headers(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("stall_after=0")

    with pytest.raises(httpx2.ReadTimeout):
        await http.post("/v1/messages", json=ASK, timeout=600)
    entry = await _left(sandbox)
    assert (entry.status, entry.bytes_sent) == (200, 0)

    sandbox.clear_faults()
    sandbox.set_fault("stall_after=1")
    assert (await http.post("/v1/messages", json=ASK)).status_code == 200


async def test_a_client_that_leaves_pays_for_what_was_generated_until_then(
    http: httpx2.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.settings = PACED
    deltas = 0
    async with http.stream("POST", "/v1/messages", json=STREAM) as answer:
        async for line in answer.aiter_lines():
            deltas += "text_delta" in line
            if deltas == 5:
                break

    entry = await _left(sandbox)

    assert entry.hung_up
    assert entry.usage == Usage(input=5, output=10)
    assert entry.billed_nusd == 5 * 1_000 + 10 * 5_000
    assert entry.events == 3 + 5  # message_start, content_block_start, ping


@pytest.mark.parametrize(
    ("after_s", "tokens"),
    [
        pytest.param(1.0, 0, id="before the first token"),
        pytest.param(7.05, 50, id="in the middle"),
    ],
)
async def test_a_client_that_does_not_wait_for_a_body_pays_for_what_was_generated(
    http: httpx2.AsyncClient, sandbox: Sandbox, after_s: float, tokens: int
) -> None:
    sandbox.settings = PACED

    with pytest.raises(httpx2.ReadTimeout):
        await http.post("/v1/messages", json=ASK, timeout=after_s)

    entry = await _left(sandbox)
    assert (entry.status, entry.hung_up) == (0, True)
    assert entry.usage == Usage(input=5, output=tokens)


async def test_faults_that_end_a_stream_end_its_bill_too(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.settings = Settings(output_tokens=100)

    await http.post("/v1/messages", json=STREAM, headers={"x-sandbox-fault": "error_in_stream=api_error@5"})
    await http.post("/v1/messages", json=STREAM, headers={"x-sandbox-fault": "no_terminal"})

    assert [entry.usage.output for entry in sandbox.meter.entries] == [4, 100]


async def test_closing_the_sandbox_ends_what_it_is_answering(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("stall")
    asked = asyncio.ensure_future(http.post("/v1/messages", json=ASK))
    await asyncio.sleep(1)

    await sandbox.aclose()

    with pytest.raises(httpx2.ReadError):
        await asked
    assert sandbox.meter.total.calls == 1
