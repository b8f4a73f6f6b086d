import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from seawall.assembly.clock import SystemClock
from seawall.client.embedded import Embedded, EmbeddedSettings
from seawall.client.engine import Engine
from seawall.client.loop_thread import ClosedError
from seawall.core.principal import Principal

KEYS: Final = {"CANARY_ANTHROPIC": "canary-key-for-anthropic", "CANARY_OPENAI": "canary-key-for-openai"}


@pytest.fixture
def engine(policy: Path) -> Engine:
    return Engine(Embedded(EmbeddedSettings(policy, Principal(key_id=""), KEYS), SystemClock()))


def test_many_threads_start_one(engine: Engine) -> None:
    together = threading.Barrier(8)

    def start(_: int) -> int:
        together.wait(20)
        return id(engine.running().thread)

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(start, range(8)))) == 1
    engine.close()


def test_a_closed_engine_starts_nothing(engine: Engine) -> None:
    engine.close()
    engine.close()

    with pytest.raises(ClosedError):
        engine.running()


def test_a_fork_starts_its_own_and_leaves_the_parents_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = engine.running()
    process = os.getpid()

    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: process + 1)
        childs = engine.running()
        assert childs.thread is not parents.thread
        assert engine.running() is childs
        engine.close()

    assert parents.thread.is_ours
    parents.thread.stop()


def test_a_thread_whose_lane_cannot_be_made_is_stopped_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_house(self: Embedded, switches: object) -> None:
        del self, switches
        raise OSError("no connections today")

    monkeypatch.setattr(Embedded, "house", no_house)

    with pytest.raises(OSError, match="today"):
        engine.running()
    engine.close()
