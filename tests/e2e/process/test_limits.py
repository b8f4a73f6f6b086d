"""Rates and calls a day, shared by four workers: who is sent away is told when it will pass (mission row C5)."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import openai
import pytest

from seawall.core.key import KeyGrant
from tests.e2e.process.asking import ask_all
from tests.e2e.process.conftest import running_sandbox
from tests.e2e.process.money import (
    FLAT,
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

PER_MINUTE, BURST, SLOW = 60, 5, 40
PER_DAY: Final = 30
OPEN: Final = FLAT_ROUTE.replace("{", "{{").replace("}", "}}")
POLICY: Final = f"""overload: {{{{max_in_flight: 2000}}}}
{PROVIDERS}limits:
  "team:quick": {{{{requests_per_minute: {PER_MINUTE}, burst: {BURST}}}}}
  "team:slow": {{{{requests_per_minute: {SLOW}, burst: 1}}}}
  "team:daily": {{{{calls_per_day: {PER_DAY}}}}}
  "user:*": {{{{requests_per_minute: {PER_MINUTE}, burst: {BURST}}}}}
{OPEN}"""
TEAMS: Final = {name: KeyGrant(team=name) for name in ("quick", "slow", "daily", "other")}


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Start four workers, which all tests of this file share; each test has a team of its own."""
    folder = tmp_path_factory.mktemp("bank")
    keys = issue(folder, *TEAMS.values())
    with running_sandbox() as sandbox:
        sandbox.settings = replace(sandbox.settings, output_tokens=FLAT_TOKENS)
        bank = Bank.open(folder, sandbox, POLICY, "--workers", "4")
        yield replace(bank, keys=keys)
        bank.gateway.close()


async def test_four_workers_let_through_what_the_rate_allows_and_say_when_the_next_one_passes(
    four: Bank, tell: Callable[[str], None]
) -> None:
    bank = four.with_key(TEAMS["quick"])
    began_s = time.monotonic()
    answers = await ask_all([(bank.gateway.port, PATH, ask_flat(), {"x_api_key": bank.key})] * 40)
    took_s = time.monotonic() - began_s
    refused = [answer for answer in answers if answer.status == 429]
    good = len(answers) - len(refused)

    wait_s = float(refused[-1].headers["retry-after"])
    await asyncio.sleep(wait_s)
    after = await asyncio.to_thread(bank.ask)

    assert BURST <= good <= BURST + math.ceil(took_s * PER_MINUTE / 60)
    assert {code_of(answer) for answer in refused} == {"limit.requests"}
    assert all("team:quick" in message_of(answer) for answer in refused)
    assert {answer.headers["retry-after"] for answer in refused} <= {"1", "2"}
    assert after.status == 200, "at the announced time it passes"
    tell(f"limits: {good} of {len(answers)} calls passed within {took_s:.2f} s, of a burst of {BURST} and 1/s")


async def test_calls_a_day_are_counted_together_and_exactly(four: Bank) -> None:
    bank = four.with_key(TEAMS["daily"])

    answers = await ask_all([(bank.gateway.port, PATH, ask_flat(), {"x_api_key": bank.key})] * (2 * PER_DAY))

    count = Counter(answer.status for answer in answers)
    refused = next(answer for answer in answers if answer.status == 429)
    assert count[200] + count[429] == 2 * PER_DAY
    assert count[200] <= PER_DAY or _is_about_midnight()
    while (last := await asyncio.to_thread(bank.ask)).status == 200:  # what one worker held back for a moment
        count[200] += 1
    assert last.status == 429
    assert count[200] == PER_DAY or _is_about_midnight()
    assert code_of(refused) == "limit.calls"
    assert f"team:daily has had its {PER_DAY} calls for " in message_of(refused)
    assert "it renews at " in message_of(refused)
    assert refused.headers["x-should-retry"] == "false"
    to_midnight_s = 86_400 - time.time() % 86_400  # noqa: TID251  # days begin by the wall clock
    assert float(last.headers["retry-after"]) == pytest.approx(to_midnight_s, abs=60) or _is_about_midnight()


def _is_about_midnight() -> bool:
    """Say whether a day has ended in these minutes, and two budgets could be had."""
    return time.time() % 86_400 < 300  # noqa: TID251  # days begin by the wall clock


def test_user_of_an_sdk_only_waits_a_little(four: Bank) -> None:
    bank = four.with_key(TEAMS["slow"])
    began_s = time.monotonic()
    with openai.OpenAI(base_url=f"{bank.gateway.url}/flat/v1", api_key=bank.key) as client:
        for _ in range(2):  # the second one passes as the first did, only later
            client.chat.completions.create(
                model=FLAT, max_completion_tokens=FLAT_TOKENS, messages=[{"role": "user", "content": "Hello"}]
            )

    assert time.monotonic() - began_s >= 60 / SLOW


def test_every_user_has_a_rate_of_its_own(four: Bank) -> None:
    bank = four.with_key(TEAMS["other"])

    first = [bank.ask(x_seawall_user="ann") for _ in range(2 * BURST)]
    other = bank.ask(x_seawall_user="bob")

    assert 429 in {answer.status for answer in first}
    assert all(
        "user:" in message_of(answer) and "ann" not in message_of(answer) for answer in first if answer.status == 429
    )
    assert other.status == 200
