"""The policy that is in force, and how the next one takes its place."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypeAlias

from seawall.assembly.entry import Entry
from seawall.core.error import PolicyError
from seawall.policy.pins import pins_path
from seawall.policy.plan import CompiledPolicy
from seawall.ports.clock import Clock

WATCH_S: Final = 0.25
FileStamp: TypeAlias = tuple[int, ...]
_log = logging.getLogger("seawall.policy")


class Live:
    """Hold the entry that new calls go through; a reload swaps it whole, and running calls keep their own.

    `load` reads and compiles the policy (raising `PolicyError`), `make_entry` assembles it. `first` is a policy that
    was loaded already.
    """

    def __init__(
        self,
        load: Callable[[], CompiledPolicy],
        make_entry: Callable[[CompiledPolicy], Entry],
        first: CompiledPolicy | None = None,
    ) -> None:
        self._load = load
        self._make_entry = make_entry
        self._lock = asyncio.Lock()
        self.entry = make_entry(first or load())

    async def reload(self) -> bool:
        """Read the policy again, off the event loop, and put it in force if it is good; say whether it is in force.

        A bad policy never replaces a good one: its errors go to the log and the old one stays. Cancelling leaves the
        old one in force. The same document is put in force again too, since what it refers to (a rotated secret) may
        have changed.
        """
        async with self._lock:
            try:
                policy = await asyncio.to_thread(self._load)
                entry = self._make_entry(policy)
            except PolicyError as error:
                _log.error("policy refused, the old one stays", extra={"fields": {"faults": str(error)}})
                return False
            except Exception:  # noqa: BLE001  # whatever is wrong with the new policy, the old one is good
                _log.exception("policy could not be put in force, the old one stays")
                return False
            self.entry = entry
            _log.info("policy in force", extra={"fields": {"version": policy.version}})
            return True

    async def watch(self, path: Path | None, clock: Clock, since: FileStamp | None = None) -> None:
        """Reload whenever the file or its pins change, and on the day of a price in it; runs until cancelled.

        A file is read once two looks in a row have seen the same of it: in between somebody may still be writing it.
        `since` is the file's stamp from before its first reading, so that no change in between is missed.
        """
        now = seen = since or file_stamp(path)
        done_on = date.min
        while True:
            await asyncio.sleep(WATCH_S)
            before, now = now, file_stamp(path)
            today, day = datetime.fromtimestamp(clock.wall_s(), UTC).date(), self.entry.policy.changes_on
            is_changed = now == before != seen
            if is_changed:
                seen = now
            if is_changed or (day is not None and day <= today != done_on):
                done_on = today  # once a day at most, or a policy that has become bad would fill the log
                await self.reload()


def file_stamp(path: Path | None) -> FileStamp | None:
    """Tell one state of a policy file and of the pins beside it from another.

    None where there is no file, as in the middle of an editor's save; no pins are a state like every other.
    """
    own = None if path is None else _stamp(path)
    return None if path is None or own is None else own + (_stamp(pins_path(path)) or ())


def _stamp(path: Path) -> FileStamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
