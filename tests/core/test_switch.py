import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.switch import EVERYTHING, KINDS, MAX_NAME, Level, Switch, parse_level, shown


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("all", EVERYTHING),
        (" all ", EVERYTHING),
        ("provider:openai", Level("provider", "openai")),
        ("model:openai/gpt-5.4", Level("model", "openai/gpt-5.4")),
        ("model:ft:gpt-4.1:acme::x1", Level("model", "ft:gpt-4.1:acme::x1")),
        ("route:/ai/chat", Level("route", "/ai/chat")),
        ("feature:live chat", Level("feature", "live chat")),
        ("team:älteste", Level("team", "älteste")),
        ("tool:web_search", Level("tool", "web_search")),
        ("key:key_1", Level("key", "key_1")),
    ],
)
def test_a_level_is_read_as_people_write_it(text: str, level: Level) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected all, or one of provider:NAME"),
        ("providr:openai", "did you mean provider:openai?"),
        ("Team:x", "did you mean team:x?"),
        ("tems", "did you mean team:NAME?"),
        ("al", "did you mean all?"),
        ("all:", "did you mean all?"),
        ("all:x", "did you mean all?"),
        ("/ai/chat", "did you mean route:/ai/chat?"),
        ("route:ai/chat", "did you mean route:/ai/chat?"),
        ("model:", "a name of at most"),
        ("model: x", "a name of at most"),
        ("team:a\x1bb", '"team:a�b" is no level'),
        ('team:a"b', "is no level"),
        ("zzz", "expected all"),
        (f"team:{'x' * (MAX_NAME + 1)}", "a name of at most"),
    ],
)
def test_what_is_no_level_is_told_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="is no level") as caught:
        parse_level(text)

    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_long_text_is_not_shown_whole() -> None:
    assert len(shown("x" * 10_000)) < 200


@given(st.sampled_from(KINDS), st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=50))
def test_every_level_is_read_again_as_it_is_written(kind: str, name: str) -> None:
    level = Level(kind, f"/{name}")

    assert parse_level(level.text) == level


def test_a_switch_with_an_end_is_on_before_it_only() -> None:
    switch = Switch(EVERYTHING, until_s=100.0)

    assert switch.is_on(99.9)
    assert not switch.is_on(100.0)
    assert Switch(EVERYTHING).is_on(1e18)
