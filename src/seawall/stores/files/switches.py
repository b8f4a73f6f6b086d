"""The kill switch: one plain text file in the state directory, and every worker's view of it."""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from seawall.core.error import NotFound, Unavailable
from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.stores.files.switch_record import SwitchRecord
from seawall.stores.files.switch_text import MAX_BYTES, Line, read_lines, write_line, write_lines

FILE_NAME: Final = "killswitch"
POLL_S: Final = 0.1
LOCK_WAIT_S: Final = 1.0
_LOCK_LOOK_S: Final = 0.02
_YOUNG_NS: Final = 2_000_000_000  # the coarsest clock of a file system
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR})
_Stamp: TypeAlias = tuple[int, int, int, int]
Hear: TypeAlias = Callable[[tuple[Switch, ...]], None]
_log: Final = logging.getLogger("seawall.killswitch")


class SwitchFile:
    """Implement `Switches` over `STATE/killswitch`, and change that file for commands and the admin port.

    The file is the whole truth: it needs no store, no policy and no running gateway, and survives every restart.
    No file means that nothing is off; a file that cannot be read means that everything is. Writers replace it whole
    under a lock (`killswitch.lock`), readers see one state or the next. What a writer changes shows here at the next
    look, so that a change may be made off the event loop. `wall_s` gives seconds since 1970.
    """

    def __init__(self, state_dir: Path, wall_s: Callable[[], float]) -> None:
        self._path = state_dir / FILE_NAME
        self._record = SwitchRecord(state_dir)
        self._wall_s = wall_s
        self._heard: list[Hear] = []
        self._stamp: _Stamp | None = None
        self._is_settled = False
        self._switches: tuple[Switch, ...] = ()
        self.refresh()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def in_force(self) -> tuple[Switch, ...]:
        """Give every switch that counts now."""
        if not self._switches:
            return ()
        now_s = self._wall_s()
        return tuple(switch for switch in self._switches if switch.is_on(now_s))

    def on_change(self, hear: Hear) -> None:
        """Have a function told, in the thread that looks, what is in force after every change of the file."""
        self._heard.append(hear)

    async def watch(self) -> None:
        """Look at the file every 0.1 s (one `stat`, some microseconds), until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            self.refresh()

    def refresh(self) -> None:
        """Look at the file now; never raises."""
        try:
            stamp = self._look()
            if stamp == self._stamp and self._is_settled:
                return
            switches = () if stamp is None else _switches(self._lines())
        except OSError as error:
            if error.errno in _PASSING and self._stamp is not None:
                return  # this process is short of something; the file has not changed its mind
            stamp, switches = (0, 0, 0, 0), (_unreadable(error),)
        # A change within the tick of the file system's clock in which it was read would leave the same stamp.
        self._is_settled = stamp is None or time.time_ns() - stamp[0] > _YOUNG_NS
        self._stamp = stamp
        if switches != self._switches:
            self._swap(switches)

    def _look(self) -> _Stamp | None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_ctime_ns

    def _read(self) -> bytes:
        # Not blocking, in case somebody has put a pipe there.
        file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            data = b""
            while len(data) <= MAX_BYTES and (more := os.read(file, MAX_BYTES + 1)):
                data += more
            return data
        finally:
            os.close(file)

    def _swap(self, switches: tuple[Switch, ...]) -> None:
        self._switches = switches
        in_force = self.in_force()
        fields = {"off": "; ".join(map(_for_log, in_force)), "file": str(self._path)}
        if in_force:
            _log.warning("kill switch: calls are stopped", extra={"fields": fields})
        else:
            _log.warning("kill switch: nothing is off", extra={"fields": fields})
        for hear in self._heard:
            hear(in_force)

    def throw(self, switch: Switch, through: str) -> None:
        """Switch something off, durably, in one atomic step; a switch of the same level is replaced.

        `through` says which way it came, for the record. Where the lock is not to be had within a second, somebody
        is stuck with it, and the switch is thrown all the same.

        Raises:
            Unavailable: the file cannot be written; the message says what works without it.
        """
        with self._changing() as lines:
            now_s = self._wall_s()
            kept = [_kept(line) for line in lines if _stays(line, switch.level, now_s)]
            self._write([*kept, Line(write_line(switch), switch)])
        self._note("throw", (switch,), now_s, through)

    def revive(self, level: Level, by: str, why: str, through: str, *, only: bool = False) -> tuple[Switch, ...]:
        """Switch something on again, durably, in one atomic step, and give what was taken out of the file.

        `all` lifts every switch and what could not be read; with `only`, the switch for all and what counts as it.

        Raises:
            NotFound: nothing of that level is off.
            Unavailable: the file cannot be written.
        """
        with self._changing() as lines:
            now_s = self._wall_s()
            lifts_all = level == EVERYTHING and not only
            gone = tuple(s for line in lines if (s := line.switch) is not None and (lifts_all or s.level == level))
            if not any(switch.is_on(now_s) for switch in gone):
                off = ", ".join(switch.level.text for switch in _switches(lines) if switch.is_on(now_s))
                raise NotFound(f"{level.text} is not switched off; " + (f"what is: {off}" if off else "nothing is"))
            self._write([line for line in lines if line.switch not in gone])
        self._note("revive", tuple(replace(s, by=by, why=why, until_s=None) for s in gone), now_s, through)
        return gone

    def _note(self, did: str, switches: tuple[Switch, ...], now_s: float, through: str) -> None:
        """Keep the record, which must not stop anybody from stopping calls."""
        try:
            for switch in switches:
                self._record.append(did, switch, now_s, through)
        except OSError as error:
            _log.error("kill switch: the record could not be kept", extra={"fields": {"error": str(error)}})

    @contextlib.contextmanager
    def _changing(self) -> Iterator[tuple[Line, ...]]:
        """Hold the writers' lock, and give the file as it stands.

        Raises:
            Unavailable: the file cannot be written.
        """
        try:
            with self._locked():
                yield self._lines()
        except OSError as error:
            raise Unavailable(
                f"cannot change {self._path}: {error.strerror or error}; an empty file of that name stops every call, "
                "no file lets every call go on"
            ) from error

    def _lines(self) -> tuple[Line, ...]:
        try:
            return read_lines(self._read())
        except FileNotFoundError:
            return ()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self._path.with_name(f"{FILE_NAME}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            give_up_s = time.monotonic() + LOCK_WAIT_S
            while not _try_lock(lock) and time.monotonic() < give_up_s:
                time.sleep(_LOCK_LOOK_S)
            yield
        finally:
            os.close(lock)

    def _write(self, lines: list[Line]) -> None:
        """Replace the file, or remove it where it would say nothing: an empty one means all."""
        if not any(line.text.strip() for line in lines):
            self._path.unlink(missing_ok=True)
        else:
            fresh = self._path.with_name(f"{FILE_NAME}.{os.getpid()}.new")
            try:
                with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(write_lines(lines))
                    file.flush()
                    os.fsync(file.fileno())
                fresh.replace(self._path)
            except OSError:
                fresh.unlink(missing_ok=True)
                raise
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _switches(lines: tuple[Line, ...]) -> tuple[Switch, ...]:
    return tuple(line.switch for line in lines if line.switch is not None)


def _stays(line: Line, level: Level, now_s: float) -> bool:
    """Say whether a line outlives the throwing of a switch: what is over goes, and what it replaces."""
    switch = line.switch
    if switch is None:
        return True
    return bool(switch.trouble and line.text) or (switch.is_on(now_s) and switch.level != level)


def _kept(line: Line) -> Line:
    """Write out what an unreadable file stood for, which the next writing would lose."""
    if line.switch is None or line.text or not line.switch.trouble:
        return line
    return Line(write_line(replace(line.switch, why=line.switch.trouble)))


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unreadable(error: OSError) -> Switch:
    why = error.strerror or type(error).__name__
    return Switch(EVERYTHING, trouble=f"the file cannot be read ({why}), which means all")


def _for_log(switch: Switch) -> str:
    return write_line(switch) + (f" ({switch.trouble})" if switch.trouble else "")
