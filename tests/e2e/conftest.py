"""One sandbox and one gateway for the whole session of a test process, more gateways where a test breaks one."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pytest

from tests.e2e.stage import HERE, POLICY, GatewayProcess, OfficialClient, SandboxProcess, Wire

ROUTES: Final = """\
  /ai/open: {profile: alone, max_tokens: 8192}
  /ai/fixed: {profile: alone, model: claude-haiku-5-5, max_tokens: 50}
  /ai/fixed-gpt: {profile: alone, model: gpt-5.6-luna, max_tokens: 50}
  /ai/whole: {profile: alone, streaming: false}
  /ai/quick: {profile: alone, timeout_ms: 400}
  /ai/first: {profile: alone, first_token_timeout_ms: 300, hold_back_ms: 100}
  /ai/idle: {profile: alone, idle_timeout_ms: 300}
  /ai/other: {profile: alone, model: claude-haiku-5-5}
"""
ALLOWED: Final = tuple(line.strip().partition(":")[0] for line in ROUTES.splitlines() if "/ai/other" not in line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts real processes."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("e2e")


class StartGateway(Protocol):
    """Starts a gateway that is stopped after the test."""

    def __call__(self, policy: str, *words: str, **more: Any) -> GatewayProcess:
        """Start it under a policy; `more` goes to `GatewayProcess`."""


@pytest.fixture(scope="session")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    running = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    yield running
    running.stop()


@pytest.fixture
def sandbox(_sandbox: SandboxProcess) -> SandboxProcess:
    """Give the provider, with nothing metered, nothing seen and no faults."""
    _sandbox.forget()
    return _sandbox


@pytest.fixture(scope="session")
def gateway(_sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Give a gateway in front of the provider, with keys on."""
    running = GatewayProcess(
        tmp_path_factory.mktemp("gateway"), f"max_body_mb: 2\n{POLICY.format(url=_sandbox.url)}{ROUTES}"
    )
    yield running
    running.stop()


@pytest.fixture(scope="session")
def key(gateway: GatewayProcess) -> str:
    """Give a key that is good for every route but /ai/other."""
    return gateway.key(team="support", project="desk", routes=ALLOWED, default_route="/ai/open")


@pytest.fixture
def policy(sandbox: SandboxProcess) -> str:
    """Give the providers of a policy; its routes follow."""
    return POLICY.format(url=sandbox.url)


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Start gateways that a test may break."""
    running: list[GatewayProcess] = []

    def start(policy: str, *words: str, **more: Any) -> GatewayProcess:
        running.append(GatewayProcess(tmp_path / f"gateway{len(running)}", policy, *words, **more))
        return running[-1]

    yield start
    for gateway in running:
        gateway.stop()


@pytest.fixture
def dial() -> Iterator[Callable[..., Wire]]:
    """Open bare connections that are closed after the test."""
    wires: list[Wire] = []

    def connect(port: int, **more: Any) -> Wire:
        wires.append(Wire(port, **more))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


def _command(name: str) -> list[str]:
    """Give the words that start a client, whose packages must be there."""
    previous, node = HERE / "previous" / ".venv" / "bin" / "python", HERE / "node"
    packages, made_by, words = {
        "python": (HERE, "", [sys.executable, str(HERE / "scenario.py")]),
        "python-previous": (previous, "make previous", [str(previous), str(HERE / "scenario.py")]),
        "npm": (
            node / "node_modules",
            "make node",
            [str(Path(sys.executable).with_name("node")), str(node / "scenario.mjs")],
        ),
    }[name]
    if not packages.exists():
        pytest.fail(f"{packages} is missing: run `{made_by}`")
    return words


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(name, marks=pytest.mark.xdist_group(f"sdk-{name}"))
        for name in ("python", "python-previous", "npm")
    ],
)
def sdk(request: pytest.FixtureRequest) -> Iterator[OfficialClient]:
    """Give each official client in turn: newest Python, previous major, npm."""
    client = OfficialClient(request.param, _command(request.param))
    yield client
    client.stop()
