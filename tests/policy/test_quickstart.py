from typing import Final

import pytest

from seawall.core.error import NotFound, PolicyError
from seawall.policy.quickstart import ROUTE, SANDBOX, quickstart_policy, sandbox_providers

URL: Final = "http://127.0.0.1:7777"
ANTHROPIC: Final = {"ANTHROPIC_API_KEY": "invented-a"}


def test_without_a_key_the_sandbox_answers_for_both_dialects() -> None:
    policy = quickstart_policy({}, URL)

    assert list(policy.plans) == [ROUTE]
    assert policy.plans[ROUTE].targets == ()
    assert policy.plans[ROUTE].tokens.max_tokens == 4096
    for model in ("claude-haiku-5-5", "gpt-6-luna"):
        provider = policy.resolve(model).provider
        assert (provider.name, provider.origin.authority, provider.path) == (SANDBOX, "127.0.0.1:7777", "/v1")


def test_a_key_in_the_environment_is_used_for_real() -> None:
    policy = quickstart_policy(ANTHROPIC, URL)

    provider = policy.resolve("claude-haiku-5-5").provider
    assert provider.origin.authority == "api.anthropic.com"
    assert provider.api_key is not None
    assert provider.api_key.reveal() == "invented-a"
    assert policy.resolve("gpt-6-luna").provider.name == SANDBOX


def test_without_a_sandbox_only_what_has_a_key_is_there() -> None:
    policy = quickstart_policy(ANTHROPIC, None)

    assert set(policy.providers) == {"anthropic"}
    with pytest.raises(NotFound):
        policy.resolve("gpt-6-luna")


def test_with_neither_key_nor_sandbox_there_is_nothing_to_start() -> None:
    with pytest.raises(PolicyError, match="ANTHROPIC_API_KEY or OPENAI_API_KEY"):
        quickstart_policy({"OPENAI_API_KEY": ""}, None)


@pytest.mark.parametrize("url", [URL, URL + "/", URL + "/v1", URL + "/v1/"])
def test_the_sandbox_is_found_however_its_address_is_written(url: str) -> None:
    assert {dialect: provider.path for dialect, provider in sandbox_providers(url).items()} == {
        "anthropic": "/v1",
        "openai": "/v1",
    }


def test_a_sandbox_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="http"):
        sandbox_providers("nowhere")
