from pathlib import Path

import pytest

from seawall.gateway.banner import banner, base_url, snippet
from seawall.gateway.options import ServeOptions


def _options(**changes: object) -> ServeOptions:
    return ServeOptions(**({"policy": None, "state_dir": Path("/state")} | changes))  # type: ignore[arg-type]  # the changes of a case


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8080", id="loopback"),
        pytest.param("0.0.0.0", "http://127.0.0.1:8080", id="every address is reached by loopback"),  # noqa: S104  # read, not bound
        pytest.param("::", "http://[::1]:8080", id="every IPv6 address"),
        pytest.param("::1", "http://[::1]:8080", id="IPv6 in brackets"),
        pytest.param("gateway.internal", "http://gateway.internal:8080", id="a name"),
    ],
)
def test_the_address_is_one_that_a_client_here_can_use(host: str, url: str) -> None:
    assert base_url(_options(host=host)) == url


def test_without_keys_the_snippet_runs_as_it_is() -> None:
    text = snippet(_options(insecure_dev=True), "/ai/chat")

    assert 'api_key="any"' in text
    assert "SEAWALL_KEY" not in text
    compile(text.split("# Python, with the official SDK\n")[1], "snippet", "exec")


def test_with_keys_the_snippet_takes_the_key_from_the_environment() -> None:
    text = snippet(_options(), "/ai/chat")

    assert "x-api-key: $SEAWALL_KEY" in text
    compile(text.split("# Python, with the official SDK\n")[1], "snippet", "exec")


def test_an_unsafe_start_says_so() -> None:
    text = banner(_options(insecure_dev=True, sandbox_url="http://127.0.0.1:9"), ["/ai/chat"], "built-in policy")

    assert "INSECURE" in text
    assert "nothing real is called" in text


def test_a_safe_start_says_how_to_get_a_key_and_how_many_workers_there_are() -> None:
    text = banner(_options(workers=4), ["/a", "/b"], "seawall.yaml, version 1")

    assert "(4 workers)" in text
    assert "routes    /a, /b" in text
    assert "seawall keys create" in text
    assert "INSECURE" not in text
