"""A process of its own group: started with a log, watched until it serves, and ended with all that it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.02


class Process:
    """A command that runs in a folder until it is stopped. Ctrl-C on the terminal does not reach its group."""

    def __init__(
        self, words: Sequence[str], folder: Path, log: str, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / log
        with self.log.open("wb") as output:
            self._child = subprocess.Popen(
                list(words),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The number of the process, which is its group's too."""
        return self._child.pid

    def printed(self) -> str:
        """Give what it wrote so far."""
        return self.log.read_text("utf-8", "replace")

    def when_printed(self, text: str, patience_s: float, *, times: int = 1) -> str:
        """Wait until it has written this so many times, and give all that it wrote.

        Raises:
            TimeoutError: it did not, or it ended; it is stopped then, and the message holds what it wrote.
        """
        try:
            return self._when_printed(text, times, time.monotonic() + patience_s)
        except BaseException:  # an interruption too
            self.stop(0)
            raise

    def children(self) -> list[int]:
        """List the processes that it started itself and that still run."""
        with contextlib.suppress(OSError):
            return list(map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()))
        return []

    def stop(self, patience_s: float) -> None:
        """Ask for an orderly end; what is left of the group after that, or on an interruption, is killed."""
        if self._child.returncode is not None:
            return
        end_s = time.monotonic() + patience_s
        try:
            os.kill(self.pid, signal.SIGTERM)  # and not terminate(), which would wait for one that has ended
            while not self._has_ended() and time.monotonic() < end_s:
                time.sleep(_LOOK_S)
        finally:
            # Not waited for yet: until then its number, and so the group's, cannot be another's.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._child.wait()

    def _when_printed(self, text: str, times: int, end_s: float) -> str:
        while True:
            has_ended = self._has_ended()
            printed = self.printed()
            if printed.count(text) >= times:
                return printed
            if has_ended or time.monotonic() > end_s:
                raise TimeoutError(f"{self.log.stem} did not start: {printed[-3_000:]}")
            time.sleep(_LOOK_S)

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def workers_of(process: Process, *, whose: bytes) -> list[int]:
    """List those children whose command line has these words."""
    found = []
    for pid in process.children():
        with contextlib.suppress(OSError):
            if whose in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
