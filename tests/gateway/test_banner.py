from pathlib import Path
from typing import Any

import pytest

from seawall.gateway.banner import banner, base_url, snippet
from seawall.gateway.options import ServeOptions


def _options(**more: Any) -> ServeOptions:  # ServeOptions' own fields
    return ServeOptions(**{"policy": None, "state_dir": Path(".seawall"), **more})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104  # printed, not bound
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("10.1.2.3", "http://10.1.2.3:8080"),
    ],
)
def test_address_is_one_that_a_client_here_can_use(host: str, url: str) -> None:
    assert base_url(_options(host=host)) == url


def test_program_can_be_pasted() -> None:
    for is_open in (False, True):
        text = snippet(_options(insecure_dev=is_open), "/ai/chat")

        compile(text.split("# Python, with the official SDK\n")[1], "snippet", "exec")


def test_key_is_asked_for_where_keys_are_checked() -> None:
    assert "$SEAWALL_KEY" in snippet(_options(), "/ai/chat")
    assert "SEAWALL_KEY" not in snippet(_options(insecure_dev=True), "/ai/chat")


def test_first_line_says_where_it_listens() -> None:
    first = banner(_options(workers=3), ["/ai/chat"], "policy.yaml, version 1").splitlines()[0]

    assert first == "Seawall listens on http://127.0.0.1:8080 (3 workers)"


def test_what_is_unsafe_or_unreal_is_said() -> None:
    safe = banner(_options(), ["/ai/chat"], "policy.yaml")
    unsafe = banner(_options(insecure_dev=True, sandbox_url="http://127.0.0.1:9"), ["/ai/chat"], "policy.yaml")

    assert "INSECURE" not in safe
    assert "sandbox" not in safe
    assert "seawall keys create" in safe
    assert "INSECURE  --insecure-dev" in unsafe
    assert "http://127.0.0.1:9 answers for providers without a key" in unsafe


def test_rolling_restart_is_offered_where_there_is_one() -> None:
    several = banner(_options(workers=2, state_dir=Path("my state")), ["/ai/chat"], "policy.yaml")

    assert "kill -USR2 $(cat 'my state/serve.pid')" in several
    assert "USR2" not in banner(_options(), ["/ai/chat"], "policy.yaml")
