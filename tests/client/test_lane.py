import asyncio
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Final

import orjson
import pytest

from seawall.client.embedded import Embedded, EmbeddedSettings
from seawall.client.lane import Lane
from seawall.client.run import Ask
from seawall.core.principal import Principal
from seawall.telemetry.monitor import Monitor
from seawall.testing.clock import FakeClock

KEYS: Final = {"CANARY_ANTHROPIC": "canary-key-for-anthropic", "CANARY_OPENAI": "canary-key-for-openai"}
MESSAGE: Final = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
ASK: Final = Ask("POST", b"/ai/chat/v1/messages", {}, orjson.dumps(MESSAGE))
GUEST: Final = Principal(key_id="")


async def test_closing_gives_up_what_runs_and_waits_for_its_record(
    half_stream: Mapping[str, Event], tmp_path: Path
) -> None:
    monitor = Monitor()
    lane = Lane(Embedded(EmbeddedSettings(tmp_path / "half.yaml", GUEST, KEYS, monitor=monitor), FakeClock()))
    run = lane.begin(ASK)
    assert await asyncio.to_thread(half_stream["begun"].wait, 10)

    await lane.aclose()

    assert run.task.done()
    assert (monitor.stats().calls, monitor.stats().errors) == (1, 0)
    assert await asyncio.to_thread(half_stream["left"].wait, 10)


async def test_closing_without_any_call_is_fine(policy: Path) -> None:
    await Lane(Embedded(EmbeddedSettings(policy, GUEST, KEYS), FakeClock())).aclose()


async def test_a_new_price_is_taken_on_its_day(policy: Path) -> None:
    text = policy.read_text()  # noqa: ASYNC240  # a small file, before anything runs
    rates = "{input_usd_per_mtok: 0, output_usd_per_mtok: %d, from: 2026-11-%02d}"
    entries = f"[{rates % (1, 1)}, {rates % (2, 23)}]"
    policy.write_text(f"{text}prices:\n  claude-haiku-4-5: {entries}\n")  # noqa: ASYNC240  # as above
    clock, monitor = FakeClock(), Monitor()
    lane = Lane(Embedded(EmbeddedSettings(policy, GUEST, KEYS, monitor=monitor), clock))

    await lane.begin(ASK).answer()
    before = monitor.stats().cost_nusd
    clock.jump_wall(2 * 86_400)
    await lane.begin(ASK).answer()

    assert monitor.stats().cost_nusd - before == 2 * before > 0
    await lane.aclose()


def test_without_asyncio_there_is_no_lane(policy: Path) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        Lane(Embedded(EmbeddedSettings(policy, GUEST, KEYS), FakeClock()))
