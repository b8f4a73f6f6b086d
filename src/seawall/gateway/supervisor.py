"""Several workers on one port: start them, restart what dies, stop them all."""

import asyncio
import logging
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Final

import msgspec

from seawall.gateway.options import Ports, ServeOptions

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
STEADY_S: Final = 10.0
_log = logging.getLogger("seawall.supervisor")


@dataclass(slots=True)
class _Slot:
    """A worker's place: the slot number is stable over restarts, so that files and metrics do not multiply."""

    number: int
    process: "asyncio.subprocess.Process | None" = None


class Supervisor:
    """Own the listening sockets and the worker processes; every worker inherits the sockets and accepts for itself."""

    def __init__(self, options: ServeOptions, ports: Ports) -> None:
        self._options = options
        self._ports = ports
        self._slots = [_Slot(number) for number in range(options.workers)]
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT; a second one ends them at once. SIGHUP reloads policies.

        A worker that dies is started again, after a pause that grows while it keeps dying young.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._send, signal.SIGHUP)
        async with asyncio.TaskGroup() as group:
            for slot in self._slots:
                group.create_task(self._keep(slot), name=f"worker {slot.number}")

    def _stop(self) -> None:
        self._send(signal.SIGKILL if self._stopping.is_set() else signal.SIGTERM)
        self._stopping.set()

    def _send(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.process is not None and slot.process.returncode is None:
                slot.process.send_signal(number)

    async def _keep(self, slot: _Slot) -> None:
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = loop.time()
            slot.process = await self._spawn(slot.number)
            if self._stopping.is_set():  # the signal came while the process was being made
                slot.process.terminate()
            code = await slot.process.wait()
            if self._stopping.is_set():
                return
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            _log.error("worker died", extra={"fields": {"slot": slot.number, "code": code, "pause_s": pause_s}})
            try:
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            except TimeoutError:
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _spawn(self, number: int) -> asyncio.subprocess.Process:
        ports = [self._ports.data.fileno()]
        if number == 0 and self._ports.admin is not None:
            ports.append(self._ports.admin.fileno())
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "seawall.gateway.worker",
            msgspec.json.encode(self._options, enc_hook=str).decode(),
            str(number),
            *map(str, ports),
            pass_fds=ports,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the terminal reaches the supervisor alone, which passes it on once
        )


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
