"""Budgets and limits inside a process, for callers on event loops."""

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import MessageParam

import seawall
from seawall.sandbox import Sandbox
from seawall.stores.sqlite.ledger_books import SqliteBooks

Capped = Callable[[str], Path]

CENT: Final = 10_000_000
TEN_CENTS: Final = "budgets: {all: {usd: 0.1}}"
FLAT: Final = "sandbox-flat"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
PLACES: Final = [pytest.param(True, id="state directory"), pytest.param(False, id="memory")]


async def _status(http: httpx2.AsyncClient) -> int:
    client = AsyncAnthropic(http_client=http, api_key="unused", max_retries=0)
    try:
        await client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)
    except anthropic.APIStatusError as error:
        return error.status_code
    return 200


@pytest.mark.parametrize("has_state", PLACES)
async def test_calls_at_once_spend_the_cap_and_no_more(
    capped: Capped, sandbox: Sandbox, state_dir: Path, has_state: bool
) -> None:
    async with seawall.async_http_client(capped(TEN_CENTS), state_dir=state_dir if has_state else None) as http:
        statuses = await asyncio.gather(*(_status(http) for _ in range(16)))

    assert sorted(statuses) == [200] * 10 + [402] * 6
    assert sandbox.meter.total.billed_nusd == 10 * CENT
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_refusal_names_the_account(capped: Capped) -> None:
    async with seawall.async_http_client(capped("budgets: {all: {usd: 0.001}}")) as http:
        client = AsyncAnthropic(http_client=http, api_key="unused", max_retries=0)
        with pytest.raises(anthropic.APIStatusError) as refused:
            await client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)

    assert refused.value.status_code == 402
    assert "all has 0.001 left of its 0.001 USD for lifetime" in str(refused.value)


@pytest.mark.parametrize("has_state", PLACES)
def test_loops_in_several_threads_share_the_cap(
    capped: Capped, sandbox: Sandbox, state_dir: Path, has_state: bool
) -> None:
    http = seawall.async_http_client(capped(TEN_CENTS), state_dir=state_dir if has_state else None)
    together = threading.Barrier(4)

    async def calls() -> list[int]:
        together.wait(20)
        statuses = await asyncio.gather(*(_status(http) for _ in range(4)))
        await asyncio.to_thread(together.wait, 20)  # who closes first closes the books for all
        await http._transport.aclose()  # each loop its own connections
        return statuses

    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(asyncio.run, calls()) for _ in range(4)]

    assert sorted(status for each in found for status in each.result()) == [200] * 10 + [402] * 6
    assert sandbox.meter.total.billed_nusd == 10 * CENT


@pytest.mark.parametrize("has_state", PLACES)
def test_loops_that_end_without_a_word_leave_no_lease_behind(
    capped: Capped, sandbox: Sandbox, state_dir: Path, has_state: bool
) -> None:
    http = seawall.async_http_client(capped(TEN_CENTS), state_dir=state_dir if has_state else None)

    async def last() -> None:
        assert [await _status(http) for _ in range(8)] == [200] * 7 + [402]
        await http.aclose()

    def one_after_the_other() -> None:
        for _ in range(3):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(_status(http)) == 200
            loop.close()
        asyncio.run(last())
        gc.collect()

    with pytest.warns(ResourceWarning):  # of connections, as without caps
        one_after_the_other()

    assert sandbox.meter.total.billed_nusd == 10 * CENT


async def test_closing_gives_back_what_was_leased(capped: Capped, state_dir: Path, books: SqliteBooks) -> None:
    async with seawall.async_http_client(capped(TEN_CENTS), state_dir=state_dir) as http:
        assert await _status(http) == 200

    (balance,) = books.balances()
    assert (balance.settled, balance.leased, balance.unsettled) == (CENT, 0, 0)


async def test_a_limit_is_a_429_that_says_when_to_come_back(capped: Capped, sandbox: Sandbox) -> None:
    async with seawall.async_http_client(capped("limits: {all: {requests_per_minute: 1, burst: 3}}")) as http:
        client = AsyncAnthropic(http_client=http, api_key="unused", max_retries=0)
        statuses = await asyncio.gather(*(_status(http) for _ in range(6)))
        with pytest.raises(anthropic.RateLimitError) as limited:
            await client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)

    assert sorted(statuses) == [200] * 3 + [429] * 3
    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 60
    assert sandbox.meter.total.calls == 3
