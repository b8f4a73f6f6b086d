"""Where an embedded client's records go: a journal on disk, the application's monitor, or both."""

import logging
import os
import threading
from pathlib import Path
from typing import Final, NamedTuple

from seawall.client.fork import close_in_forks
from seawall.client.slot import Slot
from seawall.core.error import SeawallError
from seawall.core.record import CallRecord
from seawall.ports.clock import Clock
from seawall.ports.journal import Journal
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.scrub import Scrubber

RETRY_S: Final = 5.0
_log: Final = logging.getLogger("seawall.journal")


class Journals:
    """Implement `Journal`: give each record to several."""

    def __init__(self, journals: tuple[Journal, ...]) -> None:
        self._journals = journals

    def write(self, record: CallRecord) -> None:
        """Hand over one record without waiting and without raising."""
        for journal in self._journals:
            journal.write(record)


class _Open(NamedTuple):
    process: int
    writer: Writer


class _Held(NamedTuple):
    process: int
    slot: Slot


class ProcessJournal:
    """Implement `Journal`: write to a state directory that a gateway and other processes may write to as well.

    The writer and its thread start with the first record, and anew with the first after a fork, in the parent and in
    the child: of a writer's thread nothing is left in a fork, and its database must not be open in one.
    """

    def __init__(self, state_dir: Path, scrubber: Scrubber, clock: Clock) -> None:
        self._directory = state_dir / JOURNAL_DIR
        self._scrubber = scrubber
        self._clock = clock
        self._keep = Keep()
        self.lock = threading.Lock()
        self._open: _Open | None = None
        self._held: _Held | None = None
        self._is_closed = False
        self._retry_at_s = 0.0
        close_in_forks(self)

    def keep(self, keep: Keep) -> None:
        """Change how long files are kept."""
        self._keep = keep
        if self._open is not None:
            self._open.writer.keep(keep)

    def write(self, record: CallRecord) -> None:
        """Hand over one record without waiting and without raising; one that no writer takes is lost and logged."""
        found = self._open
        if found is None or found.process != os.getpid():
            found = self._opened()
        if found is not None:
            found.writer.write(record)

    def close(self) -> None:
        """Write what waits and stop the thread; records that come later are lost. Closing twice is fine."""
        with self.lock:
            self._is_closed = True
            found, self._open = self._open, None
            held, self._held = self._held, None
        if found is not None and found.process == os.getpid():
            found.writer.close()
        if held is not None and held.process == os.getpid():
            held.slot.release()

    def leave(self) -> None:
        """Write what waits and stop the thread, until there is another record; whoever calls this has the lock."""
        found, self._open = self._open, None
        if found is not None and found.process == os.getpid():
            found.writer.close()

    def _opened(self) -> _Open | None:
        with self.lock:
            process, found = os.getpid(), self._open
            if found is not None and found.process == process:
                return found  # another thread was quicker
            if self._is_closed or self._clock.monotonic_s() < self._retry_at_s:
                return None
            try:
                if self._held is None or self._held.process != process:
                    self._held = _Held(process, Slot(self._directory))
                settings = WriterSettings(slot=self._held.slot.number, keep=self._keep, sweeps=True)
                self._open = _Open(process, Writer(self._directory, self._scrubber, self._clock, settings))
            except (OSError, SeawallError) as error:
                self._retry_at_s = self._clock.monotonic_s() + RETRY_S
                _log.error("no journal can be written", extra={"fields": {"error": str(error)}})
            return self._open
