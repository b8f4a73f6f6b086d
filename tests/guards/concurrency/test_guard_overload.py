"""Ten times what a provider can carry, for thirty virtual seconds (acceptance test A14)."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest

from seawall.core.error import Overloaded
from seawall.dialects.dialect import MESSAGES
from seawall.guards.concurrency.guard import ConcurrencyGuard
from seawall.guards.concurrency.register import TargetLimits
from seawall.pipeline.exchange import Exchange, Reply
from seawall.pipeline.watchdog import Kennel
from seawall.testing.virtual_loop import run_virtual
from tests.scene import Call, target

WARM_UP_S: Final = 60.0
LOAD_S: Final = 30.0
STEP_S: Final = 0.05
ASK: Final = Call(MESSAGES, {}, target=target())


@dataclass
class Provider:
    """A provider that works on `capacity` calls of a second each at full speed.

    With more of them all go slower together, and beyond twice as many it gets less done in all, as machines do.
    """

    capacity: int
    running: int = 0

    async def __call__(self, exchange: Exchange) -> Reply:
        del exchange
        self.running += 1
        left_s = 1.0
        while left_s > 0:
            share = self.capacity / max(self.running, self.capacity)
            if self.running > 2 * self.capacity:
                share *= 2 * self.capacity / self.running
            step_s = min(STEP_S, left_s / share)
            await asyncio.sleep(step_s)
            left_s -= step_s * share
        self.running -= 1
        return Reply(200, [])


@dataclass
class Outcome:
    """When each call that got through began and how long it took, by class; and who was refused when."""

    took: list[tuple[float, float]] = field(default_factory=list)
    let_in: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)

    def p99_s(self, since_s: float) -> float:
        """Give the 99th percentile of the calls that began from then on."""
        found = sorted(took for began, took in self.took if began >= since_s)
        return found[int(len(found) * 0.99)]


def _run(provider: Provider, per_s: Mapping[str, float], limits: TargetLimits) -> Outcome:
    """Warm up at half the capacity, then send so many calls of each class a second."""
    guard, outcome, random = ConcurrencyGuard(limits), Outcome(), Random(14)  # noqa: S311  # a fair die, no secret

    async def one(kennel: Kennel, traffic_class: str) -> None:
        exchange = ASK.exchange(kennel)
        exchange.traffic_class = traffic_class
        began_s = exchange.started_s
        try:
            await guard(exchange, provider)
        except Overloaded:
            outcome.refused.append((began_s, traffic_class))
        else:
            outcome.let_in.append((began_s, traffic_class))
            outcome.took.append((began_s, exchange.watchdog.now_s() - began_s))
        finally:
            exchange.watchdog.close()

    async def arrivals(group: asyncio.TaskGroup, kennel: Kennel, mix: Mapping[str, float], until_s: float) -> None:
        classes, rates = list(mix), list(mix.values())
        while kennel.time() < until_s:
            await asyncio.sleep(random.expovariate(sum(rates)))
            group.create_task(one(kennel, random.choices(classes, rates)[0]))

    async def everything() -> None:
        kennel = Kennel(asyncio.get_running_loop())
        async with asyncio.TaskGroup() as group:
            await arrivals(group, kennel, {"interactive": provider.capacity / 2}, WARM_UP_S)
            await arrivals(group, kennel, per_s, WARM_UP_S + LOAD_S)

    run_virtual(everything())
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("capacity", [60, 80], ids=["a limit too high", "a limit about right"])
def test_ten_times_the_capacity_is_served_as_well_as_it_can_be(capacity: int) -> None:
    mix = {"interactive": 0.5 * capacity, "automation": 4.5 * capacity, "analysis": 5.0 * capacity}
    outcome = _run(Provider(capacity), mix, TargetLimits())

    ended = sum(WARM_UP_S <= began + took < WARM_UP_S + LOAD_S for began, took in outcome.took)
    refused = Counter(traffic_class for _, traffic_class in outcome.refused)
    assert ended >= 0.8 * capacity * LOAD_S
    assert outcome.p99_s(WARM_UP_S) <= 2.0
    assert refused["interactive"] == 0
    assert refused["automation"] > 0
    assert refused["analysis"] > 0


@pytest.mark.slow
def test_a_limit_that_begins_far_too_high_comes_down() -> None:
    capacity = 20
    outcome = _run(Provider(capacity), {"interactive": 10.0 * capacity}, TargetLimits())

    settled_s = WARM_UP_S + 20
    ended = sum(settled_s <= began + took < WARM_UP_S + LOAD_S for began, took in outcome.took)
    assert ended >= 0.8 * capacity * (LOAD_S - 20)
    assert outcome.p99_s(settled_s) <= 2.0


@pytest.mark.slow
def test_where_even_the_first_class_is_too_much_no_lower_one_is_let_in() -> None:
    capacity = 60
    mix = {"interactive": 5.0 * capacity, "automation": 2.5 * capacity, "analysis": 2.5 * capacity}
    outcome = _run(Provider(capacity), mix, TargetLimits())

    # A tenth of a second is shorter than it takes 15 per cent of the places to become free.
    sent_away = {int(at_s * 10) for at_s, traffic_class in outcome.refused if traffic_class == "interactive"}
    let_in = {int(at_s * 10) for at_s, traffic_class in outcome.let_in if traffic_class != "interactive"}
    assert sent_away
    assert not sent_away & let_in
