"""The board in files: `board/<slot>.json` in the state directory."""

import logging
import os
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from seawall.ports.clock import Clock

BOARD_DIR: Final = "board"
STALE_S: Final = 30.0
LARGEST: Final = 256 * 1024
_log: Final = logging.getLogger("seawall.board")

Stamp: TypeAlias = tuple[int, int, int]


class _Seen(NamedTuple):
    """A note as it was read: the file's stamp, until which monotonic time it counts, and what it says."""

    stamp: Stamp
    fresh_until_s: float
    notice: bytes


class FileBoard:
    """Implement `Board` with one file per worker, written aside and renamed; not safe from several threads at once.

    A note that has not been renewed for `STALE_S` belongs to a worker that is gone. Its age is measured from when it
    was first seen here, and by the file's own date only at the first look, so that a jump of the clock does no harm.
    Nothing is synced to the disk: a note is worth nothing after a crash.
    """

    def __init__(self, state_dir: Path, slot: int, clock: Clock) -> None:
        self._directory = state_dir / BOARD_DIR
        self._own = f"{slot}.json"
        self._draft = f".{slot}.draft"
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._complained = False

    def publish(self, notice: bytes) -> None:
        """Replace this worker's note."""
        draft = self._directory / self._draft
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(notice)
            draft.rename(self._directory / self._own)
        except OSError as error:
            self._complain(error)
        else:
            self._complained = False

    def read_others(self) -> list[bytes]:
        """Read what is new of the other workers' notes, and give all that are fresh."""
        now_s = self._clock.monotonic_s()
        try:
            found = {entry.name: _stamp(entry) for entry in os.scandir(self._directory) if self._is_other(entry.name)}
            self._seen = {name: self._look(name, stamp, now_s) for name, stamp in found.items()}
        except FileNotFoundError:
            return []  # nobody has left a note yet, or one was taken away at this moment
        except OSError as error:
            self._complain(error)
            return []
        return [seen.notice for _, seen in sorted(self._seen.items()) if now_s < seen.fresh_until_s]

    def _is_other(self, name: str) -> bool:
        return name != self._own and name.endswith(".json") and not name.startswith(".")

    def _look(self, name: str, stamp: Stamp, now_s: float) -> _Seen:
        seen = self._seen.get(name)
        if seen is not None and seen.stamp == stamp:
            return seen
        age_s = 0.0
        if seen is None:
            # A date in the future is that of a clock that was set back since: the note may well be new.
            age_s = max(self._clock.wall_s() - stamp[0] / 1e9, 0.0)
        with (self._directory / name).open("rb") as file:
            notice = file.read(LARGEST + 1)
        return _Seen(stamp, now_s + STALE_S - age_s if len(notice) <= LARGEST else now_s, notice[:LARGEST])

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.error("board unusable", extra={"fields": {"error": str(error)}})


def _stamp(entry: "os.DirEntry[str]") -> Stamp:
    stat = entry.stat(follow_symlinks=False)
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
