import asyncio

import pytest

from seawall.core.kept import Claim, KeyRow
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.answers import AnswersUnderTest, check_answers


async def test_the_whole_suite_runs_in_one_call() -> None:
    def make() -> AnswersUnderTest:
        store = MemoryAnswers()
        return AnswersUnderTest(store, store)

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


async def test_the_suite_finds_a_store_that_forgets_to_drop() -> None:
    class Hoarding(MemoryAnswers):
        def purge(self, now_s: float) -> "asyncio.Future[int]":
            del now_s
            none: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            none.set_result(0)
            return none

    def broken() -> AnswersUnderTest:
        store = Hoarding()
        return AnswersUnderTest(store, store)

    with pytest.raises(AssertionError, match="what counts as none is dropped"):
        await check_answers(broken)
