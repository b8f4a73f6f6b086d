"""What a lane looks after while calls run on it: the kill switch, and keys whose time is over."""

import asyncio
from collections.abc import Callable

from seawall.assembly.build import House
from seawall.guards.idempotency.running import PURGE_S, unwatched
from seawall.ports.clock import Clock
from seawall.stores.files.switches import POLL_S, SwitchFile


class Lookout:
    """Look when a call begins, and every 0.1 s for as long as calls run; an idle client does nothing.

    Belongs to the running event loop, and is a timer on it instead of a task, which nobody would stop in a client that
    is forgotten. `is_busy` says whether calls run.
    """

    def __init__(self, house: House, switches: SwitchFile | None, clock: Clock, is_busy: Callable[[], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._keys = house.keys
        self._switches = switches
        self._clock = clock
        self._is_busy = is_busy
        self._timer: asyncio.TimerHandle | None = None
        self._purged_s = clock.monotonic_s()
        if switches is not None:
            switches.on_change(house.running.cut)

    def call_begins(self) -> None:
        """Look now, unless the last look was just now, and go on looking.

        What is off when this returns is refused; what is switched off later is refused at the next look.
        """
        if self._timer is None:
            self._look()
            self._timer = self._loop.call_later(POLL_S, self._tick)

    def close(self) -> None:
        """Look no more; closing twice is fine."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        if self._is_busy():
            self.call_begins()

    def _look(self) -> None:
        if self._switches is not None:
            self._switches.refresh()
        now_s = self._clock.monotonic_s()
        if self._keys is not None and now_s - self._purged_s >= PURGE_S:
            self._purged_s = now_s
            unwatched(self._keys.store.purge(self._clock.wall_s()))
