"""What a sink has not taken yet."""

import logging
from collections import deque
from collections.abc import Sequence
from itertools import groupby, islice
from typing import Final

from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.sink import Sink

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 5.0
BATCH: Final = 256  # larger transactions outgrow SQLite's page cache
_log: Final = logging.getLogger("seawall.journal")


class Backlog:
    """Give a sink its entries, and keep them while it fails: a bounded number, with pauses that grow.

    A sink that is locked or read-only, or whose disk is full, costs nothing but memory, up to `capacity` entries;
    then the oldest are lost and counted. It is tried again after 50 ms at first and every five seconds in the end, so
    it recovers by itself. Belongs to the writer's thread; other threads may read its counters.
    """

    def __init__(self, sink: Sink, capacity: int) -> None:
        self.sink = sink
        self.lost = 0
        self.failures = 0
        self._capacity = capacity
        self._waiting: deque[Entry] = deque()
        self._pause_s = 0.0
        self._due_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def due_s(self) -> float | None:
        """Give the monotonic time of the next try, or None while nothing waits."""
        return self._due_s if self._waiting else None

    def add(self, entries: Sequence[Entry]) -> None:
        """Put entries behind those that wait already."""
        self._waiting.extend(entries)
        while len(self._waiting) > self._capacity:
            self._waiting.popleft()
            self.lost += 1

    def run(self, now_s: float, *, at_once: bool = False) -> None:
        """Write what waits, unless the sink failed a moment ago and is not asked `at_once`; never raises."""
        if now_s < self._due_s and not at_once:
            return
        while self._waiting:
            batch = list(islice(self._waiting, BATCH))
            for day, entries in groupby(batch, key=_day_of):
                if not self._write(day, list(entries), now_s):
                    return

    def _write(self, day: str, entries: list[Entry], now_s: float) -> bool:
        try:
            taken = self.sink.write(day, entries)
        except Exception as error:  # noqa: BLE001  # whatever a sink raises, the others and the next batch go on
            taken, reason = 0, str(error)
        else:
            reason = "took a part only"
        for _ in range(taken):
            self._waiting.popleft()
        if taken == len(entries):
            if self._pause_s:
                _log.warning("journal sink recovered", extra={"fields": {"sink": self.sink.name}})
            self._pause_s = self._due_s = 0.0
            return True
        self.failures += 1
        if not self._pause_s:
            _log.error("journal sink failed", extra={"fields": {"sink": self.sink.name, "error": reason}})
        self._pause_s = min(max(self._pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self._due_s = now_s + self._pause_s
        return False


def _day_of(entry: Entry) -> str:
    return entry.day
