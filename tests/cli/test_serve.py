import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.gateway.supervisor import listen

Run = Callable[..., Result]


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port on which somebody listens already."""
    with listen("127.0.0.1", 0) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of a policy, in an environment without keys."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "seawall.yaml"


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_port_that_is_taken_is_named(run: Run, policy: Path, taken: int, option: str) -> None:
    del policy
    ports = {"--port": "0", "--admin-port": "0"} | {option: str(taken)}

    result = run("serve", *(word for pair in ports.items() for word in pair))

    assert result.exit_code == 2
    assert f"{option}: cannot listen on 127.0.0.1:{taken}: Address already in use" in result.output


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "gateway.example"])  # noqa: S104  # refused, not bound
def test_open_gateway_is_for_this_machine_only(run: Run, policy: Path, host: str) -> None:
    del policy

    result = run("serve", "--insecure-dev", "--host", host)

    assert result.exit_code == 2
    assert f"needs --host on loopback, not {host}" in result.output


@pytest.mark.parametrize("words", [(), ("--policy", "seawall.yaml")])
def test_typo_is_named_with_its_place(run: Run, policy: Path, words: tuple[str, ...]) -> None:
    policy.write_text("routes:\n  /ai/chat: {modle: claude-haiku-5-5}\n")

    result = run("serve", "--port", "0", "--admin-port", "0", *words)

    assert result.exit_code == 1
    assert "seawall.yaml:2:" in result.output
    assert 'did you mean "model"?' in result.output


def test_missing_provider_key_is_named_with_the_way_out(run: Run, policy: Path) -> None:
    policy.write_text("routes:\n  /ai/chat: {model: claude-haiku-5-5}\n")

    result = run("serve", "--port", "0", "--admin-port", "0")

    assert result.exit_code == 1
    assert "env:ANTHROPIC_API_KEY" in result.output
    assert "--insecure-dev lets the sandbox stand in" in result.output


def test_policy_that_is_not_there_is_wrong_use(run: Run, policy: Path) -> None:
    result = run("serve", "--policy", str(policy))

    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_address_that_is_not_of_this_machine_is_told_with_its_option(run: Run, policy: Path) -> None:
    del policy

    result = run("serve", "--host", "192.0.2.1", "--port", "0", "--admin-port", "0")

    assert result.exit_code == 2
    assert "--host: cannot listen on 192.0.2.1:0: Cannot assign requested address" in result.output


@pytest.mark.parametrize(
    "words", [("--workers", "0"), ("--port", "65536"), ("--workers", "many"), ("--grace", "nan"), ("--grace", "-1")]
)
def test_number_that_is_none_is_wrong_use(run: Run, policy: Path, words: tuple[str, ...]) -> None:
    del policy

    assert run("serve", *words).exit_code == 2


def test_ports_are_free_again_after_a_failed_start(run: Run, policy: Path) -> None:
    policy.write_text("routes: []\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    run("serve", "--port", str(port), "--admin-port", "0")

    listen("127.0.0.1", port).close()


def test_state_directory_that_cannot_be_made_is_wrong_use(policy: Path) -> None:
    policy.write_text("routes: {/ai/chat: {}}\n")

    result = CliRunner().invoke(main, ["serve", "--state-dir", f"{policy}/state", "--port", "0", "--admin-port", "0"])

    assert result.exit_code == 2
    assert f"--state-dir: cannot make {policy}/state: Not a directory" in " ".join(result.output.split())
