import asyncio
from collections.abc import Awaitable, Callable

import pytest

from seawall.core.kept import Claim, KeyRow
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.answers import (
    AnswersUnderTest,
    check_answers,
    check_claims,
    check_endings,
    check_owners,
    check_times,
)


def make() -> AnswersUnderTest:
    store = MemoryAnswers()
    return AnswersUnderTest(store, store)


@pytest.mark.parametrize("check", [check_claims, check_endings, check_owners, check_times])
async def test_memory_keeps_the_contract_of_answers(check: Callable[[AnswersUnderTest], Awaitable[None]]) -> None:
    await check(make())


async def test_the_whole_suite_runs_in_one_call() -> None:
    await check_answers(make)


async def test_the_suite_finds_a_store_that_gives_one_key_to_two() -> None:
    class Generous(MemoryAnswers):
        def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "asyncio.Future[KeyRow | None]":
            del claim, now_s, over
            free: asyncio.Future[KeyRow | None] = asyncio.get_running_loop().create_future()
            free.set_result(None)
            return free

    def broken() -> AnswersUnderTest:
        store = Generous()
        return AnswersUnderTest(store, store)

    with pytest.raises(AssertionError, match="exactly one claim gets the key"):
        await check_answers(broken)
