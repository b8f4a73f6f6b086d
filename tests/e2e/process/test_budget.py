"""Budgets as those meet them who call: four workers, keys, and the provider's own meter (mission rows C3 and C6)."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import anthropic
import openai
import pytest

from seawall.core.key import KeyGrant
from seawall.core.record import CallRecord
from seawall.sandbox.setting import Settings
from tests.e2e.process.asking import ask_all
from tests.e2e.process.conftest import running_sandbox
from tests.e2e.process.money import CENT, FLAT, FLAT_TOKENS, PATH, PROVIDERS, Bank, ask_flat, code_of, issue, message_of
from tests.e2e.process.running import until
from tests.e2e.process.wire import call

# Each test has a team of its own, and so an account that nobody else draws on.
POLICY: Final = f"""{PROVIDERS}
budgets:
  "team:*": {{{{usd: 0.05}}}}
  "team:renewed": {{{{per_month_usd: 0.02, time_zone: Europe/Berlin}}}}
  "user:*": {{{{usd: 0.02}}}}
  "conversation:*": {{{{tokens: 2000}}}}
routes:
  /flat: {{{{profile: once, model: anthropic/sandbox-flat}}}}
  /short: {{{{profile: once, model: anthropic/sandbox-flat, on_exhausted: clamp}}}}
  /lesser:
    profile: once
    model: claude-opus-5-5
    on_exhausted: degrade
    degraded: {{{{model: claude-haiku-4-5, message: "No more today."}}}}
  /any: {{{{profile: once}}}}
"""
TEAMS: Final = tuple(KeyGrant(team=f"t{number}") for number in range(40))
RENEWED, OTHER = KeyGrant(team="renewed"), KeyGrant(team="other")
BOUND: Final = KeyGrant(team="bound", user="ann")
TEAM_CALLS: Final = 5
USER_CALLS: Final = 2
MANY: Final = 60  # calls at once under one idempotency key


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Start four workers with keys, which all tests of this file share."""
    folder = tmp_path_factory.mktemp("bank")
    keys = issue(folder, *TEAMS, RENEWED, OTHER, BOUND)
    with running_sandbox() as sandbox:
        bank = Bank.open(folder, sandbox, POLICY, "--workers", "4")
        yield replace(bank, keys=keys)
        bank.gateway.close()


@pytest.fixture(scope="module")
def unused() -> Iterator[KeyGrant]:
    """Give the teams' keys, each to one test."""
    return iter(TEAMS)


@pytest.fixture
def bank(four: Bank, unused: Iterator[KeyGrant]) -> Iterator[Bank]:
    """Give the shared gateway with the key of a team that no other test is, and a provider that is as new."""
    four.sandbox.settings = Settings(output_tokens=FLAT_TOKENS)
    yield four.with_key(next(unused))
    four.sandbox.settings = Settings()


def _gpt(bank: Bank, path: str = "/flat") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{bank.gateway.url}{path}/v1", api_key=bank.key)


def _claude(bank: Bank, path: str = "/flat") -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=f"{bank.gateway.url}{path}", api_key=bank.key)


def _say(client: anthropic.Anthropic, tokens: int = FLAT_TOKENS) -> anthropic.types.Message:
    return client.messages.create(model=FLAT, max_tokens=tokens, messages=[{"role": "user", "content": "Hello"}])


def test_user_of_the_anthropic_sdk_learns_whose_cap_it_is_and_nothing_is_tried_again(bank: Bank) -> None:
    before = bank.billed_nusd
    with _claude(bank) as client:
        for _ in range(TEAM_CALLS):
            _say(client)
        with pytest.raises(anthropic.APIStatusError) as caught:
            _say(client)

    error, told = caught.value, caught.value.response.json()
    assert (error.status_code, told["error"]["type"]) == (402, "billing_error")
    assert told["error"]["details"]["error_code"] == "budget.exhausted"
    team = _team(bank)
    assert told["error"]["message"] == (
        f"team:{team} has 0 left of its 0.05 USD for lifetime, and this call may cost 0.01 USD; it does not renew"
    )
    assert error.response.headers["x-should-retry"] == "false"
    assert error.response.headers["x-seawall-attempts"] == "0"
    assert bank.billed_nusd - before == TEAM_CALLS * CENT
    until(lambda: len(_errors_of(bank)) > TEAM_CALLS, "every call is recorded")
    assert _errors_of(bank) == [""] * TEAM_CALLS + ["budget.exhausted"], "the client was told not to retry"


def test_user_of_the_openai_sdk_learns_the_same(bank: Bank) -> None:
    before = bank.billed_nusd
    with _gpt(bank) as client:

        def say() -> None:
            client.chat.completions.create(
                model=FLAT, max_completion_tokens=FLAT_TOKENS, messages=[{"role": "user", "content": "Hello"}]
            )

        for _ in range(TEAM_CALLS):
            say()
        with pytest.raises(openai.APIStatusError) as caught:
            say()

    error = caught.value
    assert (error.status_code, error.code, error.type) == (402, "budget.exhausted", "insufficient_quota")
    assert f"team:{_team(bank)} has 0 left of its 0.05 USD" in error.message
    assert error.response.headers["x-should-retry"] == "false"
    assert bank.billed_nusd - before == TEAM_CALLS * CENT


def test_refusal_names_the_window_and_when_its_successor_begins(four: Bank) -> None:
    refusal = four.with_key(RENEWED).spend(10)  # more than twice the cap: the month may end meanwhile

    assert code_of(refusal) == "budget.exhausted"
    found = re.search(
        r"team:renewed has 0 left of its 0\.02 USD for (\d{4}-\d\d)/Europe/Berlin, .*"
        r"; it renews at (\d{4}-\d\d)-(?:30|31|2[89])T2[23]:00:00\+00:00$",
        message_of(refusal),
    )
    assert found is not None, message_of(refusal)
    assert found[1] == found[2], "midnight of the first in Berlin is still the old month in UTC"


def test_every_user_and_every_team_has_a_budget_of_its_own(bank: Bank) -> None:
    other = bank.with_key(OTHER)

    refused = [bank.spend(USER_CALLS + 1, x_seawall_user=name) for name in ("ann", "bob")]
    team = bank.spend(TEAM_CALLS - 2 * USER_CALLS + 1, x_seawall_user="cleo")

    assert all("user:" in message_of(each) and "0.02 USD" in message_of(each) for each in refused)
    assert f"team:{_team(bank)} has 0 left of its 0.05 USD" in message_of(team)
    assert other.ask(x_seawall_user="ann").status == 200
    assert "ann" not in message_of(refused[0]), "people stand in accounts by their keyed hash"


def test_label_of_one_key_spends_nothing_of_what_another_keys_user_has(bank: Bank, unused: Iterator[KeyGrant]) -> None:
    thief, bound = bank.with_key(next(unused)), bank.with_key(BOUND)

    assert thief.spend(USER_CALLS + 1, x_seawall_user="ann").status == 402
    assert [bank.ask(x_seawall_user="ann").status for _ in range(USER_CALLS + 1)] == [200] * USER_CALLS + [402]
    assert [bound.ask(x_seawall_user="bob").status for _ in range(USER_CALLS + 1)] == [200] * USER_CALLS + [402]


def test_conversation_has_its_tokens_and_no_more(bank: Bank) -> None:
    first = [bank.ask(x_seawall_conversation="one", x_seawall_user=f"u{n}").status for n in range(2)]
    long = bank.ask(ask_flat(1, system="word " * 2500), x_seawall_conversation="one")
    other = bank.ask(x_seawall_conversation="two")

    assert first == [200, 200]
    assert (long.status, code_of(long)) == (402, "budget.exhausted")
    assert re.search(r"conversation:\S+ has \d+ left of its 2000 tokens for lifetime", message_of(long))
    assert other.status == 200


def test_clamped_call_gets_as_much_of_an_answer_as_is_left(bank: Bank) -> None:
    bank.sandbox.settings = replace(bank.sandbox.settings, output_tokens=4_000)
    for _ in range(TEAM_CALLS - 1):
        assert bank.ask(ask_flat(90)).status == 200

    short = bank.ask(ask_flat(4_000), "/short/v1/messages")
    nothing = bank.ask(ask_flat(4_000), "/short/v1/messages")

    left = FLAT_TOKENS * TEAM_CALLS - 90 * (TEAM_CALLS - 1)
    assert (short.status, short.json["stop_reason"]) == (200, "max_tokens")
    assert short.json["usage"]["output_tokens"] == left
    assert (nothing.status, code_of(nothing)) == (402, "budget.exhausted")
    until(lambda: any(record.id == short.id for record in bank.gateway.records()), "the short answer is recorded")
    (notes,) = [record.notes for record in bank.gateway.records() if record.id == short.id]
    assert "budget.clamped" in notes
    bank.settles(f"team:{_team(bank)}@", TEAM_CALLS * CENT)


def test_degraded_call_goes_to_the_cheaper_model_and_then_to_the_message(bank: Bank) -> None:
    body = _claude_body("claude-opus-5-5", max_tokens=3_000)

    cheaper = bank.ask(body, "/lesser/v1/messages")
    assert bank.spend(TEAM_CALLS + 1).status == 402
    nothing = bank.ask(body, "/lesser/v1/messages")

    assert (cheaper.status, cheaper.headers["x-seawall-degraded"]) == (200, "model")
    assert cheaper.headers["x-seawall-model"] == "claude-haiku-4-5"
    assert (nothing.status, nothing.headers["x-seawall-degraded"]) == (200, "message")
    assert nothing.json["content"][0]["text"] == "No more today."


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/any/v1/messages", {"model": "anthropic/claude-unheard-of"}, "price.unknown"),
        (
            "/any/v1/messages",
            {"model": "claude-haiku-4-5", "tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "budget.unbounded",
        ),
        (
            "/any/v1/messages",
            {"model": "claude-haiku-4-5", "mcp_servers": [{"type": "url", "url": "https://x.test", "name": "x"}]},
            "budget.unbounded",
        ),
    ],
    ids=["no price", "searches without end", "somebody's server"],
)
def test_what_has_no_worst_case_is_not_sent(bank: Bank, path: str, fields: dict[str, Any], code: str) -> None:
    before = len(bank.sandbox.requests.last(1000))

    answer = bank.ask(json.dumps({**json.loads(ask_flat()), **fields}).encode(), path)

    assert (answer.status, code_of(answer)) == (400, code)
    assert answer.headers["x-should-retry"] == "false"
    assert len(bank.sandbox.requests.last(1000)) == before


def test_what_is_not_billed_passes_with_nothing_left(bank: Bank) -> None:
    assert bank.spend(TEAM_CALLS + 1).status == 402

    with _claude(bank, "/any") as client:
        counted = client.messages.count_tokens(model="claude-haiku-4-5", messages=[{"role": "user", "content": "Hi"}])
        models = client.models.list().data

    assert counted.input_tokens > 0
    assert models
    until(lambda: len(_records_of(bank)) == TEAM_CALLS + 3, "every call is recorded")
    assert [record.cost_nusd for record in _records_of(bank)] == [CENT] * TEAM_CALLS + [0] * 3
    bank.settles(f"team:{_team(bank)}@", TEAM_CALLS * CENT)


async def test_many_of_one_idempotency_key_are_charged_once(bank: Bank) -> None:
    before = bank.billed_nusd
    bank.sandbox.settings = replace(bank.sandbox.settings, header_ms=200)
    headers = {"x_api_key": bank.key, "idempotency_key": "charged-once"}

    answers = await ask_all([(bank.gateway.port, PATH, ask_flat(), headers)] * MANY)
    again = await asyncio.to_thread(call, bank.gateway.port, PATH, ask_flat(), **headers)

    assert {answer.status for answer in answers} | {again.status} == {200}
    assert bank.billed_nusd - before == CENT
    await asyncio.to_thread(bank.settles, f"team:{_team(bank)}@", CENT)


def _team(bank: Bank) -> str:
    return bank.grant.team


def _records_of(bank: Bank) -> list[CallRecord]:
    records = [record for record in bank.gateway.records() if record.team == _team(bank)]
    return sorted(records, key=lambda record: record.at_s)


def _errors_of(bank: Bank) -> list[str]:
    return [record.error for record in _records_of(bank)]


def _claude_body(model: str, max_tokens: int) -> bytes:
    return json.dumps({**json.loads(ask_flat(max_tokens)), "model": model}).encode()
