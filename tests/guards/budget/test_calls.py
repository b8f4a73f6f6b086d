import asyncio

import pytest

from seawall.core.account import Unit
from seawall.core.error import RateLimited
from seawall.core.window import Period
from seawall.dialects.dialect import COUNT_TOKENS, MESSAGES
from seawall.guards.budget.accounts import PER_CALL, Accounts
from seawall.guards.budget.calls import CallsGuard
from seawall.guards.budget.settings import Budget
from seawall.pipeline.exchange import Reply
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ShakyLedger, Worker
from tests.scene import Call, Ended, Instead, Scene

GOOD = Instead(Reply(200, []))


def outcomes(period: Period, cap: int, *calls: Call) -> tuple[list[BaseException | None], int]:
    async def scene() -> tuple[list[BaseException | None], int]:
        ledger = ShakyLedger()
        worker = Worker(ledger)
        budgets = [Budget("team", "*", Unit.CALLS, period, cap), Budget("team", "*", Unit.NUSD, period, 0)]
        guard = CallsGuard(Accounts(budgets, worker.purse.lease_of, str, PER_CALL), worker.purse)
        ended: list[Ended] = [await Scene((guard, GOOD)).call(call) for call in calls]
        await worker.close()
        return [each.error for each in ended], ledger.settled("team")

    return run_virtual(scene())


def test_a_call_too_many_is_told_when_the_next_day_begins() -> None:
    (first, second, third), settled = outcomes(Period.DAY, 2, *[Call(MESSAGES)] * 3)

    assert (first, second) == (None, None)
    assert isinstance(third, RateLimited)
    assert third.code == "limit.calls"
    assert third.retry_after_s == pytest.approx(86_400, abs=1.0)
    assert third.should_retry is False, "nobody waits for a day"
    assert str(third) == ("team:support has had its 2 calls for 2026-11-21/UTC; it renews at 2026-11-22T00:00:00+00:00")
    assert settled == 2


def test_what_never_renews_is_not_tried_again() -> None:
    (error,), _ = outcomes(Period.LIFETIME, 0, Call(MESSAGES))

    assert isinstance(error, RateLimited)
    assert error.retry_after_s is None
    assert error.should_retry is False


def test_what_is_not_billed_is_not_counted() -> None:
    errors, settled = outcomes(Period.DAY, 0, Call(COUNT_TOKENS), Call(MESSAGES, principal=None))

    assert errors == [None, None]
    assert settled == 0


def test_a_call_that_fails_below_counts() -> None:
    async def scene() -> int:
        ledger = ShakyLedger()
        worker = Worker(ledger)
        budget = Budget("all", "", Unit.CALLS, Period.DAY, 10)
        guard = CallsGuard(Accounts([budget], worker.purse.lease_of, str, PER_CALL), worker.purse)
        await Scene((guard, Instead(ValueError("no")))).call(Call(MESSAGES))
        await asyncio.gather(*[Scene((guard, GOOD)).call(Call(MESSAGES)) for _ in range(4)])
        await worker.close()
        return ledger.settled("all")

    assert run_virtual(scene()) == 5
