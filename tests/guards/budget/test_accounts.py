import asyncio
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from seawall.core.account import Account, Unit
from seawall.core.holder import Kind
from seawall.core.principal import Principal
from seawall.core.window import Period, Window
from seawall.dialects.dialect import MESSAGES
from seawall.guards.budget import accounts as room
from seawall.guards.budget.accounts import PER_CALL, Accounts
from seawall.guards.budget.lease import Lease
from seawall.guards.budget.purse import Purse
from seawall.guards.budget.settings import Budget
from seawall.pipeline.exchange import Exchange, Labels
from seawall.pipeline.watchdog import Kennel
from seawall.stores.memory.ledger import MemoryLedger
from seawall.testing.clock import START_WALL_S, LoopClock
from seawall.testing.virtual_loop import run_virtual
from tests.scene import ROUTE, Call, target

DAY_S = 86_400.0


def daily(kind: Kind, name: str = "*", cap: int = 100, **more: Any) -> Budget:  # Budget's own fields
    return Budget(kind, name, **{"unit": Unit.NUSD, "period": Period.DAY, "cap": cap, **more})


class Drawer:
    """Leases by name, as the purse keeps them."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.asked = 0

    def lease_of(self, account: Account, window: Window, book: int = 0) -> Lease:
        self.asked += 1
        return self.leases.setdefault(account.name, Lease(account, window, book))


def exchange(**labels: str) -> Exchange:
    async def begin() -> Exchange:
        call = Call(MESSAGES, target=target(), principal=Principal("key_1", team="support", project="shop"))
        return call.exchange(Kennel(asyncio.get_running_loop()))

    found = run_virtual(begin())
    found.labels = Labels(**labels)
    return found


def names(book: Accounts, call: Exchange, at_s: float = START_WALL_S) -> list[str]:
    return [lease.name for lease in book.of(call, at_s)]


def test_a_call_counts_against_every_account_that_means_it() -> None:
    budgets = [daily("all", ""), daily("provider"), daily("model"), daily("route"), daily("key"), daily("project")]
    budgets += [daily("team"), daily("user"), daily("feature"), daily("conversation"), daily("team", "sales")]
    book = Accounts(budgets, Drawer().lease_of, lambda name: f"h-{name}")

    found = names(book, exchange(user="ann", feature="draft", conversation="c1"))

    assert [name.partition("@")[0] for name in found] == [
        "all",
        "provider:anthropic-provider",
        "model:anthropic-provider/model-of-the-route",
        f"route:{ROUTE}",
        "key:key_1",
        "project:shop",
        "team:support",
        "user:key_1/h-ann",
        "feature:key_1/draft",
        "conversation:key_1/h-c1",
    ]


def test_callers_have_accounts_of_their_own() -> None:
    book = Accounts([daily("user"), daily("feature"), daily("conversation")], Drawer().lease_of, str)

    found = {tuple(names(book, exchange(user=user, conversation=talk))) for user in "ab" for talk in "cd"}

    assert len(found) == 4
    assert names(book, exchange()) == []


def test_two_budgets_of_one_account_are_one_with_the_smaller_cap() -> None:
    drawer = Drawer()
    book = Accounts(
        [daily("team", cap=50), daily("team", "support", cap=30), daily("team", cap=40)], drawer.lease_of, str
    )

    (lease,) = book.of(exchange(), START_WALL_S)

    assert lease.account.cap == 30


def test_budgets_of_other_zones_and_units_are_accounts_of_their_own() -> None:
    budgets = [daily("all", ""), daily("all", "", zone=ZoneInfo("Asia/Tokyo")), daily("all", "", unit=Unit.TOKENS)]
    book = Accounts(budgets, Drawer().lease_of, str)

    assert names(book, exchange()) == [
        "all@2026-11-21/UTC",
        "all@2026-11-21/Asia/Tokyo",
        "all#tokens@2026-11-21/UTC",
    ]


def test_budgets_in_calls_are_counted_elsewhere() -> None:
    budgets = [daily("all", ""), daily("all", "", unit=Unit.CALLS)]

    assert names(Accounts(budgets, Drawer().lease_of, str), exchange()) == ["all@2026-11-21/UTC"]
    assert names(Accounts(budgets, Drawer().lease_of, str, PER_CALL), exchange()) == ["all#calls@2026-11-21/UTC"]


def test_what_was_found_is_remembered_for_its_window() -> None:
    drawer = Drawer()
    book = Accounts([daily("all", ""), daily("user")], drawer.lease_of, str)
    call = exchange(user="ann")
    book.of(call, START_WALL_S)

    book.of(call, START_WALL_S + DAY_S - 1.0)
    asked_the_same_day = drawer.asked
    tomorrow = names(book, call, START_WALL_S + DAY_S)
    again = names(book, call, START_WALL_S)  # a clock that went back comes to the account that was

    assert asked_the_same_day == 2
    assert tomorrow == ["all@2026-11-22/UTC", "user:key_1/ann@2026-11-22/UTC"]
    assert again == ["all@2026-11-21/UTC", "user:key_1/ann@2026-11-21/UTC"]


def test_a_lease_that_was_dropped_is_found_anew() -> None:
    drawer = Drawer()
    book = Accounts([daily("all", "")], drawer.lease_of, str)
    (dropped,) = book.of(exchange(), START_WALL_S)
    dropped.drop()
    drawer.leases.clear()

    (found,) = book.of(exchange(), START_WALL_S)

    assert found is not dropped


def test_a_running_call_of_an_older_policy_does_not_bring_its_cap_back() -> None:
    purse, call = Purse(MemoryLedger(), "w1", LoopClock()), exchange()
    older, newer = (Accounts([daily("all", "", cap=cap)], purse.lease_of, str) for cap in (100, 50))

    (lease,) = newer.of(call, START_WALL_S)
    found = older.of(call, START_WALL_S)  # its next attempt, at a target that it has not tried yet

    assert found == (lease,)
    assert lease.account.cap == 50
    Accounts([daily("all", "", cap=200)], purse.lease_of, str).of(call, START_WALL_S)
    assert lease.account.cap == 200


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_CACHED", 10)
    book = Accounts([daily("user", zone=UTC)], Drawer().lease_of, str)
    call = exchange()

    for number in range(100):
        call.labels = Labels(user=str(number))
        book.of(call, START_WALL_S)

    assert len(book._of_caller) <= 10
