import asyncio
import fcntl
import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.core.error import NotFound, Unavailable
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.ports.switches import Switches
from seawall.stores.files.switch_record import FILE_NAME as RECORD
from seawall.stores.files.switches import FILE_NAME, POLL_S, SwitchFile
from seawall.testing.clock import FakeClock
from seawall.testing.virtual_loop import run_virtual

TEAM, MODEL = Level("team", "a"), Level("model", "m")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock) -> SwitchFile:
    return SwitchFile(tmp_path, clock.wall_s)


@pytest.fixture
def worker(tmp_path: Path, clock: FakeClock) -> SwitchFile:
    """Give another process's view of the same file."""
    return SwitchFile(tmp_path, clock.wall_s)


def _levels(switches: SwitchFile) -> list[str]:
    switches.refresh()
    return [switch.level.text for switch in switches.in_force()]


def test_without_a_file_nothing_is_off(tmp_path: Path, clock: FakeClock) -> None:
    switches: Switches = SwitchFile(tmp_path / "not here", clock.wall_s)

    assert switches.in_force() == ()


def test_a_thrown_switch_shows_in_every_worker_and_after_a_restart(
    file: SwitchFile, worker: SwitchFile, tmp_path: Path, clock: FakeClock
) -> None:
    assert file.path == tmp_path / FILE_NAME
    file.throw(Switch(TEAM, by="ada", at_s=clock.wall_s(), why='says "no"'), "cli")

    assert _levels(worker) == ["team:a"]
    (again,) = SwitchFile(tmp_path, clock.wall_s).in_force()
    assert again == Switch(TEAM, by="ada", at_s=clock.wall_s(), why='says "no"')
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {FILE_NAME, f"{FILE_NAME}.lock", RECORD}


def test_a_file_written_by_hand_counts(worker: SwitchFile, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("# bad day\nprovider:openai\n")

    assert _levels(worker) == ["provider:openai"]


def test_an_empty_file_stops_everything_until_it_is_gone(worker: SwitchFile, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    stopped = _levels(worker)
    (tmp_path / FILE_NAME).unlink()

    assert (stopped, _levels(worker)) == (["all"], [])


def test_every_edit_counts_however_quickly_it_follows(worker: SwitchFile, tmp_path: Path) -> None:
    seen = []
    for number in range(50):
        with (tmp_path / FILE_NAME).open("r+" if number else "w") as file:
            file.write(f"team:{number:02}\n")
        seen.append(_levels(worker))

    assert seen == [[f"team:{number:02}"] for number in range(50)]


@pytest.mark.parametrize("how", ["folder", "loop", "pipe"])
def test_what_cannot_be_read_stops_everything(worker: SwitchFile, tmp_path: Path, how: str) -> None:
    path = tmp_path / FILE_NAME
    if how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path)
    else:
        os.mkfifo(path)

    assert _levels(worker) == ["all"]
    assert worker.in_force()[0].trouble
    with pytest.raises(Unavailable) if how != "pipe" else pytest.raises(NotFound):
        worker.revive(TEAM, "ada", "", "cli")


def test_the_end_of_a_switch_needs_no_look_at_the_file(file: SwitchFile, clock: FakeClock) -> None:
    file.throw(Switch(TEAM, until_s=clock.wall_s() + 60), "cli")
    file.refresh()
    on = bool(file.in_force())
    clock.advance(60)

    assert on
    assert file.in_force() == ()


def test_a_switch_of_the_same_level_is_replaced_and_what_is_over_goes(file: SwitchFile, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("# kept\nmodel:m until=2020-01-01T00:00:00Z\nteam:a why=old\nteam:b\n")

    file.throw(Switch(TEAM, why="new"), "cli")

    assert (tmp_path / FILE_NAME).read_text() == '# kept\nteam:b\nteam:a why="new"\n'


@pytest.mark.parametrize("data", [b"", b"\xff", b"what is this\n", b"all why=\x00\n"])
def test_throwing_a_switch_never_loosens_a_file_that_means_all(
    file: SwitchFile, worker: SwitchFile, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)

    file.throw(Switch(TEAM), "cli")

    assert sorted(_levels(worker)) == ["all", "team:a"]


def test_reviving_a_level_leaves_the_others(file: SwitchFile, worker: SwitchFile) -> None:
    file.throw(Switch(TEAM, why="dear"), "cli")
    file.throw(Switch(MODEL), "cli")

    gone = file.revive(TEAM, "bob", "cheap again", "http")

    assert [switch.why for switch in gone] == ["dear"]
    assert _levels(worker) == ["model:m"]


def test_reviving_all_lifts_everything_and_only_all_what_stops_all(
    file: SwitchFile, worker: SwitchFile, tmp_path: Path
) -> None:
    (tmp_path / FILE_NAME).write_text("team:a\nwhat is this\nall\n")

    first = file.revive(EVERYTHING, "bob", "", "cli", only=True)
    between = _levels(worker)
    second = file.revive(EVERYTHING, "bob", "", "cli")

    assert [switch.level.text for switch in first] == ["all", "all"]
    assert between == ["team:a"]
    assert [switch.level.text for switch in second] == ["team:a"]
    assert not (tmp_path / FILE_NAME).exists()


def test_reviving_lifts_an_empty_file(file: SwitchFile, worker: SwitchFile, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()

    file.revive(EVERYTHING, "bob", "", "cli")

    assert _levels(worker) == []


def test_reviving_what_is_not_off_names_what_is(file: SwitchFile) -> None:
    with pytest.raises(NotFound, match="team:a is not switched off; nothing is"):
        file.revive(TEAM, "bob", "", "cli")
    file.throw(Switch(MODEL), "cli")
    with pytest.raises(NotFound, match="what is: model:m"):
        file.revive(TEAM, "bob", "", "cli")


def test_throwing_and_reviving_are_recorded(file: SwitchFile, tmp_path: Path, clock: FakeClock) -> None:
    file.throw(Switch(TEAM, until_s=clock.wall_s() + 60, by="ada", why="dear"), "cli")
    file.revive(TEAM, "bob", "cheap\nagain", "http")

    thrown, revived = (json.loads(line) for line in (tmp_path / RECORD).read_text().splitlines())
    assert (thrown["did"], thrown["level"], thrown["by"], thrown["why"]) == ("throw", "team:a", "ada", "dear")
    assert (revived["did"], revived["by"], revived["why"]) == ("revive", "bob", "cheap\nagain")
    assert (thrown["until"], revived["until"]) == ("2026-11-21T00:01:00Z", None)
    assert (thrown["through"], revived["through"]) == ("cli", "http")


def test_a_record_that_cannot_be_kept_stops_nobody_from_stopping_calls(
    file: SwitchFile, worker: SwitchFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / RECORD).mkdir()

    file.throw(Switch(EVERYTHING), "cli")

    assert _levels(worker) == ["all"]
    assert "the record could not be kept" in caplog.text


def test_a_writer_that_is_stuck_with_the_lock_delays_the_switch_and_no_more(
    file: SwitchFile, worker: SwitchFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.stores.files.switches.LOCK_WAIT_S", 0.01)
    with (tmp_path / f"{FILE_NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file.throw(Switch(EVERYTHING), "cli")

    assert _levels(worker) == ["all"]


def test_no_change_is_lost_between_writers(tmp_path: Path, clock: FakeClock, worker: SwitchFile) -> None:
    def throw(number: int) -> None:
        SwitchFile(tmp_path, clock.wall_s).throw(Switch(Level("team", f"{number}")), "cli")

    threads = [threading.Thread(target=throw, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(_levels(worker)) == sorted(f"team:{number}" for number in range(12))


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(Unavailable, match="an empty file of that name stops every call"):
        SwitchFile(tmp_path / "nowhere", clock.wall_s).throw(Switch(EVERYTHING), "cli")


def test_a_failed_writing_leaves_the_file_as_it_was(file: SwitchFile, tmp_path: Path) -> None:
    file.throw(Switch(TEAM), "cli")
    (tmp_path / f"{FILE_NAME}.{os.getpid()}.new").mkdir()
    before = (tmp_path / FILE_NAME).read_bytes()

    with pytest.raises(Unavailable):
        file.throw(Switch(EVERYTHING), "cli")

    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_full_disk_leaves_the_file_as_it_was_and_nothing_beside_it(
    file: SwitchFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.throw(Switch(TEAM), "cli")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(Unavailable, match="No space left"):
        file.throw(Switch(EVERYTHING), "cli")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def starved(file: SwitchFile, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchFile]:
    """Give a view whose process has no descriptors left to look again."""
    file.throw(Switch(TEAM), "cli")
    file.refresh()

    def refuse(*_: object) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("os.open", refuse)
        yield file


def test_a_worker_short_of_descriptors_keeps_what_it_knows(starved: SwitchFile) -> None:
    assert _levels(starved) == ["team:a"]


def test_every_change_is_told_and_logged_once(
    file: SwitchFile, worker: SwitchFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "seawall.killswitch")
    heard: list[tuple[Switch, ...]] = []
    worker.on_change(heard.append)

    file.throw(Switch(TEAM), "cli")
    for _ in range(3):
        worker.refresh()
    file.revive(TEAM, "bob", "", "cli")
    for _ in range(3):
        worker.refresh()

    assert heard == [(Switch(TEAM),), ()]
    assert [record.message for record in caplog.records] == [
        "kill switch: calls are stopped",
        "kill switch: nothing is off",
    ]


def test_the_log_says_why_a_file_means_all(
    worker: SwitchFile, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_text("teem:a\n")
    worker.refresh()

    assert "did you mean team:a?" in str(caplog.records[0].__dict__["fields"])


def test_watching_sees_a_change_within_a_tenth_of_a_second(file: SwitchFile, worker: SwitchFile) -> None:
    async def main() -> list[str]:
        watching = asyncio.ensure_future(worker.watch())
        await asyncio.sleep(POLL_S / 2)
        file.throw(Switch(TEAM), "cli")
        await asyncio.sleep(POLL_S)
        watching.cancel()
        return [switch.level.text for switch in worker.in_force()]

    assert run_virtual(main()) == ["team:a"]
