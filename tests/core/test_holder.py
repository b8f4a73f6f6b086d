import pytest

from seawall.core.holder import KINDS, Kind, Said, Subject, holder_of

SUBJECT = Subject(
    route="/ai/chat",
    key="key_1",
    team="support",
    provider="anthropic",
    model="anthropic/claude-haiku-5-5",
    user=Said("alice", "ab12", is_bound=False),
    feature=Said("draft", "draft", is_bound=True),
)


@pytest.mark.parametrize(
    ("kind", "name", "holder"),
    [
        ("all", "", "all"),
        ("team", "*", "team:support"),
        ("team", "support", "team:support"),
        ("team", "sales", None),
        ("project", "*", None),
        ("route", "/ai/chat", "route:/ai/chat"),
        ("provider", "anthropic", "provider:anthropic"),
        ("model", "anthropic/claude-haiku-5-5", "model:anthropic/claude-haiku-5-5"),
        ("key", "*", "key:key_1"),
        ("user", "*", "user:key_1/ab12"),
        ("user", "alice", "user:key_1/ab12"),
        ("user", "bob", None),
        ("feature", "*", "feature:draft"),
        ("conversation", "*", None),
    ],
)
def test_a_budget_finds_its_holder_in_a_call(kind: Kind, name: str, holder: str | None) -> None:
    assert holder_of(kind, name, SUBJECT) == holder


def test_a_name_that_the_caller_chose_lies_under_the_callers_key() -> None:
    others = SUBJECT._replace(key="key_2")

    assert holder_of("user", "*", others) == "user:key_2/ab12"


def test_without_keys_everybody_is_who_they_say() -> None:
    assert holder_of("user", "*", SUBJECT._replace(key="")) == "user:ab12"


def test_every_kind_is_found_in_a_subject() -> None:
    assert {kind for kind in KINDS if kind != "all"} == set(Subject._fields)


def test_nobody_can_name_himself_into_an_account_of_another_unit() -> None:
    sly = SUBJECT._replace(feature=Said("x#tokens", "x#tokens", is_bound=False))

    assert holder_of("feature", "*", sly) == "feature:key_1/x%23tokens"
