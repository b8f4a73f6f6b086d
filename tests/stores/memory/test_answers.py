from collections.abc import Awaitable, Callable

import pytest

from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.answers import (
    AnswersUnderTest,
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
