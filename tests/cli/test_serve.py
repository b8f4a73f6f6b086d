import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.cli.serve import _is_loopback

KEYLESS = {"ANTHROPIC_API_KEY": None, "OPENAI_API_KEY": None}


def _serve(*arguments: str, state: Path) -> Result:
    ports = ["--port", "0", "--admin-port", "0", "--state-dir", str(state)]
    return CliRunner(env=KEYLESS).invoke(main, ["serve", *ports, *arguments])


def _policy(folder: Path, route: str) -> str:
    path = folder / "policy.yaml"
    path.write_text(f"routes:\n  /ai/chat: {{{route}}}\n")
    return str(path)


def test_a_start_without_key_checks_stays_on_loopback(tmp_path: Path) -> None:
    result = _serve("--insecure-dev", "--host", "0.0.0.0", state=tmp_path)  # noqa: S104  # refused before it is bound

    assert result.exit_code == 2
    assert "needs --host on loopback, not 0.0.0.0" in result.output


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_is_known_in_all_its_forms(host: str) -> None:
    assert _is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.internal"])  # noqa: S104  # read, not bound
def test_everything_else_is_not_loopback(host: str) -> None:
    assert not _is_loopback(host)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = _serve("--insecure-dev", "--port", port, state=tmp_path)

    assert result.exit_code == 2
    assert f"--port: cannot listen on 127.0.0.1:{port}: Address already in use" in result.output


def test_a_typo_in_the_policy_is_named_with_its_place(tmp_path: Path) -> None:
    policy = _policy(tmp_path, "model: claude-haiku-5-5, timout_ms: 5")

    result = _serve("--insecure-dev", "--policy", policy, state=tmp_path / "state")

    assert result.exit_code == 1
    assert f"{policy}:2:39 routes./ai/chat.timout_ms: found an unknown key" in result.output
    assert 'did you mean "timeout_ms"?' in result.output


def test_a_missing_provider_key_is_named_and_the_way_out_too(tmp_path: Path) -> None:
    result = _serve("--policy", _policy(tmp_path, "model: claude-haiku-5-5"), state=tmp_path / "state")

    assert result.exit_code == 1
    assert "found env:ANTHROPIC_API_KEY, which is not set" in result.output
    assert "--insecure-dev lets the sandbox stand in" in result.output


def test_a_policy_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    result = _serve("--policy", str(tmp_path / "none.yaml"), state=tmp_path / "state")

    assert result.exit_code == 2
    assert "does not exist" in result.output
