"""Budgets that four workers share: nested caps, a worker that dies, another policy, an end and a new start (A2)."""

import asyncio
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from seawall.core.key import KeyGrant
from seawall.sandbox import Sandbox
from tests.e2e.process.asking import ask_all
from tests.e2e.process.every_worker import EveryWorker
from tests.e2e.process.money import (
    CENT,
    FLAT_ROUTE,
    FLAT_TOKENS,
    PATH,
    PROVIDERS,
    Bank,
    ask_flat,
    code_of,
    issue,
    message_of,
)
from tests.e2e.process.running import is_running, seawall, until
from tests.e2e.process.wire import begin

WORKERS: Final = 4
FOUR: Final = ("--workers", str(WORKERS))
OPEN: Final = ("--insecure-dev", *FOUR)
TWO: Final = ("--insecure-dev", "--workers", "2")
TEAMS: Final = tuple(KeyGrant(team=f"t{number}") for number in range(3))
USERS: Final = 20
CALLS: Final = 900
ROOMY: Final = "overload: {{max_in_flight: 2000}}\n"  # nobody is to be turned away but for money
AT_ONCE: Final = 50
SHED: Final = 503  # a machine that is busy with other things sends calls away before they cost anything
SHARE: Final = 16  # a worker's lease is at most this part of what is free


@pytest.fixture
def open_bank(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Bank]]:
    """Give a function that starts a gateway under a policy's budgets; the provider answers with a cent's worth."""
    sandbox.settings = replace(sandbox.settings, output_tokens=FLAT_TOKENS)
    opened: list[Bank] = []

    def begin_anew(budgets: str, *options: str) -> Bank:
        text = f"{ROOMY}{PROVIDERS}{budgets}{FLAT_ROUTE.replace('{', '{{').replace('}', '}}')}"
        opened.append(Bank.open(tmp_path, sandbox, text, *(options or OPEN), number=len(opened)))
        return opened[-1]

    yield begin_anew
    for bank in opened:
        bank.gateway.close()


async def test_three_nested_caps_hold_for_each_of_twenty_users(
    tmp_path: Path, open_bank: Callable[..., Bank], tell: Callable[[str], None]
) -> None:
    keys = issue(tmp_path, *TEAMS)
    caps = 'budgets: {{all: {{usd: 5}}, "team:*": {{usd: 2}}, "user:*": {{usd: 0.5}}}}\n'
    bank = await asyncio.to_thread(open_bank, caps, *FOUR)
    draw = random.Random(4)  # noqa: S311  # the same seed is the same run
    calls = []
    for _ in range(CALLS):
        key, user = keys[draw.choice(TEAMS)], f"u{min(int(draw.expovariate(0.6)), USERS - 1)}"
        fields = {"x_api_key": key, "x_seawall_user": user}
        body = ask_flat(is_stream=draw.random() < 0.5, metadata={"user_id": f"{key[-9:]}/{user}"})
        calls.append((bank.gateway.port, PATH, body, fields))

    answers = [each for first in range(0, CALLS, AT_ONCE) for each in await ask_all(calls[first : first + AT_ONCE])]

    good = [answer.status for answer in answers].count(200)
    refused = [answer for answer in answers if answer.status not in (200, SHED)]
    billed = bank.billed_nusd  # first: it waits for the meter
    callers = {name: total.billed_nusd for name, total in bank.sandbox.meter.by_caller.items()}
    teams: Counter[str] = Counter()
    for name, nusd in callers.items():
        teams[name.partition("/")[0]] += nusd
    assert {(answer.status, code_of(answer)) for answer in refused} == {(402, "budget.exhausted")}
    assert billed == good * CENT <= 500 * CENT
    assert len(teams) == len(TEAMS)
    assert max(teams.values()) <= 200 * CENT
    assert max(callers.values()) <= 50 * CENT
    named = Counter(re.match(r"(all|team:t\d|user:\S+/\w+) has ", message_of(each))[1] for each in refused)  # type: ignore[index]  # every refusal has a holder
    assert {name.partition(":")[0] for name in named} <= {"all", "team", "user"}
    for kind in ("all", "team:", "user:"):
        await asyncio.to_thread(bank.settles, kind, billed)
    tell(f"nested caps: {good} of {CALLS} calls passed, {billed / 1e9:.2f} of 5.00 USD")
    await asyncio.to_thread(bank.gives_everything_back)


def test_what_a_killed_worker_held_is_shown_and_comes_back_by_decision(open_bank: Callable[..., Bank]) -> None:
    bank = open_bank('budgets: {{all: {{usd: 1}}, "route:*": {{usd: 2}}}}\n')
    for _ in range(8):
        assert bank.ask().status == 200
    bank.settles("all", 8 * CENT)
    bank.sandbox.settings = replace(bank.sandbox.settings, header_ms=60_000)
    with begin(bank.gateway.port, PATH, ask_flat()) as line:
        until(lambda: len(bank.sandbox.requests.last(1000)) > 8, "the provider has the call")
        victim = bank.gateway.server_of(line)
        leased = {(lease.owner, lease.account): lease.amount for lease in bank.leases()}
        os.kill(victim, signal.SIGKILL)
    until(lambda: not is_running(victim), "the worker is dead")
    until(lambda: [charge.unsettled.reason for charge in bank.unsettled()] == ["crashed"], "its leases are charged")

    (charge,) = bank.unsettled()
    lost = dict(charge.unsettled.charges)
    assert lost == {name: amount for (owner, name), amount in leased.items() if owner == charge.owner}
    assert CENT <= lost["all@lifetime"] <= 100 * CENT // SHARE + CENT
    told = seawall(bank.gateway.folder, "spend", "unsettled", "--state-dir", "state", "--json")
    assert charge.unsettled.id in told.stdout
    words = (
        "spend",
        "reconcile",
        charge.unsettled.id,
        "--nothing",
        "--why",
        "the provider's log",
        "--state-dir",
        "state",
    )
    done = seawall(bank.gateway.folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert bank.unsettled() == []
    assert bank.settled("all") == 8 * CENT
    bank.is_good()


def test_another_cap_holds_in_every_worker_at_once(open_bank: Callable[..., Bank]) -> None:
    bank = open_bank("budgets: {{all: {{usd: 0.04}}}}\n")
    text = (bank.gateway.folder / "policy.yaml").read_text("utf-8")
    with EveryWorker(bank.gateway) as workers:

        def statuses() -> set[int]:
            return {answer.status for answer in workers.ask(PATH, ask_flat()).values()}

        assert statuses() == {200}
        assert statuses() == {402}

        bank.gateway.write_policy(text.replace("usd: 0.04", "usd: 0.08"))
        until(lambda: len(bank.gateway.logged("policy in force")) == WORKERS, "every worker has the higher cap")
        assert statuses() == {200}
        assert statuses() == {402}

        bank.gateway.write_policy(text.replace("usd: 0.04", "usd: 0.02"))
        until(lambda: len(bank.gateway.logged("policy in force")) == 2 * WORKERS, "every worker has the lower cap")
        answers = workers.ask(PATH, ask_flat()).values()
        assert {answer.status for answer in answers} == {402}
        assert all("has 0 left of its 0.02 USD" in message_of(answer) for answer in answers)
    assert bank.billed_nusd == 2 * WORKERS * CENT


def test_lower_cap_takes_back_what_workers_had_leased(open_bank: Callable[..., Bank]) -> None:
    bank = open_bank("budgets: {{all: {{usd: 10}}}}\n")
    text = (bank.gateway.folder / "policy.yaml").read_text("utf-8")
    with EveryWorker(bank.gateway) as workers:
        for _ in range(3):
            assert {answer.status for answer in workers.ask(PATH, ask_flat()).values()} == {200}
        bank.settles("all", 3 * WORKERS * CENT)
        assert sum(lease.amount for lease in bank.leases()) > 0

        bank.gateway.write_policy(text.replace("usd: 10", "usd: 0.12"))
        until(lambda: len(bank.gateway.logged("policy in force")) == WORKERS, "every worker has the lower cap")

        assert {answer.status for answer in workers.ask(PATH, ask_flat()).values()} == {402}
    assert bank.billed_nusd == 3 * WORKERS * CENT
    until(lambda: not bank.leases(), "what was leased is back")


def test_spending_outlives_every_process(open_bank: Callable[..., Bank]) -> None:
    before = open_bank("budgets: {{all: {{usd: 0.03}}}}\n", *TWO)
    assert before.spend(4).status == 402
    before.gives_everything_back()

    after = open_bank("budgets: {{all: {{usd: 0.04}}}}\n", *TWO)

    assert [after.ask().status for _ in range(2)] == [200, 402]
    assert after.billed_nusd == 4 * CENT
    after.gives_everything_back()
    assert after.settled("all") == 4 * CENT


def test_killed_at_once_it_forgets_nothing(open_bank: Callable[..., Bank]) -> None:
    before = open_bank("budgets: {{all: {{usd: 0.05}}}}\n", *TWO)
    for _ in range(3):
        assert before.ask().status == 200
    supervisor = before.gateway.popen.pid  # the first to die: it would start others
    for pid in (supervisor, *before.gateway.workers().values()):
        os.kill(pid, signal.SIGKILL)
    before.gateway.popen.wait()

    after = open_bank("budgets: {{all: {{usd: 0.05}}}}\n", *TWO)

    assert after.spend(3).status == 402
    assert 3 * CENT <= after.billed_nusd <= 5 * CENT
    until(lambda: after.settled("all") + sum(x.amount for x in after.leases()) >= after.billed_nusd, "it is booked")
    after.is_good()


async def test_all_of_a_cap_can_be_spent_whoever_asks(open_bank: Callable[..., Bank]) -> None:
    bank = await asyncio.to_thread(open_bank, "budgets: {{all: {{usd: 0.5}}}}\n")

    answers = await ask_all([(bank.gateway.port, PATH, ask_flat(), {})] * 100)

    assert {answer.status for answer in answers} <= {200, 402, SHED}
    # On a busy machine a call may be refused for what another worker gives back a moment later.
    await asyncio.to_thread(until, lambda: bank.ask().status == 402 and bank.billed_nusd == 50 * CENT, "all is spent")
    await asyncio.to_thread(bank.gives_everything_back)
    assert bank.settled("all") == 50 * CENT
