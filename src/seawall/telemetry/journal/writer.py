"""The journal's writer: takes records from every thread, writes them from its own."""

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from seawall.core.record import CallRecord
from seawall.ports.clock import Clock
from seawall.telemetry.journal.backlog import Backlog
from seawall.telemetry.journal.day_book import DayBooks
from seawall.telemetry.journal.entry import EntryMaker
from seawall.telemetry.journal.line_file import LineFile
from seawall.telemetry.journal.retention import Keep, sweep
from seawall.telemetry.journal.sink import Sink
from seawall.telemetry.scrub import Scrubber

LINGER_S: Final = 0.05
CHUNK: Final = 256
NOTE_EVERY_S: Final = 1.0
SWEEP_EVERY_S: Final = 3600.0
_log: Final = logging.getLogger("seawall.journal")


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """How a journal is written. `slot` is the worker's stable number: it names the worker's own file of lines.

    `capacity` bounds the records that wait for the thread, and those that wait for each failing sink. `linger_s` is
    how long a first record waits for others to share its batch, and so the most that a killed process loses.
    `sweeps` says whether this writer deletes old files too; None leaves it to slot 0.
    """

    slot: int = 0
    capacity: int = 50_000
    linger_s: float = LINGER_S
    keep: Keep = field(default_factory=Keep)
    sweeps: bool | None = None


@dataclass(frozen=True, slots=True)
class SinkState:
    """One sink's counters since the start: failed tries, entries that wait for it, entries lost for good."""

    name: str
    failures: int
    waiting: int
    lost: int


@dataclass(frozen=True, slots=True)
class JournalState:
    """The journal's counters since the start, for metrics and probes."""

    queued: int
    dropped: int
    unfit: int
    sinks: tuple[SinkState, ...]


class Writer:
    """Implement `Journal`: a bounded queue, one thread, and every sink at its own pace.

    The thread sleeps while there is nothing to do. A first record wakes it; it waits `linger_s` for company, then
    encodes and writes what has come. `write` costs its caller an append. The thread of slot 0, and every one whose
    settings say so, also deletes what has outlived its retention, at the start and every hour.
    """

    def __init__(
        self,
        directory: Path,
        scrubber: Scrubber,
        clock: Clock,
        settings: WriterSettings | None = None,
        sinks: tuple[Sink, ...] | None = None,
    ) -> None:
        """Start the thread; without `sinks` records go to JSON lines and to SQLite day files in `directory`.

        Raises:
            OSError: the directory cannot be made.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._clock = clock
        self._settings = settings = settings or WriterSettings()
        self._keep = settings.keep
        if sinks is None:
            sinks = (LineFile(directory, settings.slot), DayBooks(directory))
        self._backlogs = tuple(Backlog(sink, settings.capacity) for sink in sinks)
        self._maker = EntryMaker(scrubber)
        self._queue: deque[CallRecord] = deque()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._round = threading.Condition()
        self._asked = self._answered = 0  # calls of flush, and those whose records have been taken from the queue
        self._is_closing = False
        self._count_lock = threading.Lock()
        self._dropped = self._unfit = self._noted = 0
        self._note_due_s = 0.0
        sweeps = settings.slot == 0 if settings.sweeps is None else settings.sweeps
        self._sweep_due_s = clock.monotonic_s() if sweeps else None
        self._thread = threading.Thread(target=self._run, name="seawall-journal", daemon=True)
        self._thread.start()

    def write(self, record: CallRecord) -> None:
        """Hand over one record without waiting and without raising; a full queue drops it and counts the drop."""
        if len(self._queue) >= self._settings.capacity or self._is_closing:
            with self._count_lock:
                self._dropped += 1
            return
        self._queue.append(record)
        if not self._wake.is_set():
            self._wake.set()

    def keep(self, keep: Keep) -> None:
        """Change how long files are kept, from the next sweep on."""
        self._keep = keep

    def state(self) -> JournalState:
        """Give the counters as of now."""
        return JournalState(
            queued=len(self._queue),
            dropped=self._dropped,
            unfit=self._unfit,
            sinks=tuple(SinkState(b.sink.name, b.failures, len(b), b.lost) for b in self._backlogs),
        )

    def flush(self, timeout_s: float) -> bool:
        """Wait until every record handed over before is written; False if that takes longer than `timeout_s`."""
        with self._round:
            self._asked += 1
            ticket = self._asked
            self._hurry.set()
            self._wake.set()
            return self._round.wait_for(lambda: self._answered >= ticket and not any(self._backlogs), timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Write what waits, stop the thread and close the files; False if something could not be written in time.

        Records that come later are dropped. Closing twice is fine.
        """
        is_written = self.flush(timeout_s) if self._thread.is_alive() else not any(self._backlogs)
        self._is_closing = True
        self._hurry.set()
        self._wake.set()
        self._thread.join()
        return is_written

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while not self._is_closing:
            self._wake.wait(self._pause_s())
            if self._wake.is_set():
                self._hurry.wait(self._settings.linger_s)
            # Before the queue is emptied, so that whatever comes meanwhile wakes the thread again.
            self._wake.clear()
            self._go_round()
        self._go_round()
        for backlog in self._backlogs:
            backlog.sink.close()

    def _go_round(self) -> None:
        with self._round:
            is_hurried = self._hurry.is_set()
            self._hurry.clear()
            asked = self._asked
        try:
            self._drain(at_once=is_hurried)
            self._tend()
        except Exception:  # noqa: BLE001  # without its thread the journal would fall silent for good
            _log.exception("journal round failed")
        with self._round:
            self._answered = asked
            self._round.notify_all()

    def _drain(self, *, at_once: bool) -> None:
        left = len(self._queue)  # and not what comes while these are written: that is the next round's
        while True:
            records = [self._queue.popleft() for _ in range(min(left, CHUNK))]
            left -= len(records)
            entries = [entry for entry in map(self._maker.make, records) if entry is not None]
            self._unfit += len(records) - len(entries)
            now_s = self._clock.monotonic_s()
            for backlog in self._backlogs:
                backlog.add(entries)
                backlog.run(now_s, at_once=at_once)
            if not left:
                return

    def _tend(self) -> None:
        """Do what is due by the clock: say how many records were lost, delete old files."""
        now_s = self._clock.monotonic_s()
        lost = self._lost()
        if lost != self._noted and now_s >= self._note_due_s:
            _log.error("journal lost records", extra={"fields": {"since": lost - self._noted, "in_all": lost}})
            self._noted = lost
            self._note_due_s = now_s + NOTE_EVERY_S
        if self._sweep_due_s is not None and now_s >= self._sweep_due_s:
            self._sweep_due_s = now_s + SWEEP_EVERY_S
            deleted = sweep(self._directory, self._clock.wall_s(), self._keep)
            if deleted:
                _log.info("old journal files deleted", extra={"fields": {"files": len(deleted)}})

    def _pause_s(self) -> float | None:
        """Say how long the thread may sleep without a record; None is for ever."""
        due = [backlog.due_s() for backlog in self._backlogs]
        due.append(self._sweep_due_s)
        due.append(self._note_due_s if self._lost() != self._noted else None)
        times = [due_s for due_s in due if due_s is not None]
        return max(min(times) - self._clock.monotonic_s(), 0.0) if times else None

    def _lost(self) -> int:
        return self._dropped + self._unfit + sum(backlog.lost for backlog in self._backlogs)
