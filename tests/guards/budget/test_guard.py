import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from seawall.core.account import Unit
from seawall.core.error import (
    BadRequest,
    BudgetExhausted,
    LedgerUnavailable,
    SeawallError,
    Unsupported,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamUnreachable,
)
from seawall.core.receipt import Receipt
from seawall.core.remedy import remedy_of
from seawall.core.traits import Traits
from seawall.core.window import Period
from seawall.core.worst_case import worst_nusd
from seawall.dialects.bound.bound import bound_of
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, RESPONSES
from seawall.guards.budget.accounts import Accounts
from seawall.guards.budget.guard import BudgetGuard
from seawall.guards.budget.settings import Budget, BudgetSettings, OnExhausted
from seawall.guards.intake import IntakeGuard
from seawall.guards.meter import MeterGuard
from seawall.pipeline.dispatch import Dispatch
from seawall.pipeline.exchange import CallNext, Guard, compose
from seawall.pipeline.watchdog import HungUp
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream, Step
from seawall.testing.virtual_loop import run_virtual
from tests.guards.budget.conftest import ShakyLedger, Worker
from tests.pipeline.conftest import frames_of
from tests.scene import ANSWER, PRICE, Call, Ended, Scene, target, whole

USD = 1_000_000_000
TEXT = frames_of("anthropic/text.sse")
BODY = {"model": "m", "max_tokens": 1000, "messages": [{"role": "user", "content": "How much is two and two? " * 5}]}
ASK = Call(MESSAGES, BODY, target=target())
STREAM = Call(MESSAGES, {**BODY, "stream": True}, target=target())
CHAT_ASK = Call(CHAT, {**BODY, "max_completion_tokens": 1000, "n": 2}, target=target("openai"))
COST = 1000 * 3000 + 100 * 15_000  # of the scripted answer
ACCOUNT = "team:support@lifetime"


def worst_of(call: Call, **more: object) -> int:
    assert call.target is not None
    return worst_nusd(PRICE, bound_of(call.endpoint, {**call.body, **more}, call.target))


def money(cap: int) -> Budget:
    return Budget("team", "*", Unit.NUSD, Period.LIFETIME, cap)


class PaidScene(Scene):
    """A scene in which nothing but the guard under test pays."""

    def pipeline(self) -> CallNext:
        return compose(self.guards, Dispatch(self.outlet(), self.timeouts, self.hold_back_s))


class Shop:
    """The guard between intake and meter, over one worker."""

    def __init__(self, *budgets: Budget, on_exhausted: OnExhausted = "refuse") -> None:
        self.ledger = ShakyLedger()
        self.worker = Worker(self.ledger)
        self.purse = self.worker.purse
        self.upstream = ScriptedUpstream()
        book = Accounts(budgets, self.purse.lease_of, lambda name: f"h-{name}")
        self.guard = BudgetGuard(BudgetSettings(on_exhausted), book, self.purse)

    async def call(self, call: Call, *answers: Script | SeawallError, before: Sequence[Guard] = ()) -> Ended:
        self.upstream.expect(answers)
        guards = (IntakeGuard(1 << 20, "interactive"), *before, self.guard, MeterGuard())
        ended = await PaidScene(guards, self.upstream).call(call)
        assert all(lease.held == 0 for lease in self.purse._leases.values())
        return ended


@dataclass
class Bill:
    """What came of one call: how it ended, what was booked, and what of that is in doubt."""

    ended: Ended
    settled: int
    doubts: Sequence[tuple[str, str, int]]
    requests: int


def bill(
    call: Call, *answers: Script | SeawallError, cap: int = USD, on_exhausted: OnExhausted = "refuse", **more: Any
) -> Bill:
    async def scene() -> Bill:
        shop = Shop(money(cap), *more.get("budgets", ()), on_exhausted=on_exhausted)
        ended = await shop.call(call, *answers)
        await shop.worker.close()
        doubts = [
            (c.unsettled.reason, c.unsettled.target, c.unsettled.charges[0][1])
            for c in shop.ledger.real.unsettled_rows()
        ]
        assert shop.ledger.leased(ACCOUNT) == 0
        return Bill(ended, shop.ledger.settled(ACCOUNT), doubts, len(shop.upstream.requests))

    return run_virtual(scene())


def test_an_answer_is_booked_at_what_the_provider_counted() -> None:
    found = bill(ASK, whole(ANSWER["anthropic"]))

    assert found.ended.error is None
    assert (found.settled, found.doubts) == (COST, [])


def test_a_stream_is_booked_at_its_end() -> None:
    found = bill(STREAM, Script(TEXT))

    assert found.ended.error is None
    assert found.settled == found.ended.exchange.attempts[0].cost_nusd
    assert found.settled > 0
    assert found.doubts == []


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(UpstreamRefused(400, "invalid", "no"), id="refused"),
        pytest.param(UpstreamUnreachable("no connection"), id="never sent"),
    ],
)
def test_what_cannot_be_billed_costs_nothing(failure: SeawallError) -> None:
    found = bill(ASK, failure)

    assert found.ended.error is failure
    assert (found.settled, found.doubts) == (0, [])


def test_an_attempt_whose_end_nobody_knows_costs_its_worst_case() -> None:
    found = bill(ASK, UpstreamBroken("the connection broke"))

    assert found.doubts == [("unknown", "anthropic-provider/model-of-the-route", found.settled)]
    assert found.settled == worst_of(ASK)


@pytest.mark.parametrize("number", range(len(TEXT)))
def test_a_hang_up_at_any_frame_costs_what_is_known_and_the_longest_answer(number: int) -> None:
    steps: list[Step] = [*TEXT[:number], Pause(5.0), *TEXT[number:]]
    call = Call(MESSAGES, {**BODY, "stream": True}, target=target(), hang_up_s=2.0)

    found = bill(call, Script(steps))

    record = found.ended.exchange.attempts[0]
    assert isinstance(found.ended.error, HungUp)
    if record.usage == "reported":
        assert found.settled == record.cost_nusd
    else:
        longest = 1000 * 15_000
        assert longest < found.settled <= worst_of(STREAM)
        assert found.doubts == [("hung_up", "anthropic-provider/model-of-the-route", found.settled)]


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_fetch_20250910", "tool_search_tool_regex_20251119"])
def test_a_hang_up_amid_the_providers_own_tools_costs_the_worst_case(kind: str) -> None:
    tools = [{"type": kind, "name": "tool", "max_uses": 2}]
    model = target(traits=Traits(input_tokens=10_000))
    call = Call(MESSAGES, {**BODY, "stream": True, "tools": tools}, target=model, hang_up_s=2.0)

    found = bill(call, Script([*TEXT[:3], Pause(5.0), *TEXT[3:]]))

    assert found.ended.exchange.attempts[0].usage == "partial"
    assert found.settled == worst_of(call)
    assert found.doubts == [("hung_up", "anthropic-provider/model-of-the-route", found.settled)]


def test_a_broken_stream_without_a_count_costs_its_worst_case() -> None:
    found = bill(STREAM, Script([*TEXT[:3]]))

    assert isinstance(found.ended.error, UpstreamBroken)
    assert [doubt[0] for doubt in found.doubts] == ["unknown"]


def test_a_refusal_names_the_account_its_cap_and_what_is_left() -> None:
    found = bill(ASK, cap=1_000_000)

    assert isinstance(found.ended.error, BudgetExhausted)
    assert str(found.ended.error).startswith("team:support has 0.001 left of its 0.001 USD for lifetime")
    assert "it does not renew" in str(found.ended.error)
    assert not remedy_of(found.ended.error).elsewhere
    assert found.requests == 0


def test_the_route_may_prefer_a_cheaper_answer() -> None:
    found = bill(ASK, cap=1_000_000, on_exhausted="degrade")

    assert isinstance(found.ended.error, BudgetExhausted)
    assert remedy_of(found.ended.error).elsewhere


@pytest.mark.parametrize(
    ("call", "sent", "answer"),
    [
        pytest.param(ASK, {"max_tokens": 40}, ANSWER["anthropic"], id="messages"),
        pytest.param(
            CHAT_ASK, {"max_tokens": 40, "max_completion_tokens": 40}, ANSWER["openai"], id="chat, two answers"
        ),
    ],
)
def test_an_answer_is_clamped_to_what_fits(call: Call, sent: dict[str, int], answer: dict[str, object]) -> None:
    cap = worst_of(call, **sent) + 1

    found = bill(call, whole(answer), cap=cap, on_exhausted="clamp")

    assert found.ended.error is None
    assert {name: found.ended.sent[name] for name in sent} == sent
    assert "budget.clamped" in found.ended.exchange.notes


def test_a_clamped_call_fits_all_its_accounts() -> None:
    tokens = Budget("all", "", Unit.TOKENS, Period.LIFETIME, 0)
    fixed = worst_of(ASK, max_tokens=0)

    async def scene() -> Ended:
        bound = bound_of(MESSAGES, BODY, target())
        assert bound.input_tokens is not None
        cap = bound.input_tokens + 30
        shop = Shop(
            money(fixed + 50 * 15_000),
            Budget(tokens.kind, tokens.name, tokens.unit, tokens.period, cap),
            on_exhausted="clamp",
        )
        ended = await shop.call(ASK, whole({**ANSWER["anthropic"], "usage": {"input_tokens": 1, "output_tokens": 1}}))
        await shop.worker.close()
        return ended

    ended = run_virtual(scene())

    assert ended.error is None
    assert ended.sent["max_tokens"] == 30


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(Call(MESSAGES, {**BODY, "max_tokens": 16}, target=target()), id="nothing worth it fits"),
        pytest.param(
            Call(
                MESSAGES,
                {**BODY, "max_tokens": 3000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
                target=target(),
            ),
            id="thinking would not fit",
        ),
        pytest.param(Call(EMBEDDINGS, {"model": "m", "input": "x"}, target=target("openai")), id="nothing to clamp"),
    ],
)
def test_what_cannot_be_clamped_is_refused(call: Call) -> None:
    found = bill(call, cap=1, on_exhausted="clamp")

    assert isinstance(found.ended.error, BudgetExhausted)
    assert found.requests == 0


def test_a_failed_attempt_leaves_the_clients_ceiling_as_it_was() -> None:
    found = bill(ASK, UpstreamRefused(400, "invalid", "no"), cap=worst_of(ASK, max_tokens=40), on_exhausted="clamp")

    assert found.ended.sent["max_tokens"] == 1000


def test_without_a_price_money_is_not_spent() -> None:
    found = bill(Call(MESSAGES, BODY, target=target(price=None)))

    assert isinstance(found.ended.error, Unsupported)
    assert found.ended.error.code == "price.unknown"
    assert found.requests == 0


def test_a_limit_that_a_header_lifts_bounds_nothing() -> None:
    call = Call(
        MESSAGES,
        BODY,
        {b"anthropic-beta": b"context-1m-2025-08-07"},
        target=target(traits=Traits(input_tokens=100)),
    )

    assert bill(call, UpstreamBroken("the connection broke")).settled == worst_of(ASK)


def test_without_a_bound_money_is_not_spent() -> None:
    image = {"type": "file", "source": {"type": "file", "file_id": "file_1"}}
    messages = [
        {"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "https://x.test/a"}}, image]}
    ]
    found = bill(Call(MESSAGES, {**BODY, "messages": messages}, target=target()))

    assert isinstance(found.ended.error, BadRequest)
    assert found.ended.error.code == "budget.unbounded"
    assert found.requests == 0


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        pytest.param(Call(COUNT_TOKENS, BODY, target=target(price=None)), {"input_tokens": 3}, id="not billed"),
        pytest.param(
            Call(MESSAGES, BODY, target=target(price=None), principal=None), ANSWER["anthropic"], id="no account"
        ),
    ],
)
def test_what_no_budget_covers_is_sent_for_nothing(call: Call, answer: dict[str, object]) -> None:
    found = bill(call, whole(answer), cap=0)

    assert found.ended.error is None
    assert found.requests == 1


def test_without_budgets_every_attempt_has_a_receipt() -> None:
    async def scene() -> Ended:
        upstream = ScriptedUpstream(whole(ANSWER["anthropic"]))
        return await PaidScene((IntakeGuard(1 << 20, "interactive"), BudgetGuard(), MeterGuard()), upstream).call(ASK)

    assert run_virtual(scene()).error is None


def test_a_dead_ledger_stops_what_is_not_leased_yet() -> None:
    async def scene() -> tuple[Ended, Ended, Ended, int]:
        shop = Shop(money(USD))
        good = whole(ANSWER["anthropic"])
        first = await shop.call(ASK, good)
        shop.ledger.fault = lambda _: "before"
        second = await shop.call(ASK, good)
        while (last := await shop.call(ASK, good)).error is None:
            pass
        sent = len(shop.upstream.requests)
        shop.ledger.fault = lambda _: None
        await shop.worker.close()
        return first, second, last, sent

    first, second, last, sent = run_virtual(scene())

    assert (first.error, second.error) == (None, None)
    assert isinstance(last.error, LedgerUnavailable)
    assert last.exchange.receipt is None
    assert sent > 2


def test_a_refusal_below_gives_the_hold_back_and_takes_the_receipt_away() -> None:
    async def scene() -> tuple[Ended, int]:
        shop = Shop(money(USD))

        class Refuses:
            async def __call__(self, exchange: Any, call_next: Any) -> Any:  # a guard of no kind
                del call_next
                assert isinstance(exchange.receipt, Receipt)
                raise BadRequest("no")

        ended = await PaidScene((IntakeGuard(1 << 20, "interactive"), shop.guard, Refuses()), shop.upstream).call(ASK)
        await shop.worker.close()
        return ended, shop.ledger.settled(ACCOUNT)

    ended, settled = run_virtual(scene())

    assert ended.exchange.receipt is None
    assert settled == 0


def test_a_cancelled_call_is_booked_whole() -> None:
    async def scene() -> tuple[list[str], int]:
        shop = Shop(money(USD))
        shop.upstream.expect([Script([Pause(50.0), orjson.dumps(ANSWER["anthropic"])])])
        guards = (IntakeGuard(1 << 20, "interactive"), shop.guard, MeterGuard())
        task = asyncio.ensure_future(PaidScene(guards, shop.upstream).call(ASK))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait({task})
        await shop.worker.close()
        return [charge.unsettled.reason for charge in shop.ledger.real.unsettled_rows()], shop.ledger.settled(ACCOUNT)

    reasons, settled = run_virtual(scene())

    assert reasons == ["unknown"]
    assert settled == worst_of(ASK)


def test_a_responses_call_is_clamped_by_its_own_field() -> None:
    call = Call(RESPONSES, {"model": "m", "input": "x", "max_output_tokens": 900}, target=target("openai"))

    found = bill(
        call, UpstreamRefused(400, "invalid", "no"), cap=worst_of(call, max_output_tokens=20), on_exhausted="clamp"
    )

    assert isinstance(found.ended.error, UpstreamRefused)
    assert "budget.clamped" in found.ended.exchange.notes
