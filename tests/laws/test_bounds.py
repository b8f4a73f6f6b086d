"""The law of the bounds: what is held is never less than what is billed, whatever is asked of whichever model."""

import os
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Final
from unicodedata import normalize

import orjson
import pytest

from seawall.core.price import Price
from seawall.core.target import Origin, Provider, Target
from seawall.core.worst_case import worst_nusd
from seawall.dialects.bound.bound import bound_of
from seawall.dialects.dialect import CHAT, EMBEDDINGS, MESSAGES, RESPONSES, Endpoint
from seawall.policy.model_facts import facts_of
from seawall.policy.price_schedule import price_on
from seawall.policy.price_table import find_listing
from seawall.sandbox.anthropic import endpoint as messages_endpoint
from seawall.sandbox.anthropic import prompt as messages_prompt
from seawall.sandbox.cache import PromptCache
from seawall.sandbox.call import Call
from seawall.sandbox.fault import Faults
from seawall.sandbox.openai import embedding, responses
from seawall.sandbox.openai import endpoint as chat_endpoint
from seawall.sandbox.openai import prompt as chat_prompt
from seawall.sandbox.price import bill
from seawall.sandbox.problem import Problem
from seawall.sandbox.reply import Charge, Reply
from seawall.sandbox.setting import Settings
from tests.laws.request import Requests

COUNT: Final = int(os.environ.get("SEAWALL_BOUNDS", "2500"))  # noqa: TID251 - tests stand outside the product
TODAY: Final = date(2026, 11, 21)
SITES: Final = {"anthropic": "https://api.anthropic.com/v1", "openai": "https://api.openai.com/v1"}
ASKED: Final[Mapping[Endpoint, Callable[[Call], Reply]]] = {
    MESSAGES: messages_endpoint.messages,
    CHAT: chat_endpoint.chat,
    RESPONSES: responses.responses,
    EMBEDDINGS: embedding.embeddings,
}
pytestmark = [pytest.mark.no_cover, pytest.mark.timeout(60 + COUNT // 50)]


@dataclass
class Findings:
    """What was seen: how many requests were billed, refused and unbounded, and held over billed, in parts of one."""

    billed: int = 0
    refused: int = 0
    unbounded: int = 0
    tokens: list[float] = field(default_factory=list)
    money: list[float] = field(default_factory=list)

    def told(self) -> str:
        """Say the whole in two lines."""
        return "\n".join(
            f"{name}: {self.billed} billed, {self.refused} refused, {self.unbounded} unbounded; held over billed:"
            f" median {statistics.median(found):.2f}, p90 {_share(found, 0.9):.2f}, p99 {_share(found, 0.99):.2f}"
            for name, found in (("input tokens", self.tokens), ("money", self.money))
        )


def _share(found: list[float], share: float) -> float:
    return sorted(found)[int(len(found) * share)]


@cache
def _target(endpoint: Endpoint, model: str) -> Target:
    dialect = "anthropic" if endpoint is MESSAGES else "openai"
    listing = find_listing(SITES[dialect], dialect, model)
    price = None if listing is None else price_on(listing.schedule, TODAY)
    assert isinstance(price, Price), f"{model} has a price"
    provider = Provider(dialect, dialect, Origin("https", "provider", 443), "/v1", None)
    return Target(provider, model, price, traits=facts_of(dialect, model, is_official=True).traits)


def _charge(endpoint: Endpoint, body: dict[str, Any], cache: PromptCache, number: int) -> Charge | None:
    """Ask the sandbox without a server; None where it refuses."""
    call = Call(
        body=orjson.dumps(body),
        headers={"anthropic-version": "2023-06-01"},
        query={},
        name="",
        settings=Settings(),
        faults=Faults(),
        key=1,
        request_id="req",
        now_s=number * 0.05,
        wall_s=1.8e9,
        cache=cache,
    )
    try:
        reply = ASKED[endpoint](call)
    except Problem:
        return None
    reply.begun()
    return reply.charge


def _prove(seed: int, count: int) -> Findings:
    requests, cache, findings = Requests(seed), PromptCache(), Findings()
    kept: list[tuple[Endpoint, dict[str, Any]]] = []
    for number in range(count):
        # Every fifth request comes again, so that prompts are found in the cache.
        is_repeat = bool(kept) and requests.chance.happens(0.2)
        endpoint, body = kept[requests.chance.count(0, len(kept) - 1)] if is_repeat else requests.draw()
        kept[number % 50 : number % 50 + 1] = [(endpoint, body)]
        target = _target(endpoint, body["model"])
        bound = bound_of(endpoint, body, target)
        charge = _charge(endpoint, body, cache, number)
        if charge is None:
            findings.refused += 1
        elif bound.input_tokens is None:
            findings.unbounded += 1
        else:
            assert target.price is not None
            held, billed = worst_nusd(target.price, bound), bill(charge)
            case = (seed, number, endpoint.name, body["model"], bound, charge)
            assert charge.usage.prompt <= bound.input_tokens, case
            assert charge.usage.billed_output <= bound.output_tokens, case
            assert billed <= held, case
            findings.billed += 1
            findings.tokens.append(bound.input_tokens / max(charge.usage.prompt, 1))
            findings.money.append(held / max(billed, 1))
    return findings


def _bytes(text: str, letters: int) -> int:
    """Count as no tokenizer does worse: a token for every byte, after the longest normal form."""
    del letters
    return max(len(text.encode()), len(normalize("NFKC", text).encode()))


def test_what_is_held_is_never_less_than_what_is_billed(capsys: pytest.CaptureFixture[str]) -> None:
    findings = _prove(1, COUNT)

    assert findings.billed > COUNT * 0.9
    with capsys.disabled():
        print(f"\n{findings.told()}")  # noqa: T201 - the figures of docs/rooms/dialects.md


def test_a_tokenizer_with_a_token_for_every_byte_bills_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for room in (messages_prompt, chat_prompt, embedding):
        monkeypatch.setattr(room, "count", _bytes)

    findings = _prove(2, COUNT)

    assert findings.billed > COUNT * 0.9
    with capsys.disabled():
        print(f"\n{findings.told()}")  # noqa: T201 - the figures of docs/rooms/dialects.md
