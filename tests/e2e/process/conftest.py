"""A simulated provider in this process, and gateways in processes of their own before it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.running import PATIENCE_S, POLICY, PROVIDER_KEY, Gateway

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@contextmanager
def running_sandbox() -> Iterator[Sandbox]:
    """Run a provider on a thread of its own; its settings, faults and meter may be used from here."""
    provider = Sandbox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(provider.start(), loop).result(PATIENCE_S)
        yield provider
        asyncio.run_coroutine_threadsafe(provider.aclose(), loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a provider for one test."""
    with running_sandbox() as provider:
        yield provider


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Give a function that starts a gateway as `Gateway.start` does; all are ended after the test."""
    started: list[Gateway] = []

    def begin(*options: str, **environment: str) -> Gateway:
        started.append(Gateway.start(tmp_path, *options, number=len(started), **environment))
        return started[-1]

    yield begin
    for gateway in started:
        gateway.close()


@pytest.fixture
def serve(sandbox: Sandbox, tmp_path: Path, start: Callable[..., Gateway]) -> Callable[..., Gateway]:
    """Give a function that starts a gateway before the sandbox, without client keys, with more options."""
    (tmp_path / "policy.yaml").write_text(policy(sandbox), "utf-8")
    return lambda *options: start("--policy", "policy.yaml", "--insecure-dev", *options, **PROVIDER_KEY)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Give a function that prints a figure which was measured, for whoever reads the build's log."""

    def say(figure: str) -> None:
        with capsys.disabled():
            print(f"\n{figure}")  # noqa: T201  # what it is for

    return say


def policy(sandbox: Sandbox, model: str = "claude-haiku-5-5") -> str:
    return POLICY.format(url=sandbox.url, model=model)
