import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import pytest

from seawall.core.record import CallRecord
from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.line_file import read_lines
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import FakeClock

DAY = "20261121"
TRIALS = 5  # the best of so many counts: at any one moment the disk may be busy with something else
Make = Callable[..., CallRecord]


class Gate:
    """A sink whose disk answers when a test lets it."""

    name = "gate"

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.taken: list[Entry] = []
        self.error: OSError | None = None
        self.is_closed = False
        self._more = threading.Condition()

    def write(self, day: str, entries: Sequence[Entry]) -> int:
        assert day
        self.reached.set()
        assert self.open.wait(30)
        if self.error is not None:
            raise self.error
        with self._more:
            self.taken.extend(entries)
            self._more.notify_all()
        return len(entries)

    def has_taken(self, number: int) -> bool:
        """Wait until there are so many entries, however busy the machine is."""
        with self._more:
            return self._more.wait_for(lambda: len(self.taken) >= number, 30)

    def close(self) -> None:
        self.is_closed = True


def ids_in(directory: Path, slot: int = 0) -> tuple[list[str], list[str]]:
    """Give the ids in the lines and in the database; one that is not there or not made yet has none."""
    path = directory / f"calls-{DAY}.{slot}.jsonl"
    lines = [record.id for record in read_lines(path)] if path.exists() else []
    if not (directory / f"calls-{DAY}.db").exists():
        return lines, []
    db = apsw.Connection(str(directory / f"calls-{DAY}.db"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        has_table = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'calls'").fetchone()
        rows = db.execute("SELECT id FROM calls ORDER BY seq") if has_table else ()
        return lines, [str(row[0]) for row in rows]
    finally:
        db.close()


def test_every_record_reaches_both_files(tmp_path: Path, record: Make) -> None:
    made = [record() for _ in range(1000)]
    with Writer(tmp_path / "journal", Scrubber(), FakeClock(), WriterSettings(slot=2)) as writer:
        for each in made:
            writer.write(each)

    assert ids_in(tmp_path / "journal", 2) == ([each.id for each in made], [each.id for each in made])


def test_threads_may_write_together(tmp_path: Path, record: Make) -> None:
    batches = [[record() for _ in range(500)] for _ in range(4)]
    with Writer(tmp_path, Scrubber(), FakeClock()) as writer:

        def write(batch: list[CallRecord]) -> None:
            for each in batch:
                writer.write(each)

        threads = [threading.Thread(target=write, args=(batch,)) for batch in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    expected = {each.id for batch in batches for each in batch}
    for found in ids_in(tmp_path):
        assert len(found) == 2000
        assert set(found) == expected


def test_a_flush_waits_for_the_disk(tmp_path: Path, record: Make) -> None:
    gate = Gate()
    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(linger_s=30.0), (gate,)) as writer:
        writer.write(record())

        assert not writer.flush(0.01)
        gate.open.set()
        assert writer.flush(10.0)

        assert len(gate.taken) == 1


def test_an_idle_writer_sleeps(tmp_path: Path, record: Make) -> None:
    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(slot=1)) as writer:
        writer.write(record())
        assert writer.flush(10.0)

        assert writer._pause_s() is None, "nothing is due, so the thread waits for a record and for nothing else"


def test_a_full_queue_drops_and_counts_and_says_so_once(
    tmp_path: Path, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    settings = WriterSettings(slot=1, capacity=10, linger_s=0.0)
    with caplog.at_level(logging.ERROR), Writer(tmp_path, Scrubber(), FakeClock(), settings, (gate,)) as writer:
        writer.write(record())
        assert gate.reached.wait(10)
        for _ in range(25):
            writer.write(record())

        assert (writer.state().dropped, writer.state().queued) == (15, 10)
        gate.open.set()
        assert writer.flush(10.0)

        assert len(gate.taken) == 11
    notes = [entry for entry in caplog.records if entry.getMessage() == "journal lost records"]
    assert [getattr(note, "fields", None) for note in notes] == [{"since": 15, "in_all": 15}]


def test_a_sink_that_fails_stops_nobody_and_catches_up(tmp_path: Path, record: Make) -> None:
    bad, good = Gate(), Gate()
    bad.error = OSError("no space left on device")
    bad.open.set()
    good.open.set()
    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(linger_s=0.0), (bad, good)) as writer:
        for _ in range(3):
            writer.write(record())
        assert not writer.flush(0.05)

        assert good.has_taken(3)
        state = writer.state().sinks[0]
        assert (state.name, state.waiting, state.lost) == ("gate", 3, 0)
        assert state.failures >= 1

        bad.error = None
        assert writer.flush(10.0)
        assert bad.taken == good.taken


def test_a_record_that_cannot_be_written_is_counted(tmp_path: Path, record: Make) -> None:
    with Writer(tmp_path, Scrubber(), FakeClock()) as writer:
        writer.write(CallRecord("req_1", float("nan")))
        writer.write(record())
        assert writer.flush(10.0)

        assert writer.state().unfit == 1
    assert len(ids_in(tmp_path)[0]) == 1


def test_after_the_end_records_are_dropped_and_closing_again_is_fine(tmp_path: Path, record: Make) -> None:
    gate = Gate()
    gate.open.set()
    writer = Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(), (gate,))

    assert writer.close()
    writer.write(record())

    assert writer.state().dropped == 1
    assert writer.close()
    assert gate.is_closed
    assert not writer._thread.is_alive()


def test_closing_says_what_could_not_be_written(tmp_path: Path, record: Make) -> None:
    gate = Gate()
    gate.error = OSError("read-only file system")
    gate.open.set()
    writer = Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(), (gate,))
    writer.write(record())

    assert not writer.close(timeout_s=0.05)


def test_the_worker_of_slot_0_deletes_what_is_too_old(tmp_path: Path) -> None:
    for name in ("calls-20260101.db", "calls-20261120.db"):
        (tmp_path / name).touch()
    clock = FakeClock()
    settings = WriterSettings(keep=Keep(metadata_days=30))
    with Writer(tmp_path, Scrubber(), clock, settings) as writer:
        assert writer.flush(10.0)
        assert [path.name for path in tmp_path.iterdir()] == ["calls-20261120.db"]

        writer.keep(Keep(metadata_days=0))
        assert writer.flush(10.0)
        assert [path.name for path in tmp_path.iterdir()] == ["calls-20261120.db"], "not before the hour is over"

        clock.advance(3600.0)
        assert writer.flush(10.0)
        assert list(tmp_path.iterdir()) == []


def test_other_workers_delete_nothing(tmp_path: Path) -> None:
    (tmp_path / "calls-20200101.db").touch()

    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(slot=1)) as writer:
        assert writer.flush(10.0)

    assert (tmp_path / "calls-20200101.db").exists()


def test_a_writer_without_a_worker_of_slot_0_beside_it_may_be_told_to_delete(tmp_path: Path) -> None:
    (tmp_path / "calls-20200101.db").touch()

    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(slot=64, sweeps=True)) as writer:
        assert writer.flush(10.0)

    assert list(tmp_path.iterdir()) == []


def test_a_round_that_fails_does_not_silence_the_journal(
    tmp_path: Path, record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenClock(FakeClock):
        def wall_s(self) -> float:
            raise RuntimeError("the clock is gone")

    with caplog.at_level(logging.ERROR), Writer(tmp_path, Scrubber(), BrokenClock()) as writer:
        assert writer.flush(10.0)
        writer.write(record())
        assert writer.flush(10.0)

    assert len(ids_in(tmp_path)[0]) == 1
    assert "journal round failed" in caplog.messages


KILLED = """
import sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from seawall.core.record import CallRecord
from seawall.telemetry.journal.writer import Writer
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import FakeClock
writer = Writer(Path(sys.argv[1]), Scrubber(), FakeClock())
number = 0
while True:
    for _ in range(3):
        number += 1
        writer.write(CallRecord(f"req_{{number:032d}}", 1_795_219_200.0 + number))
    sys.stdout.write(f"{{number}} {{time.monotonic()}}\\n")
    sys.stdout.flush()
    time.sleep(0.001)
"""


def run_and_kill(directory: Path, after: int) -> int:
    """Kill a writing process after some messages, and give the number of records that must be on the disk."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(path=sys.path), str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline().split() for _ in range(after)]
    os.kill(process.pid, signal.SIGKILL)
    killed_s = time.monotonic()
    told += [line.split() for line in process.stdout.read().splitlines() if line.count(" ") == 1]
    process.wait()
    process.stdout.close()
    moments = [float(moment) for _, moment in told]
    # A machine that lets the whole process wait lets its writer wait too: that time does not count.
    stall_s = max(later - earlier for earlier, later in itertools.pairwise(moments))
    return max((int(number) for number, moment in told if float(moment) < killed_s - 0.1 - stall_s), default=0)


@pytest.mark.parametrize("after", [10, 97, 203, 390])
def test_a_killed_process_loses_at_most_a_tenth_of_a_second(tmp_path: Path, after: int) -> None:
    lost: list[int] = []
    while len(lost) < TRIALS and (not lost or min(lost) > 0):
        directory = tmp_path / str(len(lost))
        directory.mkdir()
        safe = run_and_kill(directory, after)

        written = ids_in(directory)
        for found in written:
            assert found == [f"req_{number + 1:032d}" for number in range(len(found))], "no hole and no repetition"
        lost.append(max(safe - min(map(len, written)), 0))

    assert min(lost) == 0


def test_the_start_after_a_crash_goes_on_in_the_same_files(tmp_path: Path, record: Make) -> None:
    run_and_kill(tmp_path, 203)
    before = ids_in(tmp_path)
    made = record()

    with Writer(tmp_path, Scrubber(), FakeClock()) as writer:
        writer.write(made)

    assert ids_in(tmp_path) == ([*before[0], made.id], [*before[1], made.id])
