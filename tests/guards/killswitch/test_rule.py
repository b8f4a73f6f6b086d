import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.switch import EVERYTHING, KINDS, Level, Switch
from seawall.guards.killswitch.rule import CallFacts, applying, killed_tools

FACTS = CallFacts("/ai/chat", "search", "a", "key_1", "openai", "gpt-5.4", frozenset({"lookup"}))
NAMES = {
    "provider": "openai",
    "model": "gpt-5.4",
    "route": "/ai/chat",
    "feature": "search",
    "team": "a",
    "tool": "lookup",
    "key": "key_1",
}


@pytest.mark.parametrize(
    "level", [EVERYTHING, *(Level(*each) for each in NAMES.items()), Level("model", "openai/gpt-5.4")]
)
def test_a_switch_names_the_call(level: Level) -> None:
    assert applying((Switch(level),), FACTS) == Switch(level)


@pytest.mark.parametrize("kind", KINDS)
def test_a_switch_of_something_else_names_nothing(kind: str) -> None:
    assert applying((Switch(Level(kind, "other")), Switch(Level(kind, "anthropic/gpt-5.4"))), FACTS) is None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_known_is_named_by_no_switch(kind: str) -> None:
    switches = [Switch(Level(kind, name)) for name in ("", "/", *NAMES.values())]

    assert applying(switches[1:], CallFacts()) is None


def test_an_unknown_kind_names_nothing() -> None:
    assert applying((Switch(Level("planet", "a")),), FACTS) is None


@given(st.lists(st.sampled_from([*NAMES.items(), ("team", "b")]), max_size=6))
def test_the_first_switch_that_names_the_call_is_given(levels: list[tuple[str, str]]) -> None:
    switches = [Switch(Level(*each), why=f"{number}") for number, each in enumerate(levels)]

    assert applying(switches, FACTS) == next((s for s in switches if s.level != Level("team", "b")), None)


def test_killed_tools_are_given_with_their_first_switch() -> None:
    first, second, other = Switch(Level("tool", "x")), Switch(Level("tool", "x"), why="y"), Switch(Level("tool", "z"))

    assert killed_tools([Switch(EVERYTHING), first, second, other]) == {"x": first, "z": other}
