from collections.abc import Mapping

import pytest

from seawall.policy.document import PolicyDocument
from seawall.policy.fault import Fault, Places
from seawall.policy.reference import EnvReference, References
from seawall.policy.roster import Found, Roster, Unclear, build_roster, declared_entries

LOCAL = {"dialect": "openai", "base_url": "http://127.0.0.1:8000/v1"}
CORPORATE = {"dialect": "anthropic", "base_url": "https://llm.acme.example"}


def _roster(providers: object, environment: Mapping[str, str] | None = None) -> tuple[Roster, list[Fault]]:
    document = PolicyDocument.model_validate({"routes": {"/a": {}}, "providers": providers})
    faults: list[Fault] = []
    return build_roster(document, References(environment or {}), Places({}, {}), faults), faults


def _found(providers: object, name: str) -> str:
    found = _roster(providers)[0].find(name)
    assert isinstance(found, Found), found
    return f"{found.entry.name}|{found.model}|{found.entry.address.url}"


@pytest.mark.parametrize(
    ("providers", "name", "expected"),
    [
        pytest.param({}, "claude-haiku-5-5", "anthropic|claude-haiku-5-5|https://api.anthropic.com/v1", id="implied"),
        pytest.param({}, "gpt-6-luna", "openai|gpt-6-luna|https://api.openai.com/v1", id="implied openai"),
        pytest.param({}, "openai/llama", "openai|llama|https://api.openai.com/v1", id="named"),
        pytest.param(
            {"c": CORPORATE}, "claude-haiku-5-5", "c|claude-haiku-5-5|https://llm.acme.example/v1", id="declared first"
        ),
        pytest.param(
            {"c": CORPORATE},
            "anthropic/claude-x",
            "anthropic|claude-x|https://api.anthropic.com/v1",
            id="still implied",
        ),
        pytest.param({"c": CORPORATE}, "gpt-6-luna", "openai|gpt-6-luna|https://api.openai.com/v1", id="other dialect"),
        pytest.param(
            {"c": CORPORATE, "anthropic": {}}, "claude-x", "anthropic|claude-x|https://api.anthropic.com/v1", id="plain"
        ),
        pytest.param(
            {"mine": {"dialect": "anthropic"}, "c": CORPORATE},
            "claude-x",
            "mine|claude-x|https://api.anthropic.com/v1",
            id="plain by address",
        ),
        pytest.param({"local": LOCAL}, "llama-4", "local|llama-4|http://127.0.0.1:8000/v1", id="the only one"),
        pytest.param(
            {"local": LOCAL}, "local/meta/llama-4", "local|meta/llama-4|http://127.0.0.1:8000/v1", id="slash in a model"
        ),
        pytest.param({"local": LOCAL}, "meta/llama-4", "local|meta/llama-4|http://127.0.0.1:8000/v1", id="bare slash"),
    ],
)
def test_a_name_means_one_provider(providers: object, name: str, expected: str) -> None:
    assert _found(providers, name) == expected


@pytest.mark.parametrize(
    ("providers", "name", "part"),
    [
        pytest.param({}, "llama-4", "does not say whose", id="nobody's"),
        pytest.param({"a": LOCAL, "b": LOCAL}, "llama-4", "does not say whose", id="anybody's"),
        pytest.param({"a": CORPORATE, "b": CORPORATE}, "claude-x", "write a/claude-x or b/claude-x", id="two declared"),
        pytest.param(
            {"m": {"dialect": "anthropic"}, "anthropic": {}},
            "claude-x",
            "write m/claude-x or anthropic",
            id="two plain",
        ),
        pytest.param({}, "antropic/claude-x", 'did you mean "anthropic"?', id="misspelt provider"),
        pytest.param({}, "openai/", "a model after openai/", id="no model"),
    ],
)
def test_a_name_that_means_none_or_several_is_unclear(providers: object, name: str, part: str) -> None:
    found = _roster(providers)[0].find(name)

    assert isinstance(found, Unclear)
    assert part in f"{found.found}, expected {found.expected}; {found.hint}"


def test_the_official_key_is_implied_for_the_official_address_only() -> None:
    elsewhere = {"anthropic": {"base_url": "http://127.0.0.1:9"}, "openai": {}}

    entries = _roster(elsewhere)[0].entries

    assert entries["anthropic"].key is None
    assert entries["openai"].key == EnvReference("OPENAI_API_KEY")


def test_a_key_may_be_said_or_said_not_to_be() -> None:
    entries = _roster({"a": {**LOCAL, "api_key": "env:K"}, "openai": {"api_key": "none"}})[0].entries

    assert entries["a"].key == EnvReference("K")
    assert entries["openai"].key is None


@pytest.mark.parametrize(
    ("enabled", "environment", "expected"),
    [(True, {}, True), (False, {}, False), ("env:FLAG", {"FLAG": "yes"}, True), ("env:FLAG", {}, False)],
)
def test_a_provider_may_be_switched(enabled: object, environment: dict[str, str], expected: bool) -> None:
    roster, faults = _roster({"a": {**LOCAL, "enabled": enabled}}, environment)

    assert faults == []
    assert roster.entries["a"].is_enabled is expected


@pytest.mark.parametrize(
    ("provider", "path", "found"),
    [
        ({"base_url": "http://x"}, ("providers", "a"), "no dialect"),
        ({"dialect": "openai", "base_url": "x"}, ("providers", "a", "base_url"), "a URL without http"),
        (
            {**LOCAL, "enabled": "env:FLAG"},
            ("providers", "a", "enabled"),
            "env:FLAG, whose value is neither on nor off",
        ),
    ],
)
def test_what_is_wrong_with_a_provider_has_its_place(provider: object, path: tuple[str, ...], found: str) -> None:
    _, (fault,) = _roster({"a": provider}, {"FLAG": "perhaps"})

    assert fault.path == path
    assert fault.found.startswith(found)


def test_a_misspelt_official_provider_is_told_with_the_nearest() -> None:
    _, (fault,) = _roster({"anthropc": {"api_key": "env:KEY"}})

    assert fault.hint == 'did you mean "anthropic"?'


def test_declared_providers_are_told_from_implied_ones() -> None:
    roster, _ = _roster({"a": LOCAL})

    assert [entry.name for entry in declared_entries(roster)] == ["a"]
    assert set(roster.entries) == {"a", "anthropic", "openai"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", True),
        ("https://us.api.openai.com/v1", True),
        ("https://notapi.openai.com/v1", False),
        ("https://api.openai.com.acme.example/v1", False),
        ("http://127.0.0.1:8000/v1", False),
    ],
)
def test_it_is_known_whether_the_maker_itself_serves(url: str, expected: bool) -> None:
    roster, _ = _roster({"x": {"dialect": "openai", "base_url": url}})

    assert roster.entries["x"].is_official is expected
