"""One simulated worker process: a house of its own, the real gateway in it, and a death that asks nobody."""

import asyncio
from asyncio import Future
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from seawall.assembly.build import House
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.core.kept import Claim, Ending, KeyRow
from seawall.core.principal import ANONYMOUS, Principal
from seawall.core.receipt import Receipt
from seawall.core.record import CallRecord
from seawall.core.switch import Switch
from seawall.core.target import Target
from seawall.gateway.app import Gateway
from seawall.gateway.connection import Connection
from seawall.guards.breaker.sharing import share
from seawall.guards.concurrency.admission import Admissions, LoopLag
from seawall.guards.degraded.store import LastGood
from seawall.guards.idempotency.running import KeysInUse
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.guards.killswitch.running import Running
from seawall.pipeline.dispatch import Outlet
from seawall.pipeline.exchange import Exchange, Headers, Reply
from seawall.policy.plan import CompiledPolicy
from seawall.ports.upstream import UpstreamRequest
from seawall.stores.files.switches import POLL_S
from seawall.stores.memory.answers import MemoryAnswers
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import ScriptedReply
from seawall.upstreams.reply_head import passed_on
from tests.laws.breaker_model import WatchedBreakers
from tests.laws.chance import Chance
from tests.laws.client import Visit
from tests.laws.ordered import OrderedSet
from tests.laws.provider import Dispatch
from tests.laws.scenario import KEYS

if TYPE_CHECKING:
    from tests.laws.world import World

T = TypeVar("T")
_DISK_S: Final = 0.004


class SimKeys:
    """The client keys of a run; implements `Keys`."""

    def find(self, presented: bytes) -> Principal | None:
        """Give the owner of a presented key."""
        return KEYS.get(presented)


class Line:
    """A worker's way to the store of answers that all share; implements `AnswerStore`.

    Work is done one after the other, each after a moment as on a disk. What is still to be done when the worker dies is
    done or not, and nobody hears of it.
    """

    def __init__(self, store: MemoryAnswers, chance: Chance) -> None:
        self.is_cut = False
        self._store = store
        self._chance = chance
        self._free_s = 0.0

    def reserve(self, claim: Claim, now_s: float, over: KeyRow | None = None) -> "Future[KeyRow | None]":
        """Take the key, or give the row that is in the way."""
        return self._do(lambda: self._store.reserve(claim, now_s, over))

    def mark(self, place: bytes, ticket: str, expires_at_s: float) -> "Future[bool]":
        """Write ahead that something is about to be sent."""
        return self._do(lambda: self._store.mark(place, ticket, expires_at_s))

    def finish(self, place: bytes, ticket: str, ending: Ending) -> "Future[bool]":
        """Write the ending."""
        return self._do(lambda: self._store.finish(place, ticket, ending))

    def release(self, place: bytes, ticket: str) -> "Future[bool]":
        """Give the key back."""
        return self._do(lambda: self._store.release(place, ticket))

    def look(self, place: bytes, now_s: float) -> "Future[KeyRow | None]":
        """Give the key's row."""
        return self._do(lambda: self._store.look(place, now_s))

    def beat(self, owner: str, now_s: float) -> "Future[None]":
        """Say that the owner lives."""
        return self._do(lambda: self._store.beat(owner, now_s))

    def purge(self, now_s: float) -> "Future[int]":
        """Drop rows that count as none."""
        return self._do(lambda: self._store.purge(now_s))

    def _do(self, work: "Callable[[], Future[T]]") -> "Future[T]":
        loop = asyncio.get_running_loop()
        future: Future[T] = loop.create_future()
        if self.is_cut:
            future.cancel()
            return future
        self._free_s = max(self._free_s, loop.time()) + self._chance.latency_s(_DISK_S)

        def act() -> None:
            if self.is_cut and self._chance.happens(0.5):
                return  # what had not reached the disk
            result = work().result()
            if not future.done() and not self.is_cut:
                future.set_result(result)

        loop.call_at(self._free_s, act)
        return future


@dataclass(slots=True)
class OperatorFile:
    """What the operator has written, whole at every moment."""

    switches: tuple[Switch, ...] = ()


class SeenSwitches:
    """What a worker has seen of the operator's file, at which it looks as a real one does; implements `Switches`."""

    def __init__(self, file: OperatorFile, running: Running) -> None:
        self._file = file
        self._running = running
        self._seen = file.switches

    def in_force(self) -> tuple[Switch, ...]:
        """Give every switch that counts, as far as it was seen."""
        return self._seen

    async def watch(self, first_s: float) -> None:
        """Look until cancelled."""
        await asyncio.sleep(first_s)
        while True:
            if self._seen != self._file.switches:
                self._seen = self._file.switches
                self._running.cut(self._seen)
            await asyncio.sleep(POLL_S)


class Outbound:
    """A worker's way to the providers; implements `Upstream`. The world sees everything that goes out."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> ScriptedReply:
        """Send one request.

        Raises:
            SeawallError: the provider could not be reached, or broke.
        """
        del receipt
        worker, world = self._worker, self._worker.world
        call, target = request.head.decode().split()
        dispatch = Dispatch(len(world.dispatches), int(call), worker.name, world.targets[target], world.now_s())
        world.dispatches.append(dispatch)
        world.check_switches(dispatch, worker.switches.in_force())
        world.diary(f"{worker.name} sends call {call} to {target}")
        try:
            return await world.providers[dispatch.target.provider.name].answer(dispatch, request)
        finally:
            dispatch.is_over = True
            world.diary(f"dispatch {dispatch.number} is answered by {dispatch.kind}")

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


class SeenEntry(Entry):
    """A real entry that shows every exchange to its client's visit."""

    visits: dict[bytes, Visit]

    async def call(self, exchange: Exchange) -> Reply:
        """Take one exchange."""
        self.visits[exchange.headers[b"x-call"]].exchange = exchange
        return await super().call(exchange)


class Records:
    """A worker's journal, which a dead worker does not write; implements `Journal`."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    def write(self, record: CallRecord) -> None:
        """Keep a record."""
        if not self._worker.is_dead:
            self._worker.world.records.append(record)


def _render(target: Target, headers: Headers) -> bytes:
    return headers[b"x-call"] + b" " + target.name.encode()


def _as_it_is(text: str) -> str:
    return text


class Worker:
    """One life of one worker."""

    def __init__(self, world: "World", slot: int, life: int, policy: CompiledPolicy) -> None:
        self.world = world
        self.name = f"worker {slot}.{life}"
        self.is_dead = False
        self.tasks = OrderedSet[asyncio.Task[Any]]()
        self.chores: list[asyncio.Task[Any]] = []
        self.visits: dict[bytes, Visit] = {}
        chance = Chance(world.seed, self.name)
        clock = LoopClock()
        self.line = Line(world.answers, chance)
        running = Running()
        running._exchanges = OrderedSet()  # or the order in which calls are cut would be that of their addresses
        self.switches = SeenSwitches(world.file, running)
        lag = LoopLag()
        lag.lag_s = chance.pick((0.06, 0.12, 0.3)) if chance.happens(0.05) else 0.0
        self.house = House(
            journal=JournalGuard(Records(self), JournalSettings(_as_it_is, _as_it_is)),
            outlet=Outlet(Outbound(self), _render, passed_on),
            switches=self.switches,
            keys=KeysInUse(self.line, clock, _as_it_is),
            running=running,
            breakers=WatchedBreakers(chance.draw, world.complain),
            admissions=Admissions(lag),
            last_good=LastGood(clock),
            draw=chance.draw,
        )
        self.gateway = Gateway(Live(lambda: policy, self._enter), world.kennel, clock, _as_it_is)
        self._begin(share(self.house.breakers, world.board.beside(), clock))
        self._begin(self.switches.watch(chance.between(0.0, POLL_S)))
        if self.house.keys is not None:
            self._begin(self.house.keys.tend())

    def _enter(self, policy: CompiledPolicy) -> Entry:
        entry = SeenEntry(policy, self.house, SimKeys(), ANONYMOUS)
        entry.visits = self.visits
        return entry

    def _begin(self, chore: Coroutine[Any, Any, None]) -> None:
        self.chores.append(self.world.loop.create_task(chore))

    def take(self, visit: Visit) -> None:
        """Take a call."""
        self.visits[b"%d" % visit.call.number] = visit
        task = self.world.loop.create_task(self._answer(visit))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, visit: Visit) -> None:
        """Do as the gateway's server does."""
        connection = cast("Connection", visit)  # it has what the gateway uses of one
        try:
            await self.gateway.handle(connection, visit.request)
        except Exception as error:  # noqa: BLE001  # a fault of the gateway, whatever it is
            self.world.complain(f"call {visit.call.number} ended in a fault: {error!r}", error)
            visit.cut(visit.request)
        except asyncio.CancelledError:
            visit.cut(visit.request)
            raise

    async def crash(self) -> None:
        """Die: clients see a broken connection, and nothing that is still done here reaches anybody."""
        self.is_dead = self.line.is_cut = True
        for visit in self.visits.values():
            visit.lose_worker()
        await self.stop()

    async def stop(self) -> None:
        """End everything that runs."""
        left = [*self.chores, *self.tasks]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
