import asyncio

from seawall.core.principal import Principal
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.dialects.dialect import MESSAGES
from seawall.dialects.json_object import JsonObject
from seawall.guards.killswitch.facts import facts_of, sentence, target_facts
from seawall.guards.killswitch.rule import CallFacts
from seawall.pipeline.exchange import Labels
from seawall.pipeline.watchdog import Kennel
from seawall.testing.clock import START_WALL_S
from tests.scene import Call, target


async def test_facts_are_what_is_known_by_now() -> None:
    exchange = Call(MESSAGES, principal=Principal("key_1", team="a")).exchange(Kennel(asyncio.get_running_loop()))
    early = facts_of(exchange, with_target=True, with_tools=True)
    exchange.labels, exchange.target = Labels(feature="search"), target(model="m")
    exchange.body = JsonObject.of({"tools": [{"name": "x"}]})

    late = facts_of(exchange, with_target=True, with_tools=True)

    assert early == CallFacts("/ai/chat", "", "a", "key_1")
    assert late == CallFacts("/ai/chat", "search", "a", "key_1", "anthropic-provider", "m", frozenset({"x"}))
    assert facts_of(exchange) == CallFacts("/ai/chat", "search", "a", "key_1")


async def test_a_caller_without_a_key_has_no_team() -> None:
    exchange = Call(MESSAGES, principal=None).exchange(Kennel(asyncio.get_running_loop()))

    assert facts_of(exchange) == CallFacts("/ai/chat")


def test_a_target_is_its_provider_and_its_model() -> None:
    assert target_facts(target(model="m")) == CallFacts(provider="anthropic-provider", model="m")


def test_a_sentence_says_what_since_when_and_why_and_never_who() -> None:
    whole = Switch(Level("team", "a"), START_WALL_S + 60, "ada", START_WALL_S, "too dear")

    assert sentence(whole) == (
        "an operator has switched off team:a since 2026-11-21T00:00:00Z until 2026-11-21T00:01:00Z: too dear"
    )
    assert sentence(Switch(EVERYTHING)) == "an operator has switched off all"


def test_a_file_that_cannot_be_read_is_said_without_what_stands_in_it() -> None:
    said = sentence(Switch(EVERYTHING, trouble='line 3: found "sk-secret"'))

    assert "cannot be read" in said
    assert "sk-secret" not in said
