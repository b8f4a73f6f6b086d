"""One gateway process: its stores, its policy, its data port, and its orderly end."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import msgspec

from seawall.assembly.build import House
from seawall.assembly.clock import SystemClock
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.assembly.source import PolicySource
from seawall.core.principal import ANONYMOUS
from seawall.gateway.admin import AdminPort
from seawall.gateway.app import Gateway
from seawall.gateway.options import Ports, ServeOptions
from seawall.gateway.server import DataServer
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.dispatch import Outlet
from seawall.pipeline.watchdog import Kennel
from seawall.policy.plan import CompiledPolicy
from seawall.stores.sqlite.key_table import KeyTable
from seawall.telemetry.journal.pepper import UserHasher, read_pepper
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.log import install_logging, log_loop_exception
from seawall.telemetry.scrub import Scrubber
from seawall.upstreams.choose import open_upstream
from seawall.upstreams.provider_head import ProviderHeads
from seawall.upstreams.reply_head import passed_on
from seawall.upstreams.settings import UpstreamSettings

ORPHAN_S: Final = 1.0
JOURNAL_DIR: Final = "journal"
_log = logging.getLogger("seawall.gateway")


@dataclass(frozen=True, slots=True)
class _Opened:
    """The stores of a process, and the policy in force over them."""

    live: Live
    writer: Writer
    scrubber: Scrubber
    clock: SystemClock


async def run_worker(
    options: ServeOptions,
    slot: int,
    ports: Ports,
    environment: Mapping[str, str],
    on_ready: Callable[[], None] | None = None,
    policy: CompiledPolicy | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running and close the stores; SIGHUP reloads the policy.

    `policy` spares a process that has compiled it already from doing so again.

    Raises:
        PolicyError: the policy cannot be used.
        Unavailable: the state directory cannot be used.
        OSError: the same, for its journal.
    """
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        opened = _open(options, slot, PolicySource(options.policy, environment, options.sandbox_url), policy, stack)
        live, clock = opened.live, opened.clock
        server = DataServer(Gateway(live, Kennel(loop, clock.monotonic_s), clock, opened.scrubber.scrub).handle)
        await server.start(ports.data)
        stop = asyncio.Event()
        tasks = [loop.create_task(live.watch(options.policy, clock), name="policy watch")]
        if options.workers > 1:
            tasks.append(loop.create_task(_stop_when_orphaned(stop), name="orphan watch"))
        if ports.admin is not None:
            admin = AdminPort(options, live, opened.writer)
            tasks.append(loop.create_task(admin.serve(ports.admin), name="admin port"))
        _on_signals(loop, stop, live, tasks)
        _settle_memory()
        if on_ready is not None:
            on_ready()
        await stop.wait()
        await server.aclose(options.grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _open(
    options: ServeOptions, slot: int, source: PolicySource, policy: CompiledPolicy | None, stack: AsyncExitStack
) -> _Opened:
    """Open the log, the stores and the upstream, each closed by the stack, and put the policy in force."""
    scrubber, clock = Scrubber(), SystemClock()
    install_logging(scrubber)
    asyncio.get_running_loop().set_exception_handler(log_loop_exception)
    writer = Writer(options.state_dir / JOURNAL_DIR, scrubber, clock, WriterSettings(slot=slot))
    stack.callback(writer.close)
    keys = None
    if not options.insecure_dev:
        keys = KeyTable(options.state_dir / "keys.db")
        stack.callback(keys.close)
    upstream = open_upstream(UpstreamSettings(), source.environment)
    stack.push_async_callback(upstream.aclose)
    users = UserHasher(read_pepper(options.state_dir))
    journal = JournalGuard(writer, JournalSettings(users.hash, _tidy(scrubber)))
    house = House(journal, Outlet(upstream, ProviderHeads(), passed_on))

    def enter(policy: CompiledPolicy) -> Entry:
        scrubber.learn([p.api_key for p in policy.providers.values() if p.api_key is not None])
        writer.keep(Keep(policy.journal.keep_metadata_days, policy.journal.keep_bodies_days))
        return Entry(policy, house, keys, ANONYMOUS)

    return _Opened(Live(source.load, enter, policy), writer, scrubber, clock)


def _settle_memory() -> None:
    """Keep the collector off what lives for ever, and let it run once in thousands of objects instead of hundreds.

    A call makes no cycles that outlive it; what the collector finds are other people's, and few.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _tidy(scrubber: Scrubber) -> Callable[[str], str]:
    def tidy(text: str) -> str:
        return "[secret]" if scrubber.is_dirty(text) else text

    return tidy


def _on_signals(
    loop: asyncio.AbstractEventLoop, stop: asyncio.Event, live: Live, tasks: "list[asyncio.Task[None]]"
) -> None:
    """Let SIGTERM and SIGINT end the process in order, a second one at once, and SIGHUP read the policy again."""

    def end() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    def reload() -> None:
        tasks.append(loop.create_task(_reload(live), name="policy reload"))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(live: Live) -> None:
    await live.reload()


async def _stop_when_orphaned(stop: asyncio.Event) -> None:
    """End when the supervisor is gone, which closes nothing by itself and would leave the port taken."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110  # the kernel tells nobody else's death but by asking
        await asyncio.sleep(ORPHAN_S)
    stop.set()


def main(arguments: list[str]) -> None:
    """Run the worker that the supervisor asked for: options as JSON, slot number, inherited sockets."""
    import uvloop  # noqa: PLC0415  # the supervisor imports this module's neighbours without it

    options = msgspec.json.decode(arguments[0], type=ServeOptions, dec_hook=lambda kind, value: kind(value))
    data, *admin = (socket.socket(fileno=int(number)) for number in arguments[2:])
    ports = Ports(data, admin[0] if admin else None)
    uvloop.run(run_worker(options, int(arguments[1]), ports, os.environ))  # noqa: TID251  # the process's own door


if __name__ == "__main__":
    main(sys.argv[1:])
