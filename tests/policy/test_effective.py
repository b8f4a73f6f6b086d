from typing import Final

import pytest

from seawall.policy.document import PolicyDocument
from seawall.policy.effective import SETTINGS, Effective, Origin, ProfileError, effective, key_of, profile_chain


def _effective(route: object, profiles: object = None) -> Effective:
    document = PolicyDocument.model_validate({"routes": {"/a": route}, "profiles": profiles or {}})
    return effective(document, "/a")


ROUTE: Final = ("routes", "/a")


def test_without_a_word_the_defaults_are_safe() -> None:
    settings = _effective({})

    assert (settings.max_tokens, settings.max_tokens_above) == (4096, "clamp")
    assert (settings.timeout_ms, settings.connect_timeout_ms) == (120_000, 5_000)
    assert (settings.first_token_timeout_ms, settings.idle_timeout_ms) == (30_000, 30_000)
    assert (settings.temperature, settings.top_p, settings.max_input_tokens) == (None, None, None)
    assert settings.streaming
    assert set(settings.origins.values()) == {Origin()}


@pytest.mark.parametrize(
    ("profile", "temperature", "traffic_class", "json"),
    [
        ("interactive", 0.6, "interactive", False),
        ("automation", 0.2, "automation", True),
        ("analysis", 0.4, "analysis", False),
    ],
)
def test_the_built_in_profiles_are_those_of_row_r8(
    profile: str,
    temperature: float,
    traffic_class: str,
    json: bool,
) -> None:
    settings = _effective({"profile": profile})

    assert (settings.temperature, settings.traffic_class, settings.enforce_json) == (temperature, traffic_class, json)
    assert settings.origins["temperature"] == Origin(profile=profile)


def test_a_route_comes_before_its_profile_and_that_before_what_it_extends() -> None:
    profiles = {"own": {"extends": "interactive", "temperature": 0.7, "top_p": 0.9}}

    settings = _effective({"profile": "own", "top_p": 0.5}, profiles)

    assert (settings.top_p, settings.temperature, settings.timeout_ms, settings.retries) == (0.5, 0.7, 30_000, 2)
    assert settings.origins["top_p"] == Origin((*ROUTE, "top_p"))
    assert settings.origins["temperature"] == Origin(("profiles", "own", "temperature"), "own")
    assert settings.origins["timeout_ms"] == Origin(profile="interactive")
    assert settings.origins["retries"] == Origin()


def test_a_profile_called_like_a_built_in_one_changes_it() -> None:
    settings = _effective({"profile": "automation"}, {"automation": {"temperature": 0.1}})

    assert (settings.temperature, settings.enforce_json) == (0.1, True)


def test_a_profile_may_build_on_the_built_in_one_of_its_own_name() -> None:
    settings = _effective({"profile": "analysis"}, {"analysis": {"extends": "analysis", "top_p": 0.1}})

    assert (settings.top_p, settings.temperature) == (0.1, 0.4)


def test_a_profile_of_ones_own_has_only_what_it_says() -> None:
    assert _effective({"profile": "own"}, {"own": {"top_p": 0.1}}).temperature is None


def test_a_wait_longer_than_the_total_is_cut_to_it() -> None:
    settings = _effective({"timeout_ms": 4000, "idle_timeout_ms": 9000})

    assert (settings.connect_timeout_ms, settings.first_token_timeout_ms, settings.idle_timeout_ms) == (4000,) * 3
    assert settings.origins["connect_timeout_ms"] == Origin((*ROUTE, "timeout_ms"), limited_by="timeout_ms")


def test_false_and_zero_are_said_too() -> None:
    settings = _effective({"profile": "automation", "enforce_json": False, "retries": 0, "temperature": 0})

    assert (settings.enforce_json, settings.retries, settings.temperature) == (False, 0, 0)


@pytest.mark.parametrize(
    ("profiles", "name", "path", "is_loop"),
    [
        pytest.param({}, "own", (*ROUTE, "profile"), False, id="not there"),
        pytest.param(
            {"own": {"extends": "other"}}, "other", ("profiles", "own", "extends"), False, id="base not there"
        ),
        pytest.param({"own": {"extends": "own"}}, "own", ("profiles", "own", "extends"), True, id="itself"),
        pytest.param(
            {"own": {"extends": "b"}, "b": {"extends": "own"}}, "own", ("profiles", "b", "extends"), True, id="a loop"
        ),
    ],
)
def test_a_profile_that_leads_nowhere_is_an_error_with_its_place(
    profiles: object,
    name: str,
    path: tuple[str, ...],
    is_loop: bool,
) -> None:
    with pytest.raises(ProfileError) as caught:
        _effective({"profile": "own"}, profiles)

    assert (caught.value.name, caught.value.path, caught.value.is_loop) == (name, path, is_loop)


def test_the_chain_of_a_profile_ends_at_the_built_in_one() -> None:
    document = PolicyDocument.model_validate({"routes": {"/a": {}}, "profiles": {"own": {"extends": "analysis"}}})

    chain = [(name, path) for name, path, _ in profile_chain(document, "own", ())]

    assert chain == [("own", ("profiles", "own")), ("analysis", ())]


def test_every_setting_has_a_key_and_an_origin() -> None:
    assert set(_effective({}).origins) == set(SETTINGS)
    assert key_of("traffic_class") == "class"
    assert key_of("timeout_ms") == "timeout_ms"
