"""One simulated run: workers, clients, providers and an operator on one virtual clock, all of it from one seed."""

import asyncio
import math
from asyncio import AbstractEventLoop
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, TypeVar, TypeVarTuple, Unpack

from seawall.assembly import arrival
from seawall.core.record import CallRecord
from seawall.core.switch import Switch
from seawall.pipeline.watchdog import Kennel
from seawall.stores.memory.answers import MemoryAnswers
from seawall.stores.memory.board import MemoryBoard
from seawall.testing.virtual_loop import VirtualLoop
from tests.laws.chance import Chance
from tests.laws.client import Visit
from tests.laws.ordered import OrderedSet
from tests.laws.provider import Dispatch, SimProvider
from tests.laws.scenario import LENGTH_S, Call, Scenario, write_scenario
from tests.laws.worker import OperatorFile, Worker

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
_SETTLE_S: Final = 0.5


class SimLoop(VirtualLoop):
    """A virtual loop without threads: what would run in one runs at once, so that nothing depends on who is faster."""

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run a function now."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        future.set_result(func(*args))
        return future


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that must not be, and when it was."""

    at_s: float
    what: str
    error: BaseException | None = None


class World:
    """Everything that a run consists of, and all that was seen of it."""

    def __init__(self, seed: int, scenario: Scenario) -> None:
        self.seed = seed
        self.scenario = scenario
        self.loop: AbstractEventLoop = asyncio.get_running_loop()
        self.kennel = Kennel(self.loop)
        self.kennel.watching = OrderedSet()  # or interruptions would come in the order of addresses
        self.board, self.answers, self.file = MemoryBoard(), MemoryAnswers(), OperatorFile()
        self.providers = {
            name: SimProvider(name, Chance(seed, name), LENGTH_S + 6.0, is_calm=seed % 10 == 0)
            for name in scenario.policy.providers
        }
        plans = scenario.policy.plans.values()
        self.targets = {target.name: target for plan in plans for target in plan.targets}
        self.dispatches: list[Dispatch] = []
        self.records: list[CallRecord] = []
        self.visits: list[Visit] = []
        self.turned_away: list[Call] = []
        self.complaints: list[Complaint] = []
        self.lines: list[str] = []
        self.workers: list[Worker | None] = []
        self._chance = Chance(seed, "world")
        self._changed: list[tuple[float, tuple[Switch, ...]]] = [(-math.inf, ())]

    def now_s(self) -> float:
        """Read the virtual clock."""
        return self.loop.time()

    def diary(self, line: str) -> None:
        """Write down what happens."""
        self.lines.append(f"{self.loop.time():.6f} {line}")

    def complain(self, what: str, error: BaseException | None = None) -> None:
        """Keep something that must not be."""
        self.complaints.append(Complaint(self.loop.time(), what, error))
        self.diary(f"COMPLAINT {what}")

    def check_switches(self, dispatch: Dispatch, seen: tuple[Switch, ...]) -> None:
        """See that nothing goes out that is switched off, as far as this worker knows, or should know by now."""
        call = self.scenario.calls[0]
        call = next(each for each in self.scenario.calls if each.number == dispatch.call)
        known = [switches for at_s, switches in self._changed if at_s <= dispatch.at_s - 1.0][-1]
        lately = [switches for at_s, switches in self._changed if at_s > dispatch.at_s - 1.0]
        due = [switch for switch in known if all(switch in switches for switches in lately)]
        for switch in (*seen, *due):
            if names(switch, call, dispatch):
                self.complain(
                    f"call {dispatch.call} went to {dispatch.target.name} although {switch.level.text} is off"
                )

    async def run(self) -> None:
        """Let everything happen, then stop everything."""
        scenario = self.scenario
        self.workers = [Worker(self, slot, 0, scenario.policy) for slot in range(scenario.workers)]
        chores = [self._send(), self._operate(), self._isolate()]
        chores += [self._crash(number, *crash) for number, crash in enumerate(scenario.crashes, 1)]
        async with asyncio.TaskGroup() as group:
            for chore in chores:
                group.create_task(chore)
        while any(worker and worker.tasks for worker in self.workers):
            running = [task for worker in self.workers if worker for task in worker.tasks]
            await asyncio.wait(running, timeout=30.0)
            if self.now_s() > 120.0:
                self.complain("calls are still running after two minutes")
                break
        await asyncio.sleep(_SETTLE_S)

    async def stop(self) -> None:
        """Stop the workers."""
        for worker in self.workers:
            if worker is not None:
                await worker.stop()

    async def _send(self) -> None:
        for call in self.scenario.calls:
            await asyncio.sleep(call.at_s - self.now_s())
            alive = [worker for worker in self.workers if worker is not None]
            if not alive:
                self.turned_away.append(call)
                self.diary(f"call {call.number} finds no worker")
                continue
            worker = self._chance.pick(alive)
            visit = Visit(call, self.loop, worker.name)
            self.visits.append(visit)
            self.diary(f"call {call.number} to {worker.name}: {call.endpoint} {call.route} {call.is_stream}")
            self.loop.call_later(call.body_after_s, visit.arrive) if call.body_after_s else visit.arrive()
            if call.leaves_after_s is not None:
                self.loop.call_later(call.leaves_after_s, visit.leave)
            worker.take(visit)

    async def _operate(self) -> None:
        for deed in self.scenario.deeds:
            await asyncio.sleep(deed.at_s - self.now_s())
            self.file.switches = deed.switches
            self._changed.append((self.now_s(), deed.switches))
            self.diary(f"off: {[switch.level.text for switch in deed.switches]}")

    async def _isolate(self) -> None:
        for at_s, name, is_isolated in self.scenario.isolations:
            await asyncio.sleep(at_s - self.now_s())
            for worker in self.workers[:1]:
                if worker is not None:
                    breakers, wall_s = worker.house.breakers, self.now_s()
                    (breakers.isolate if is_isolated else breakers.release)(name, wall_s)
                    self.diary(f"{worker.name} isolates {name}: {is_isolated}")

    async def _crash(self, life: int, at_s: float, slot: int, for_s: float) -> None:
        await asyncio.sleep(at_s)
        worker = self.workers[slot]
        if worker is None:
            return
        self.workers[slot] = None
        self.diary(f"{worker.name} crashes")
        await worker.crash()
        await asyncio.sleep(for_s)
        self.workers[slot] = Worker(self, slot, life, self.scenario.policy)
        self.diary(f"worker {slot} is back")


def names(switch: Switch, call: Call, dispatch: Dispatch) -> bool:
    """Say whether a switch names this dispatch."""
    level, target = switch.level, dispatch.target
    number = int(call.headers[b"x-api-key"][-1:])
    return {
        "all": True,
        "provider": level.name == target.provider.name,
        "model": level.name in (target.model, target.name),
        "route": level.name == call.route,
        "team": level.name == ("red", "blue")[number % 2],
        "feature": level.name.encode() == call.headers.get(b"x-seawall-feature"),
        "key": level.name == f"key_{number}",
    }[level.kind]


def run_seed(seed: int, judge: Callable[[World, int], None]) -> World:
    """Run a seed to its end; `judge` is called with the world and the number of tasks that are left over."""
    arrival._draw.seed(seed)  # the ids of exchanges are chance, too

    async def main() -> World:
        world = World(seed, write_scenario(seed))
        world.loop.set_exception_handler(lambda _, context: _hear(world, context))
        await world.run()
        await world.stop()
        judge(world, len(asyncio.all_tasks()) - 1)
        return world

    with asyncio.Runner(loop_factory=SimLoop) as runner:
        return runner.run(main())


def _hear(world: World, context: dict[str, Any]) -> None:  # what asyncio tells of
    world.complain(f"the loop heard of {context.get('message')}", context.get("exception"))
