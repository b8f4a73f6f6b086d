"""Several workers on one port: start them, restart what dies, replace them one by one, stop them all."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from seawall.gateway.options import Ports, ServeOptions
from seawall.gateway.worker_process import WorkerProcess
from seawall.telemetry.log import install_logging
from seawall.telemetry.scrub import Scrubber

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
STEADY_S: Final = 10.0
START_S: Final = 60.0  # a replacement that does not serve by then is ended
LATE_S: Final = 30.0  # beyond its grace time: the flush of its answers and of its journal is over by then
_log = logging.getLogger("seawall.supervisor")


@dataclass(slots=True)
class _Place:
    """Where one worker serves at a time; a rolling restart lets a second one start beside it.

    `change` is held while a process is started, so that there are never more than two. The other number is free by
    then: a roll goes on only when the replaced worker has ended.
    """

    number: int
    worker: WorkerProcess | None = None
    change: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_held(self) -> bool:
        """Say whether its worker lives."""
        return self.worker is not None and not self.worker.ended.is_set()


class Supervisor:
    """Own the listening sockets and the worker processes; every worker inherits the sockets and accepts for itself."""

    def __init__(self, options: ServeOptions, ports: Ports) -> None:
        self._options = options
        self._ports = ports
        self._places = [_Place(number) for number in range(options.workers)]
        self._alive: set[WorkerProcess] = set()
        self._stopping = asyncio.Event()
        self._has_served = False
        self._is_rolling = self._is_roll_due = False
        self._code = 0
        self._on_ready: Callable[[], None] = lambda: None

    async def run(self, on_ready: Callable[[], None]) -> int:
        """Keep the workers running until SIGTERM or SIGINT; a second one ends them at once.

        SIGHUP reloads policies, SIGUSR2 replaces the workers one by one. `on_ready` is called once, when all workers
        serve. A worker that dies later is started again, after a pause that grows while it keeps dying young; one that
        dies before that ends the start, since what it lacks will be lacking again. Give the exit code: 0 for an orderly
        end.
        """
        install_logging(Scrubber())
        self._on_ready = on_ready
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            loop.add_signal_handler(signal.SIGUSR2, self._ask_to_roll, group)
            for place in self._places:
                group.create_task(self._keep(place), name=f"worker {place.number}")
        for worker in tuple(self._alive):  # one that had just begun to serve in another's place
            await worker.ended.wait()
        return self._code

    # Signals

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._code = 1
            for worker in self._alive:
                worker.kill()
            return
        self._stopping.set()
        for worker in self._alive:
            worker.end()
        # Nobody accepts from now on; while this process held them open, clients would still be let in to wait.
        self._ports.data.close()
        if self._ports.admin is not None:
            self._ports.admin.close()

    def _reload(self) -> None:
        for worker in self._alive:
            if not worker.is_told_to_end:
                worker.reload()

    def _ask_to_roll(self, group: asyncio.TaskGroup) -> None:
        if not self._has_served or self._stopping.is_set():
            _log.warning("no rolling restart: the gateway starts or stops")
        elif self._is_rolling:
            self._is_roll_due = True
        else:
            self._is_rolling = True
            group.create_task(self._roll(), name="rolling restart")

    # One worker in each place

    async def _keep(self, place: _Place) -> None:
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = loop.time()
            code = await self._live(place)
            if self._stopping.is_set():
                return
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            slot = place.number if place.worker is None else place.worker.slot
            _log.error("worker died", extra={"fields": {"slot": slot, "code": code, "pause_s": pause_s}})
            if not self._has_served:
                self._stop()
                self._code = 1
                return
            try:
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            except TimeoutError:
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _live(self, place: _Place) -> int | str | None:
        """Run a place's worker, and those that replace it, to an end; give its exit code, or why none could start."""
        async with place.change:
            if self._stopping.is_set():
                return None
            if not place.is_held:  # or a rolling restart was quicker
                slot = place.number if place.worker is None else place.worker.slot
                try:
                    place.worker = await self._start(slot)
                except OSError as error:  # later may help
                    return str(error)
        while True:
            worker = place.worker
            if worker is None:
                raise RuntimeError("a place that is kept has a worker")
            await worker.ended.wait()
            if place.worker is worker:
                return worker.code

    async def _start(self, slot: int) -> WorkerProcess:
        worker = await WorkerProcess.start(self._options, self._ports, slot, self._look)
        if not worker.ended.is_set():
            self._alive.add(worker)
        if self._stopping.is_set():  # the signal came while the process was being made
            worker.end()
        return worker

    def _look(self) -> None:
        """Forget who has ended, and notice when all serve."""
        self._alive = {worker for worker in self._alive if not worker.ended.is_set()}
        if not self._has_served and all(p.worker is not None and p.worker.is_serving for p in self._places):
            self._has_served = True
            self._on_ready()

    # The rolling restart

    async def _roll(self) -> None:
        """Replace every worker, as often as it was asked for meanwhile; a replacement that fails ends the round."""
        try:
            while True:
                self._is_roll_due = False
                _log.info("rolling restart begins", extra={"fields": {"workers": len(self._places)}})
                if await self._replace_all():
                    _log.info("rolling restart is over")
                if not self._is_roll_due or self._stopping.is_set():
                    return
        finally:
            self._is_rolling = False

    async def _replace_all(self) -> bool:
        for place in self._places:
            if not await self._replace(place):
                return False
        return True

    async def _replace(self, place: _Place) -> bool:
        """Start a worker beside a place's own, and end that one once the new one serves; say whether it does.

        The one that is there goes on alone if the new one dies before, or does not serve within `START_S`.
        """
        async with place.change:
            if self._stopping.is_set():
                return False
            old = place.worker
            slot = place.number if old is None or old.slot != place.number else place.number + len(self._places)
            fresh = await self._settled(slot)
            if fresh is None:
                return False
            place.worker = fresh
        fields = {"slot": fresh.slot, "replaced": old.slot if old else None}
        _log.info("worker serves in another's place", extra={"fields": fields})
        if old is not None:
            await self._retire(old)
        return not self._stopping.is_set()

    async def _settled(self, slot: int) -> WorkerProcess | None:
        """Start a worker and wait until it serves; None if it does not, and then it is gone."""
        why = "it died before it served"
        fresh = None
        try:
            fresh = await self._start(slot)
            async with asyncio.timeout(START_S):
                await fresh.settled.wait()
        except TimeoutError:
            why = f"it did not serve within {START_S:.0f} s"
        except OSError as error:
            why = str(error)
        if fresh is not None and fresh.is_serving:
            return fresh
        if fresh is not None:
            fresh.kill()
            await fresh.ended.wait()
        if not self._stopping.is_set():
            fields = {"slot": slot, "why": why, "code": fresh.code if fresh else None}
            _log.error(
                "replacement failed, the old worker stays and the rolling restart ends", extra={"fields": fields}
            )
        return None

    async def _retire(self, old: WorkerProcess) -> None:
        """Let a replaced worker finish, and end it where it does not."""
        old.end()
        try:
            async with asyncio.timeout(self._options.grace_s + LATE_S):
                await old.ended.wait()
        except TimeoutError:
            old.kill()
            await old.ended.wait()
        if old.code:
            _log.warning("replaced worker did not end in order", extra={"fields": {"slot": old.slot, "code": old.code}})


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
