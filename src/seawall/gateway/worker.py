"""One gateway process: its stores, its policy, its data port, and its orderly end."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, Final

import msgspec

from seawall.assembly.live import Live, file_stamp
from seawall.assembly.source import PolicySource
from seawall.core.error import SeawallError
from seawall.gateway.admin import AdminPort
from seawall.gateway.app import Gateway
from seawall.gateway.opening import open_house
from seawall.gateway.options import Ports, Seat, ServeOptions
from seawall.gateway.server import DataServer
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy

ORPHAN_S: Final = 1.0
_log = logging.getLogger("seawall.gateway")


async def run_worker(
    options: ServeOptions,
    seat: Seat,
    environment: Mapping[str, str],
    on_ready: Callable[[], None],
    policy: CompiledPolicy | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running and close the stores; SIGHUP reloads the policy.

    SIGUSR2 replaces workers and is their supervisor's: here it changes nothing, and the log says where it belongs.
    `on_ready` is called once, when it serves. `policy` spares a process that has compiled it already from doing so
    again.

    Raises:
        PolicyError: the policy cannot be used.
        Unavailable: the state directory cannot be used.
        OSError: the same, for its journal.
    """
    loop = asyncio.get_running_loop()
    before = file_stamp(options.policy)
    async with AsyncExitStack() as stack:
        source = PolicySource(options.policy, environment, options.sandbox_url)
        opened = open_house(options, seat.slot, source, policy, stack)
        live, clock = opened.live, opened.clock
        purse = opened.house.purse
        can_hold = None if purse is None else purse.can_hold
        gateway = Gateway(live, Kennel(loop, clock.monotonic_s), clock, opened.scrubber.scrub, can_hold)
        server = DataServer(gateway.handle, interrupt=gateway.interrupt)
        stop, chores, admin = asyncio.Event(), Chores(), Chores()
        _on_signals(loop, stop, live, chores, seat)  # before the first connection: a signal would cost its call
        await server.start(seat.ports.data)
        chores.begin(live.watch(options.policy, clock, before), "policy watch")
        for name, chore in opened.chores:
            chores.begin(chore(), name)
        if seat.parent is not None:
            chores.begin(_stop_when_orphaned(stop, seat.parent), "orphan watch")
        if seat.ports.admin is not None:
            desk = AdminPort(options, live, opened.writer, opened.house, opened.switches)
            admin.begin(desk.serve(seat.ports.admin), "admin port")
        _settle_memory()
        on_ready()
        await stop.wait()
        await admin.aclose()  # the worker that replaces this one serves it already
        await server.aclose(options.grace_s)
        await chores.aclose()


def _settle_memory() -> None:
    """Keep the collector off what lives for ever, and let it run once in thousands of objects instead of hundreds.

    A call makes no cycles that outlive it; what the collector finds are other people's, and few.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class Chores:
    """Own the tasks that run beside the calls; one that fails says so in the log and leaves the others alone."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run some work until it ends by itself, or by `aclose`."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)

    async def aclose(self) -> None:
        """Cancel what still runs, and wait for its end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, live: Live, chores: Chores, seat: Seat) -> None:
    """Let SIGTERM and SIGINT end the process in order, a second one at once, and SIGHUP read the policy again."""

    def end() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, lambda: chores.begin(live.reload(), "policy reload"))
    hint = (
        "start with --workers 2 or more" if seat.parent is None else f"send it to the supervisor, process {seat.parent}"
    )
    loop.add_signal_handler(signal.SIGUSR2, lambda: _log.warning("no rolling restart: %s", hint))


async def _stop_when_orphaned(stop: asyncio.Event, parent: int) -> None:
    """End when the supervisor is gone, which closes nothing by itself and would leave the port taken."""
    while os.getppid() == parent:  # noqa: ASYNC110  # the kernel tells nobody else's death but by asking
        await asyncio.sleep(ORPHAN_S)
    stop.set()


def main(arguments: list[str]) -> None:
    """Run the worker that the supervisor asked for.

    `arguments` are the options as JSON, the slot number, the supervisor's process id, and the inherited descriptors: of
    the pipe that wants a byte when the worker serves, of the data port, and in slot 0 of the admin port.
    """
    import uvloop  # noqa: PLC0415  # the supervisor imports this module's neighbours without it

    options = msgspec.json.decode(arguments[0], type=ServeOptions, dec_hook=lambda kind, value: kind(value))
    told = int(arguments[3])
    data, *admin = (socket.socket(fileno=int(number)) for number in arguments[4:])
    seat = Seat(Ports(data, admin[0] if admin else None), int(arguments[1]), int(arguments[2]))

    def tell() -> None:
        os.write(told, b".")
        os.close(told)

    try:
        uvloop.run(run_worker(options, seat, os.environ, tell))  # noqa: TID251  # the process's own door
    except (SeawallError, OSError) as error:
        sys.exit(f"seawall worker {seat.slot}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
