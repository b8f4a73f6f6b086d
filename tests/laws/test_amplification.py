"""A provider that fails every call is not made to fail more of them (A7)."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Final

import pytest

from seawall.assembly.build import House
from seawall.assembly.entry import Entry
from seawall.core.error import SeawallError
from seawall.core.principal import Principal
from seawall.core.receipt import Receipt
from seawall.core.record import CallRecord
from seawall.core.target import Target
from seawall.dialects.dialect import MESSAGES
from seawall.guards.breaker.register import Breakers
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.concurrency.settings import ConcurrencySettings
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.retry.settings import RetrySettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings
from seawall.pipeline.dispatch import Outlet
from seawall.pipeline.exchange import Headers
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy, Leg, LegSettings, Plan
from seawall.policy.plan import JournalSettings as Retention
from seawall.ports.upstream import UpstreamRequest
from seawall.testing.scripted_upstream import JSON_HEADERS, Script, ScriptedReply
from seawall.testing.virtual_loop import run_virtual
from tests.laws.chance import Chance
from tests.scene import TIMEOUTS, Call, provider, target

PER_S: Final = 1000
LENGTH_S: Final = 60
FIRST_S: Final = 5
PAUSE_S: Final = 0.005
SCRIPT: Final = Script((b"{}",), 503, JSON_HEADERS, head_after_s=0.02)
NEVER: Final = BreakerSettings(min_calls=10**9)
ENDLESS: Final = ConcurrencySettings(most=10**6, is_adaptive=False)


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Failing:
    """A provider that answers every request with 503, and counts them by the second; implements `Upstream`."""

    def __init__(self) -> None:
        self.by_second = [0] * (LENGTH_S + 60)

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> ScriptedReply:
        """Fail."""
        del receipt, request
        loop = asyncio.get_running_loop()
        self.by_second[int(loop.time())] += 1
        await asyncio.sleep(SCRIPT.head_after_s)
        return ScriptedReply(SCRIPT)

    async def aclose(self) -> None:
        """Do nothing."""


class Forgetful:
    """A journal that keeps nothing."""

    def write(self, record: CallRecord) -> None:
        """Forget."""


def _no_head(target: Target, headers: Headers) -> bytes:
    del target, headers
    return b""


def _same(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return headers


def _entry(upstream: Failing, breaker: BreakerSettings, limit: ConcurrencySettings) -> Entry:
    own = LegSettings(TIMEOUTS, TokenSettings(1000), SamplingSettings(), RetrySettings(), breaker)
    plan = Plan("/ai/chat", "interactive", "interactive", (Leg(target(), own),), own, True, 1.0)
    policy = CompiledPolicy(
        version="v1",
        source="policy.yaml",
        plans={plan.route: plan},
        providers={"a": provider()},
        journal=Retention(30, 7),
        body_limit=1 << 20,
        resolve=lambda model: target(model=model),
        concurrency={provider().name: limit},
    )
    draw = Chance(0, "amplification").draw
    journal = JournalGuard(Forgetful(), JournalSettings(str, str))
    house = House(journal, Outlet(upstream, _no_head, _same), breakers=Breakers(draw), draw=draw)
    return Entry(policy, house, None, Principal("guest"))


async def _storm(breaker: BreakerSettings, limit: ConcurrencySettings) -> list[int]:
    """Make the calls, evenly, and give the attempts of each second."""
    upstream, loop = Failing(), asyncio.get_running_loop()
    entry, kennel = _entry(upstream, breaker, limit), Kennel(loop)
    call, ended = Call(MESSAGES, {"model": "any", "max_tokens": 10, "messages": []}), list[str]()

    async def make() -> None:
        exchange = call.exchange(kennel)
        exchange.principal = None
        try:
            await entry.call(exchange)
        except SeawallError as error:
            ended.append(error.code)
        finally:
            exchange.watchdog.close()

    async with asyncio.TaskGroup() as group:
        for number in range(PER_S * LENGTH_S):
            if (late_s := number / PER_S - loop.time()) > 0:
                await asyncio.sleep(max(late_s, PAUSE_S))
            group.create_task(make())
    assert len(ended) == PER_S * LENGTH_S, "every call ended in an error of ours"
    return upstream.by_second


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("breaker", "limit"),
    [
        pytest.param(BreakerSettings(), ConcurrencySettings(), id="as usual"),
        pytest.param(NEVER, ConcurrencySettings(), id="without a breaker"),
        pytest.param(NEVER, ENDLESS, id="with nothing but the retry quota"),
    ],
)
def test_a_provider_that_fails_everything_is_asked_hardly_more_than_once_a_call(
    breaker: BreakerSettings, limit: ConcurrencySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = run_virtual(_storm(breaker, limit))

    first = sum(attempts[:FIRST_S]) / (PER_S * FIRST_S)
    steady = sum(attempts[FIRST_S:]) / (PER_S * (LENGTH_S - FIRST_S))
    with capsys.disabled():
        print(f"\nattempts per call: {first:.4f} in the first {FIRST_S} s, {steady:.4f} after")  # noqa: T201 - a figure
    assert first <= 1.2
    assert steady <= 1.08
