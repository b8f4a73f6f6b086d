"""The pipeline on one event loop: its connections, its breakers and keys, its watchdogs, its running exchanges."""

import asyncio
from functools import partial
from typing import Final

from seawall.client.embedded import Embedded
from seawall.client.lookout import Lookout
from seawall.client.run import Ask, Run
from seawall.pipeline.stream import DRAIN_S
from seawall.pipeline.watchdog import Kennel

GRACE_S: Final = DRAIN_S + 0.5


class Lane:
    """Run exchanges on the event loop that is running now; every exchange's task is owned here.

    Raises:
        RuntimeError: no event loop of asyncio is running.
        PolicyError: the environment's proxies cannot be used.
    """

    def __init__(self, embedded: Embedded) -> None:
        self.loop = asyncio.get_running_loop()
        self._embedded = embedded
        switches = embedded.switches()
        self._house = embedded.house(switches)
        self._entry = embedded.entry(embedded.policy(), self._house)
        self._kennel = Kennel(self.loop, embedded.clock.monotonic_s)
        self._runs: set[Run] = set()
        self._lookout = Lookout(self._house, switches, embedded.clock, lambda: bool(self._runs))

    def begin(self, ask: Ask) -> Run:
        """Start one exchange."""
        self._lookout.call_begins()
        policy = self._embedded.policy()
        if policy is not self._entry.policy:
            self._entry = self._embedded.entry(policy, self._house)
        embedded = self._embedded
        run = Run(self._entry, ask, self._kennel, embedded.clock, embedded.scrubber.scrub)
        self._runs.add(run)
        run.task.add_done_callback(partial(self._ended, run))
        return run

    async def aclose(self) -> None:
        """Give up what is running, wait for its records, and close the connections."""
        tasks = [run.task for run in self._runs]
        for run in tuple(self._runs):
            run.hang_up()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_S)
            for task in late:
                task.cancel()
        self._lookout.close()
        await self._house.outlet.upstream.aclose()

    def _ended(self, run: Run, task: "asyncio.Task[None]") -> None:
        del task
        self._runs.discard(run)
