"""A ledger that cannot be written: calls go on within what is leased, then nothing is sent (security.md, A6)."""

import contextlib
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.every_worker import EveryWorker
from tests.e2e.process.money import CENT, FLAT_ROUTE, FLAT_TOKENS, PATH, PROVIDERS, Bank, ask_flat, code_of
from tests.e2e.process.running import PATIENCE_S, Gateway, until

CAP: Final = 200  # cents
WORKERS: Final = 2
LEASED: Final = 1.25 * CAP / 16  # in cents, by one worker: a slice, and what was left of the one before when it came
BUDGETS: Final = f"budgets: {{{{all: {{{{usd: {CAP / 100}}}}}}}}}\n"
OPEN: Final = FLAT_ROUTE.replace("{", "{{").replace("}", "}}")


@contextmanager
def _locked(gateway: Gateway) -> Iterator[None]:
    """Hold the ledger's write lock, as a backup or a process that hangs would."""
    with contextlib.closing(apsw.Connection(str(gateway.state_dir / "ledger.db"))) as db:
        db.set_busy_timeout(round(PATIENCE_S * 1000))
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


@contextmanager
def _full(gateway: Gateway) -> Iterator[None]:
    """Let the ledger grow no more, as on a full disk; the log is shorter, and so is still written."""
    pids = list(gateway.workers().values())
    size = (gateway.state_dir / "ledger.db-wal").stat().st_size
    assert size > 2 * gateway.printed.stat().st_size
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def _gone(gateway: Gateway) -> Iterator[None]:
    """Take the file away, which is as near to read-only as it gets for a superuser."""
    path = gateway.state_dir / "ledger.db"
    away = path.with_name("ledger.away")
    path.rename(away)
    yield
    away.rename(path)


@pytest.fixture
def bank(tmp_path: Path, sandbox: Sandbox) -> Iterator[Bank]:
    """Start two workers under one cap."""
    sandbox.settings = replace(sandbox.settings, output_tokens=FLAT_TOKENS)
    bank = Bank.open(tmp_path, sandbox, f"{PROVIDERS}{BUDGETS}{OPEN}", "--insecure-dev", "--workers", str(WORKERS))
    yield bank
    bank.gateway.close()


@dataclass
class Callers:
    """Calls at each worker, one after the other, and what came of them."""

    workers: EveryWorker
    statuses: list[int] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)

    def round(self) -> set[int]:
        """Call each worker once, and give the statuses."""
        answers = self.workers.ask(PATH, ask_flat()).values()
        self.statuses += [answer.status for answer in answers]
        self.codes |= {code_of(answer) for answer in answers if answer.status != 200}
        return {answer.status for answer in answers}

    def readiness(self) -> set[tuple[int, str]]:
        """Ask each worker whether it is ready."""
        return {(answer.status, answer.json["status"]) for answer in self.workers.get("/readyz").values()}


def _told(bank: Bank, event: str) -> list[dict[str, Any]]:
    """Give the purses' entries in the log."""
    return [entry for entry in bank.gateway.logged("seawall.budget") if entry["event"] == event]


@pytest.mark.parametrize("fate", [_locked, _full, _gone], ids=["locked", "full", "gone"])
def test_calls_go_on_within_leases_then_nothing_is_sent_and_it_comes_back_by_itself(
    bank: Bank, fate: Callable[[Gateway], AbstractContextManager[None]], tell: Callable[[str], None]
) -> None:
    with EveryWorker(bank.gateway) as workers:
        callers = Callers(workers)
        for _ in range(4):
            assert callers.round() == {200}
        assert callers.readiness() == {(200, "ok")}
        before = callers.statuses.count(200)

        with fate(bank.gateway):
            until(lambda: callers.round() == {503}, "every worker has come to the end of its leases", 2 * PATIENCE_S)
            within = callers.statuses.count(200) - before
            assert callers.codes == {"ledger.unavailable"}
            until(lambda: callers.readiness() == {(503, "ledger unavailable")}, "no worker is ready")
            billed = bank.billed_nusd
            assert callers.round() == {503}
            assert bank.billed_nusd == billed, "nothing is sent without a receipt"
            assert 0 < within <= WORKERS * LEASED

        until(lambda: callers.readiness() == {(200, "ok")}, "every worker is ready again")
        until(lambda: callers.round() == {200}, "calls pass again")
        told = _told(bank, "ledger.unavailable")
        assert len(told) == WORKERS, "each worker says once what it had leased"
        assert all("all@lifetime" in entry["room"] for entry in told)
        assert len(_told(bank, "ledger.available")) == WORKERS
    tell(f"ledger away: {within} calls of a cent passed, of at most {WORKERS * LEASED:.0f} leased")
    assert bank.spend(CAP + 1).status == 402
    assert bank.billed_nusd <= CAP * CENT
    bank.gives_everything_back()
    assert bank.settled("all") == bank.billed_nusd
