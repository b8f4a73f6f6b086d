"""Records as JSON lines, one file a UTC day and worker: `calls-20261121.0.jsonl`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from seawall.core.record import CallRecord
from seawall.telemetry.journal.entry import Entry

_LINES_AT_ONCE: Final = 64  # some 64 KB; larger buffers are mapped and unmapped every time, which takes longer


class LineFile:
    """Append whole lines in large writes: a crash tears one line at most, and the next start begins a new one."""

    name = "lines"

    def __init__(self, directory: Path, slot: int) -> None:
        self._directory = directory
        self._slot = slot
        self._day = ""
        self._file = -1
        self._is_torn = False

    def write(self, day: str, entries: Sequence[Entry]) -> int:
        """Append entries; a disk that fills up in the middle takes some and leaves a torn line, which readers skip."""
        self._open(day)
        done = 0
        while done < len(entries):
            part = entries[done : done + _LINES_AT_ONCE]
            taken = self._append(part)
            done += taken
            if taken < len(part):
                break
        return done

    def _append(self, entries: Sequence[Entry]) -> int:
        data = "\n".join([entry.line for entry in entries]).encode() + b"\n"
        if self._is_torn:
            data = b"\n" + data
        written = os.write(self._file, data)
        if written == len(data):
            self._is_torn = False
            return len(entries)
        taken = data[:written].count(b"\n") - self._is_torn
        self._is_torn = True
        return max(taken, 0)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self, day: str) -> None:
        if self._file >= 0 and day == self._day and os.fstat(self._file).st_nlink:
            return
        self.close()
        path = self._directory / f"calls-{day}.{self._slot}.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._day = day
        size = os.fstat(self._file).st_size
        self._is_torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"


def read_lines(path: Path) -> Iterator[CallRecord]:
    """Read the records of one file in the order in which they were written; lines that are none are skipped."""
    decoder = msgspec.json.Decoder(CallRecord)
    with path.open("rb") as lines:
        for line in lines:
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
