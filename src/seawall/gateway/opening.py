"""Open what a gateway process works with: its log, its stores, its way out, and the policy in force over them."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from seawall.assembly.build import House
from seawall.assembly.clock import SystemClock
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.assembly.source import PolicySource
from seawall.core.principal import ANONYMOUS
from seawall.gateway.options import ServeOptions
from seawall.gateway.spending import Chore, open_spending
from seawall.guards.breaker.sharing import share
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.dispatch import Outlet
from seawall.policy.plan import CompiledPolicy
from seawall.stores.files.board import FileBoard
from seawall.stores.files.switches import SwitchFile
from seawall.stores.sqlite.answers import SqliteAnswers
from seawall.stores.sqlite.key_table import KeyTable
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.pepper import UserHasher, read_pepper
from seawall.telemetry.journal.retention import Keep
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.log import install_logging, log_loop_exception
from seawall.telemetry.scrub import Scrubber
from seawall.upstreams.choose import open_upstream
from seawall.upstreams.provider_head import ProviderHeads
from seawall.upstreams.proxy import proxy_rules
from seawall.upstreams.reply_head import passed_on
from seawall.upstreams.settings import UpstreamSettings


@dataclass(frozen=True, slots=True)
class Opened:
    """A process's stores and the policy in force over them; each of the `chores` has to run beside the calls."""

    live: Live
    house: House
    writer: Writer
    switches: SwitchFile
    scrubber: Scrubber
    clock: SystemClock
    chores: tuple[tuple[str, Chore], ...]


def open_house(
    options: ServeOptions, slot: int, source: PolicySource, policy: CompiledPolicy | None, stack: AsyncExitStack
) -> Opened:
    """Open everything, each closed by the stack, and put the policy in force.

    Raises:
        PolicyError: the policy cannot be used.
        Unavailable: the state directory cannot be used.
        OSError: the same, for its journal.
    """
    scrubber, clock = Scrubber(), SystemClock()
    install_logging(scrubber)
    asyncio.get_running_loop().set_exception_handler(log_loop_exception)
    writer = Writer(
        options.state_dir / JOURNAL_DIR, scrubber, clock, WriterSettings(slot=slot, sweeps=slot % options.workers == 0)
    )
    stack.callback(writer.close)
    keys = None
    if not options.insecure_dev:
        keys = KeyTable(options.state_dir / "keys.db")
        stack.callback(keys.close)
    answers = SqliteAnswers(options.state_dir / "answers.db")
    stack.callback(answers.close)
    scrubber.learn(proxy_rules(source.environment).credentials())
    upstream = open_upstream(UpstreamSettings(), source.environment)
    stack.push_async_callback(upstream.aclose)
    users = UserHasher(read_pepper(options.state_dir))
    switches = SwitchFile(options.state_dir, clock.wall_s)
    spending = open_spending(options, slot, clock, stack)
    house = House(
        JournalGuard(writer, JournalSettings(users.hash, _tidy(scrubber))),
        Outlet(upstream, ProviderHeads(), passed_on),
        switches,
        KeysInUse(answers, clock, scrubber.scrub),
        purse=spending.purse,
        till=spending.till,
        hash_person=users.hash,
    )
    switches.on_change(house.running.cut)

    def enter(policy: CompiledPolicy) -> Entry:
        scrubber.learn([p.api_key for p in policy.providers.values() if p.api_key is not None])
        writer.keep(Keep(policy.journal.keep_metadata_days, policy.journal.keep_bodies_days))
        return Entry(policy, house, keys, ANONYMOUS)

    live = Live(source.load, enter, policy)
    board = FileBoard(options.state_dir, slot, clock)
    chores = (*_chores(house, switches, board, clock), *spending.chores)
    return Opened(live, house, writer, switches, scrubber, clock, chores)


def _chores(house: House, switches: SwitchFile, board: FileBoard, clock: SystemClock) -> tuple[tuple[str, Chore], ...]:
    chores: list[tuple[str, Chore]] = [
        ("kill switch watch", switches.watch),
        ("breakers' board", partial(share, house.breakers, board, clock)),
        ("event loop watch", partial(house.admissions.lag.watch, clock)),
    ]
    if house.keys is not None:
        chores.append(("idempotency keys", house.keys.tend))
    return tuple(chores)


def _tidy(scrubber: Scrubber) -> Callable[[str], str]:
    def tidy(text: str) -> str:
        return "[secret]" if scrubber.is_dirty(text) else text

    return tidy
