"""The chore that looks at the budgets, keeps what it saw, and says what a person should hear of."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from seawall.core.error import SeawallError
from seawall.core.spending import SpendAlert, SpendingPast, Standing
from seawall.ports.clock import Clock
from seawall.ports.spending import SpendingStore, SpendingTurn
from seawall.telemetry.spending.alarm import Told
from seawall.telemetry.spending.rule.part import under_all
from seawall.telemetry.spending.settings import SpendingSettings
from seawall.telemetry.spending.track import Moment
from seawall.telemetry.spending.watch import SpendWatch

_log: Final = logging.getLogger("seawall.spending")
_DEFAULTS: Final = SpendingSettings()


class SpendSampler:
    """Look at all budgets every few seconds; one process of a machine runs it, the worker of slot 0.

    `read` gives what every account stands at. A ledger or a store that cannot be used is said once in the log and tried
    again at the next look: alerts are never a reason not to serve. The thinking is done in a thread.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[Sequence[Standing]]],
        store: SpendingStore,
        clock: Clock,
        settings: SpendingSettings = _DEFAULTS,
        shared_by: Callable[[str], Sequence[str]] = under_all,
    ) -> None:
        self._read = read
        self._store = store
        self._clock = clock
        self._settings = settings
        self._shared_by = shared_by
        self._watch: SpendWatch | None = None
        self._lock = threading.Lock()  # around the watch; a look takes milliseconds
        self._kept_at_s = float("-inf")
        self._unkept: tuple[SpendAlert, ...] = ()
        self._failing: set[str] = set()
        self._in_force: tuple[SpendAlert, ...] = ()

    @property
    def in_force(self) -> tuple[SpendAlert, ...]:
        """Give every alert that had not ended at the last look, oldest first."""
        return self._in_force

    async def tend(self) -> None:
        """Look again and again; runs until cancelled, and keeps what it saw when that happens."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._settings.every_s)
        finally:
            if self._watch is not None:
                await self._keep(self._watch, is_due=True)

    async def look(self) -> tuple[SpendAlert, ...]:
        """Look once; give what is new, which the log has heard of then."""
        watch = self._watch = self._watch or await self._begin()
        try:
            async with asyncio.timeout(self._settings.read_timeout_s):
                standings = await self._read()
        except (SeawallError, OSError) as error:  # TimeoutError is one of the latter
            self._fails("ledger", error)
            return ()
        self._works("ledger")
        now = Moment(self._clock.wall_s(), self._clock.monotonic_s())
        told = await asyncio.to_thread(self._think, watch, standings, now)
        self._unkept = (*self._unkept, *told.changed, *told.began)[-self._settings.most_unkept :]
        is_due = now.monotonic_s - self._kept_at_s >= self._settings.keep_every_s
        new = await self._keep(watch, is_due=is_due) if is_due or self._unkept else frozenset()
        began = tuple(alert for alert in told.began if new is None or alert.id in new)
        for alert in began:
            _tell(alert)
        return began

    def _think(self, watch: SpendWatch, standings: Sequence[Standing], now: Moment) -> Told:
        """Look, in a thread that nobody can cancel: who comes to `tend`'s end meanwhile waits for it."""
        with self._lock:
            told = watch.look(standings, now)
            self._in_force = watch.in_force(now.wall_s)
        return told

    async def _begin(self) -> SpendWatch:
        past = SpendingPast()
        try:
            past = await self._store.load(self._clock.wall_s())
        except SeawallError as error:
            self._fails("store", error)
        now = Moment(self._clock.wall_s(), self._clock.monotonic_s())
        return SpendWatch(self._settings, past, now, self._shared_by)

    async def _keep(self, watch: SpendWatch, *, is_due: bool) -> frozenset[str] | None:
        """Write what is not kept yet; give the ids of the alerts that are new, None where nobody knows."""
        turn = SpendingTurn(alerts=self._unkept)
        if is_due:
            self._kept_at_s = self._clock.monotonic_s()
            with self._lock:
                turn = watch.unkept()._replace(alerts=self._unkept)
        try:
            new = frozenset(await self._store.keep(turn, self._clock.wall_s()))
        except SeawallError as error:
            if is_due:
                watch.keep_again(turn)
            self._fails("store", error)
            return None
        self._works("store")
        self._unkept = ()
        return new

    def _fails(self, what: str, error: Exception) -> None:
        if what not in self._failing:
            self._failing.add(what)
            fields = {"what": what, "error": str(error) or type(error).__name__}
            _log.error("spending cannot be watched in full", extra={"fields": fields})

    def _works(self, what: str) -> None:
        if what in self._failing:
            self._failing.discard(what)
            _log.warning("spending can be watched again", extra={"fields": {"what": what}})


def _tell(alert: SpendAlert) -> None:
    fields = {
        "id": alert.id,
        "rule": alert.rule,
        "severity": alert.severity,
        "holder": alert.holder,
        "account": alert.account,
        "message": alert.message,
        **alert.figures,
    }
    _log.warning("spend alert", extra={"fields": fields})
