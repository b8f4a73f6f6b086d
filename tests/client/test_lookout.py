import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from seawall.assembly.build import House
from seawall.client.lookout import Lookout
from seawall.core.kept import Claim
from seawall.core.switch import Switch
from seawall.guards.idempotency.running import PURGE_S, KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.killswitch.running import Running
from seawall.stores.files.switches import POLL_S, SwitchFile
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual
from tests.scene import Records, Scene

A_MOMENT_S: Final = 0.01


class Cuts(Running):
    """Note what it is told to cut."""

    __slots__ = ("told",)

    def __init__(self) -> None:
        super().__init__()
        self.told: list[list[str]] = []

    def cut(self, switches: Sequence[Switch]) -> None:
        self.told.append([switch.level.text for switch in switches])


class Stage:
    """A lookout over a file, in virtual time; `is_busy` is what it is told of running calls."""

    def __init__(self, folder: Path) -> None:
        self.is_busy = False
        self.clock = LoopClock()
        self.file = folder / "killswitch"
        self.switches = SwitchFile(folder, self.clock.wall_s)
        self.answers, self.cuts = MemoryAnswers(), Cuts()
        journal = JournalGuard(Records(), JournalSettings(str, str))
        keys = KeysInUse(self.answers, self.clock, str)
        house = House(journal, Scene().outlet(), self.switches, keys, self.cuts)
        self.lookout = Lookout(house, self.switches, self.clock, lambda: self.is_busy)

    @property
    def off(self) -> list[str]:
        return [switch.level.text for switch in self.switches.in_force()]


def test_what_is_off_when_a_call_begins_is_known_to_it(tmp_path: Path) -> None:
    async def main() -> None:
        stage = Stage(tmp_path)
        stage.file.write_text("team:blue\n")

        stage.lookout.call_begins()

        assert stage.off == ["team:blue"]

    run_virtual(main())


def test_calls_in_quick_succession_look_once(tmp_path: Path) -> None:
    async def main() -> None:
        stage = Stage(tmp_path)
        stage.lookout.call_begins()
        stage.file.write_text("all\n")

        stage.lookout.call_begins()
        assert stage.off == []
        await asyncio.sleep(POLL_S + A_MOMENT_S)
        stage.lookout.call_begins()

        assert stage.off == ["all"]

    run_virtual(main())


def test_running_calls_are_cut_without_another_call(tmp_path: Path) -> None:
    async def main() -> None:
        stage = Stage(tmp_path)
        stage.is_busy = True
        stage.lookout.call_begins()
        await asyncio.sleep(5)
        stage.file.write_text("all\n")

        await asyncio.sleep(POLL_S + A_MOMENT_S)

        assert stage.cuts.told == [["all"]]

    run_virtual(main())


@pytest.mark.parametrize("ends", ["idle", "closed"])
def test_an_idle_or_closed_client_looks_no_more(tmp_path: Path, ends: str) -> None:
    async def main() -> None:
        stage = Stage(tmp_path)
        stage.is_busy = ends == "closed"
        stage.lookout.call_begins()
        if ends == "closed":
            stage.lookout.close()
            stage.lookout.close()
        await asyncio.sleep(1)

        stage.file.write_text("all\n")
        await asyncio.sleep(1)

        assert stage.off == []

    run_virtual(main())


def test_keys_whose_time_is_over_are_cleared_away(tmp_path: Path) -> None:
    async def main() -> None:
        stage = Stage(tmp_path)
        claim = Claim(b"place", b"fingerprint", "owner", "ticket", "req_1")
        await stage.answers.reserve(claim, stage.clock.wall_s())
        await asyncio.sleep(PURGE_S)

        stage.lookout.call_begins()

        assert not await stage.answers.release(b"place", "ticket")

    run_virtual(main())


def test_without_a_state_directory_there_is_no_file_to_look_at() -> None:
    async def main() -> None:
        journal = JournalGuard(Records(), JournalSettings(str, str))
        lookout = Lookout(House(journal, Scene().outlet()), None, LoopClock(), lambda: True)

        lookout.call_begins()
        await asyncio.sleep(1)
        lookout.close()

    run_virtual(main())
