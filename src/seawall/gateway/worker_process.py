"""One worker process, as its supervisor sees it: starting, serving, told to end, ended."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Final, Self, cast

import msgspec

from seawall.gateway.options import Ports, ServeOptions

FIRST_PLACE: Final = 0


class WorkerProcess(asyncio.SubprocessProtocol):
    """A process that was started in a slot; `news` is called when it serves and when it has ended.

    `settled` is set when one of both is known, `ended` when it is gone.
    """

    def __init__(self, slot: int, news: Callable[[], None]) -> None:
        self.slot = slot
        self.is_serving = False
        self.is_told_to_end = False
        self.settled = asyncio.Event()
        self.ended = asyncio.Event()
        self._news = news
        self._is_reload_due = False
        self._transport = cast("asyncio.SubprocessTransport", None)  # until connection_made

    @classmethod
    async def start(cls, options: ServeOptions, ports: Ports, slot: int, news: Callable[[], None]) -> Self:
        """Start one that inherits the listening sockets; only the first place's has the admin port.

        Raises:
            OSError: no memory, no process ids.
        """
        loop, worker = asyncio.get_running_loop(), cls(slot, news)
        passed = [ports.data.fileno()]
        if slot % options.workers == FIRST_PLACE and ports.admin is not None:
            passed.append(ports.admin.fileno())
        heard, told = os.pipe()
        try:
            await loop.subprocess_exec(
                lambda: worker,
                sys.executable,
                "-m",
                "seawall.gateway.worker",
                msgspec.json.encode(options, enc_hook=str).decode(),
                str(slot),
                str(os.getpid()),
                *map(str, (told, *passed)),
                pass_fds=(told, *passed),
                stdin=subprocess.DEVNULL,
                stdout=None,
                stderr=None,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the supervisor alone, which passes it on
            )
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(told)
        loop.add_reader(heard, worker._hear, heard)
        return worker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the process over."""
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def process_exited(self) -> None:
        """Note its end."""
        self.is_serving = False
        self._transport.close()
        self.settled.set()
        self.ended.set()
        self._news()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._transport.get_pid()

    @property
    def code(self) -> int | None:
        """Its exit code, negative for a signal, or None while it lives."""
        return self._transport.get_returncode()

    def end(self) -> None:
        """Tell it to finish what runs and to end; once, since a second time it would end at once."""
        if not self.is_told_to_end:
            self.is_told_to_end = True
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._send(signal.SIGKILL)

    def reload(self) -> None:
        """Have it read the policy again, as soon as it serves."""
        if self.is_serving:
            self._send(signal.SIGHUP)
        else:  # it would die of the signal now, and may have read the policy already
            self._is_reload_due = True

    def _send(self, number: signal.Signals) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(ProcessLookupError):  # it has ended, and nobody has told us yet
                self._transport.send_signal(number)

    def _hear(self, heard: int) -> None:
        """Learn that it serves, from its byte, or that it ended before, from the end of its pipe."""
        asyncio.get_running_loop().remove_reader(heard)
        said = os.read(heard, 1)
        os.close(heard)
        if not said or self.ended.is_set():
            return
        self.is_serving = True
        if self._is_reload_due:
            self._send(signal.SIGHUP)
        self.settled.set()
        self._news()
