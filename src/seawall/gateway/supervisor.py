"""Several workers on one port: start them, restart what dies, stop them all."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from seawall.gateway.options import Ports, ServeOptions
from seawall.telemetry.log import install_logging
from seawall.telemetry.scrub import Scrubber

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
STEADY_S: Final = 10.0
_log = logging.getLogger("seawall.supervisor")


@dataclass(slots=True)
class _Slot:
    """A worker's place: the slot number is stable over restarts, so that files and metrics do not multiply."""

    number: int
    process: "asyncio.subprocess.Process | None" = None
    is_ready: bool = False
    is_reload_due: bool = False


class Supervisor:
    """Own the listening sockets and the worker processes; every worker inherits the sockets and accepts for itself."""

    def __init__(self, options: ServeOptions, ports: Ports) -> None:
        self._options = options
        self._ports = ports
        self._slots = [_Slot(number) for number in range(options.workers)]
        self._stopping = asyncio.Event()
        self._has_served = False
        self._code = 0
        self._on_ready: Callable[[], None] = lambda: None

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Keep the workers running until SIGTERM or SIGINT; a second one ends them at once. SIGHUP reloads policies.

        `on_ready` is called once, when all workers serve. A worker that dies later is started again, after a pause that
        grows while it keeps dying young; one that dies before that ends the start, since what it lacks will be lacking
        again. Give the exit code: 0 for an orderly end.
        """
        install_logging(Scrubber())
        self._on_ready = on_ready
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._keep(slot), name=f"worker {slot.number}")
        return self._code

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._code = 1
            self._send(signal.SIGKILL)
        else:
            self._stopping.set()
            self._send(signal.SIGTERM)
            # Nobody accepts from now on; while this process held them open, clients would still be let in to wait.
            self._ports.data.close()
            if self._ports.admin is not None:
                self._ports.admin.close()

    def _reload(self) -> None:
        for slot in self._slots:
            if slot.is_ready:
                self._send(signal.SIGHUP, slot)
            else:  # it would die of the signal now, and may have read the policy already
                slot.is_reload_due = True

    def _send(self, number: signal.Signals, only: _Slot | None = None) -> None:
        for slot in self._slots if only is None else (only,):
            if slot.process is not None and slot.process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # it has ended, and nobody has told us yet
                    slot.process.send_signal(number)

    async def _keep(self, slot: _Slot) -> None:
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = loop.time()
            code = await self._live(slot)
            if self._stopping.is_set():
                return
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            _log.error("worker died", extra={"fields": {"slot": slot.number, "code": code, "pause_s": pause_s}})
            if not self._has_served:
                self._stop()
                self._code = 1
                return
            try:
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            except TimeoutError:
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _live(self, slot: _Slot) -> int | str:
        """Run one worker to its end, and give its exit code, or why there was none to run."""
        try:
            slot.process = await self._spawn(slot)
        except OSError as error:  # no memory, no process ids: later may help
            return str(error)
        if self._stopping.is_set():  # the signal came while the process was being made
            self._send(signal.SIGTERM, slot)
        code = await slot.process.wait()
        slot.is_ready = False
        return code

    async def _spawn(self, slot: _Slot) -> asyncio.subprocess.Process:
        ports = [self._ports.data.fileno()]
        if slot.number == 0 and self._ports.admin is not None:
            ports.append(self._ports.admin.fileno())
        slot.is_ready = slot.is_reload_due = False
        heard, told = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "seawall.gateway.worker",
                msgspec.json.encode(self._options, enc_hook=str).decode(),
                str(slot.number),
                str(os.getpid()),
                *map(str, (told, *ports)),
                pass_fds=(told, *ports),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C at the terminal reaches the supervisor alone, which passes it on
            )
        except BaseException:
            os.close(heard)
            raise
        finally:
            os.close(told)
        asyncio.get_running_loop().add_reader(heard, self._hear, slot, heard)
        return process

    def _hear(self, slot: _Slot, heard: int) -> None:
        """Learn that a worker serves, from its byte, or that it ended before, from the end of its pipe."""
        asyncio.get_running_loop().remove_reader(heard)
        slot.is_ready = bool(os.read(heard, 1))
        os.close(heard)
        if slot.is_ready and slot.is_reload_due:
            self._send(signal.SIGHUP, slot)
        if not self._has_served and all(slot.is_ready for slot in self._slots):
            self._has_served = True
            self._on_ready()


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen.

    Raises:
        OSError: the address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    port_socket = socket.socket(family, socket.SOCK_STREAM)
    try:
        port_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port_socket.bind((host, port))
        port_socket.listen(2048)
        port_socket.setblocking(False)
    except OSError:
        port_socket.close()
        raise
    return port_socket
