"""The laws have teeth: a pipeline with a fault in it is found out, each time by the law that is there for it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from seawall.guards.breaker.rule import Breaker, Outcome, Permit
from seawall.guards.concurrency.rule import GradientLimit
from seawall.guards.idempotency import guard as idempotency
from seawall.guards.idempotency.rule import Released
from seawall.guards.journal import JournalGuard
from seawall.guards.killswitch.guard import LastLook
from seawall.guards.retry import guard as retry_guard
from seawall.guards.retry.rule import Wait, decide
from seawall.pipeline.exchange import CallNext, Exchange
from seawall.pipeline.stream import StreamReply
from seawall.pipeline.watchdog import Watchdog
from tests.laws.laws import judge
from tests.laws.provider import SimReply
from tests.laws.world import run_seed

SEEDS: Final = 300
pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _late(patch: pytest.MonkeyPatch) -> None:
    real = Watchdog.limit
    patch.setattr(Watchdog, "limit", lambda dog, total_s: real(dog, total_s + 0.2))


def _insistent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        retry_guard, "decide", lambda said, failure: Wait(0.0) if failure.retry < 6 else decide(said, failure)
    )


def _blind(patch: pytest.MonkeyPatch) -> None:
    def look(guard: LastLook, exchange: Exchange, call_next: CallNext) -> Any:  # as the guard gives it
        del guard
        return call_next(exchange)

    patch.setattr(LastLook, "__call__", look)


def _careless(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SimReply, "abort", lambda _: None)


def _greedy(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GradientLimit, "leave", lambda _: None)


def _credulous(patch: pytest.MonkeyPatch) -> None:
    real = Breaker.report

    def report(breaker: Breaker, permit: Permit, outcome: Outcome, now_s: float) -> None:
        del permit
        real(breaker, breaker._permit, outcome, now_s)

    patch.setattr(Breaker, "report", report)


def _generous(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(idempotency, "after_failure", lambda _, __: Released())


def _talkative(patch: pytest.MonkeyPatch) -> None:
    real = JournalGuard._write

    def write(guard: JournalGuard, *facts: Any) -> None:  # as it is called
        real(guard, *facts)
        real(guard, *facts)

    patch.setattr(JournalGuard, "_write", write)


def _stammering(patch: pytest.MonkeyPatch) -> None:
    real = StreamReply._take
    patch.setattr(StreamReply, "_take", lambda stream, chunk: real(stream, chunk) * 2)


FAULTS: Final[dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]]] = {
    "deadlines come late": (_late, "its time was over"),
    "it retries without end": (_insistent, "attempts of"),
    "nobody looks at the switch again": (_blind, "is off"),
    "answers are not given up": (_careless, "open"),
    "places are kept": (_greedy, "nobody gave back"),
    "late reports count": (_credulous, "its model"),
    "keys are given back in spite of a charge": (_generous, "was charged for calls"),
    "records are written twice": (_talkative, "two records"),
    "pieces come twice": (_stammering, "cannot be read"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, complaint = FAULTS[fault]
    break_it(monkeypatch)

    for seed in range(SEEDS):
        if any(complaint in found.what for found in run_seed(seed, judge).complaints):
            return
    pytest.fail(f"nobody noticed in {SEEDS} runs")
