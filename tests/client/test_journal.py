import logging
import os
from pathlib import Path

import pytest

from seawall.client.journal import RETRY_S, Journals, ProcessJournal
from seawall.core.record import CallRecord
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.line_file import read_lines
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.monitor import Monitor
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import START_WALL_S, FakeClock


def _record(name: str) -> CallRecord:
    return CallRecord(id=name, at_s=START_WALL_S, team="blue")


def _ids(state_dir: Path) -> list[str]:
    return sorted(r.id for file in state_dir.glob("journal/calls-*.jsonl") for r in read_lines(file))


def test_several_journals_get_every_record() -> None:
    monitors = Monitor(), Monitor()

    Journals(monitors).write(_record("one"))

    assert [monitor.stats().calls for monitor in monitors] == [1, 1]


def test_nothing_is_made_before_the_first_record(tmp_path: Path) -> None:
    journal = ProcessJournal(tmp_path, Scrubber(), FakeClock())
    journal.close()

    assert list(tmp_path.iterdir()) == []


def test_records_are_on_disk_when_it_is_closed(tmp_path: Path) -> None:
    journal = ProcessJournal(tmp_path, Scrubber(), FakeClock())
    journal.write(_record("one"))
    journal.write(_record("two"))

    journal.close()
    journal.close()

    assert _ids(tmp_path) == ["one", "two"]


def test_what_comes_after_the_end_is_lost_quietly(tmp_path: Path) -> None:
    journal = ProcessJournal(tmp_path, Scrubber(), FakeClock())
    journal.close()

    journal.write(_record("late"))

    assert _ids(tmp_path) == []


def test_two_journals_share_a_directory_and_no_file(tmp_path: Path) -> None:
    journals = [ProcessJournal(tmp_path, Scrubber(), FakeClock()) for _ in range(2)]
    for number, journal in enumerate(journals):
        journal.write(_record(f"of {number}"))
    for journal in journals:
        journal.close()

    assert _ids(tmp_path) == ["of 0", "of 1"]
    assert len(list(tmp_path.glob("journal/calls-*.jsonl"))) == 2
    assert len(list(tmp_path.glob("journal/calls-*.db"))) == 1


def test_old_files_are_deleted_as_the_policy_says(tmp_path: Path) -> None:
    old = tmp_path / JOURNAL_DIR / "calls-20261101.db"
    old.parent.mkdir()
    old.touch()
    journal = ProcessJournal(tmp_path, Scrubber(), FakeClock())
    journal.keep(Keep(metadata_days=7))

    journal.write(_record("one"))
    journal.keep(Keep(metadata_days=8))
    journal.close()

    assert not old.exists()


def test_a_directory_that_cannot_be_used_costs_no_call_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / JOURNAL_DIR
    blocked.touch()
    clock = FakeClock()
    journal = ProcessJournal(tmp_path, Scrubber(), clock)

    with caplog.at_level(logging.ERROR, "seawall.journal"):
        clock.advance(RETRY_S)
        journal.write(_record("one"))
        journal.write(_record("two"))
    assert [record.message for record in caplog.records] == ["no journal can be written"]

    blocked.unlink()
    clock.advance(RETRY_S)
    journal.write(_record("three"))
    journal.close()
    assert _ids(tmp_path) == ["three"]


def test_a_fork_writes_under_its_own_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = ProcessJournal(tmp_path, Scrubber(), FakeClock())
    journal.write(_record("parent"))
    parents, held = journal._open, journal._held
    assert parents is not None
    assert held is not None

    # A fork keeps everything but the threads; that one really happens is tested with the transport.
    monkeypatch.setattr(os, "getpid", lambda: parents.process + 1)
    journal.write(_record("child"))
    journal.close()
    monkeypatch.undo()
    parents.writer.close()
    held.slot.release()

    assert _ids(tmp_path) == ["child", "parent"]
    assert len(list(tmp_path.glob("journal/calls-*.jsonl"))) == 2
