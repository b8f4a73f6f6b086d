import pytest

from seawall.core.secret import Secret
from seawall.core.target import Origin, Provider, Target


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        pytest.param(Origin("https", "api.example", 443), "api.example", id="the scheme's own port is left out"),
        pytest.param(Origin("http", "api.example", 80), "api.example", id="also for http"),
        pytest.param(Origin("https", "api.example", 8443), "api.example:8443", id="another port is named"),
        pytest.param(Origin("http", "api.example", 443), "api.example:443", id="the other scheme's port is named"),
        pytest.param(Origin("http", "::1", 8080), "[::1]:8080", id="an IPv6 address gets brackets"),
        pytest.param(Origin("https", "::1", 443), "[::1]", id="brackets without a port"),
    ],
)
def test_the_host_header_names_the_port_only_where_needed(origin: Origin, authority: str) -> None:
    assert origin.authority == authority


def test_a_target_is_named_as_in_the_policy() -> None:
    provider = Provider("anthropic", "anthropic", Origin("https", "api.example", 443), "/v1", None)

    assert Target(provider, "claude-haiku", None).name == "anthropic/claude-haiku"


def test_a_provider_never_prints_its_key() -> None:
    provider = Provider("openai", "openai", Origin("https", "api.example", 443), "/v1", Secret("sk-canary-4711"))

    assert "canary" not in repr(Target(provider, "gpt", None))
