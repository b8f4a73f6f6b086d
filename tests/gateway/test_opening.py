"""A process's stores, opened in a directory of its own and closed again."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from seawall.assembly.source import PolicySource
from seawall.core.error import Unavailable
from seawall.core.switch import EVERYTHING, Switch
from seawall.gateway.opening import Opened, open_house
from seawall.gateway.options import ServeOptions
from seawall.stores.sqlite.answers import FILE_NAME as ANSWERS

POLICY: Final = """\
providers: {anthropic: {base_url: 'http://127.0.0.1:9', api_key: env:PROVIDER_KEY}}
routes: {/ai/chat: {model: claude-haiku-5-5}}
"""
SECRET: Final = "what-the-provider-knows"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[PolicySource]:
    """Write a policy; put the log back as it was afterwards, which a process of its own never needs."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield PolicySource(tmp_path / "policy.yaml", {"PROVIDER_KEY": SECRET})
    root.handlers[:] = handlers
    root.setLevel(level)


def _logs_of(state_dir: Path) -> list[str]:
    """Name the write-ahead logs, which SQLite removes when a file is closed in order."""
    return [path.name for path in state_dir.glob("*-wal")]


def _open(source: PolicySource, stack: AsyncExitStack, *, insecure_dev: bool = False) -> Opened:
    assert source.path is not None
    options = ServeOptions(policy=source.path, state_dir=source.path.parent, insecure_dev=insecure_dev)
    return open_house(options, 0, source, None, stack)


async def test_all_that_runs_beside_the_calls_is_named_and_runs(source: PolicySource) -> None:
    async with AsyncExitStack() as stack:
        opened = _open(source, stack)
        running = [asyncio.ensure_future(begin()) for _, begin in opened.chores]
        await asyncio.sleep(0)  # each has begun

        assert [name for name, _ in opened.chores] == [
            "kill switch watch",
            "breakers' board",
            "event loop watch",
            "idempotency keys",
            "purse",
            "till",
            "burials",
            "spend watch",
        ]
        assert [chore.done() for chore in running] == [False] * 8
        for chore in running:
            chore.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_the_policy_is_in_force_and_its_secrets_are_known_to_the_log(source: PolicySource) -> None:
    async with AsyncExitStack() as stack:
        opened = _open(source, stack)

        assert list(opened.live.entry.policy.plans) == ["/ai/chat"]
        assert SECRET not in opened.scrubber.scrub(f"the provider refused {SECRET}")


async def test_a_switch_reaches_what_runs(source: PolicySource) -> None:
    async with AsyncExitStack() as stack:
        opened = _open(source, stack)
        opened.switches.throw(Switch(EVERYTHING, why="it lies"), "test")
        opened.switches.refresh()

        assert [switch.level for switch in opened.house.switches.in_force()] == [EVERYTHING]


@pytest.mark.parametrize("insecure_dev", [False, True])
async def test_only_development_goes_without_client_keys(source: PolicySource, *, insecure_dev: bool) -> None:
    async with AsyncExitStack() as stack:
        opened = _open(source, stack, insecure_dev=insecure_dev)
        is_there = (opened.switches.path.parent / "keys.db").exists()

    assert is_there is not insecure_dev


async def test_everything_is_closed_and_can_be_opened_again(source: PolicySource, tmp_path: Path) -> None:
    for _ in range(2):
        async with AsyncExitStack() as stack:
            opened = _open(source, stack)
        keys = opened.house.keys
        assert keys is not None
        with pytest.raises(Unavailable):
            await keys.store.look(b"place", 0.0)

    assert _logs_of(tmp_path) == [], "closed in order, so that nothing is left beside the files"


async def test_a_store_that_cannot_be_opened_ends_the_start_and_closes_the_others(
    source: PolicySource, tmp_path: Path
) -> None:
    (tmp_path / ANSWERS).mkdir()

    async with AsyncExitStack() as stack:
        with pytest.raises(Unavailable, match="answer store"):
            _open(source, stack)

    assert _logs_of(tmp_path) == []
