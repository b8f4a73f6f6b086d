"""The keyed calls that run in this process, and who waits for them."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from seawall.core.error import SeawallError, Unavailable
from seawall.core.kept import KeptAnswer
from seawall.pipeline.recording import Recording
from seawall.ports.answers import AnswerStore
from seawall.ports.clock import Clock

BEAT_S: Final = 0.5
PURGE_S: Final = 60.0
_log = logging.getLogger("seawall.idempotency")


class Begun(NamedTuple):
    """A stream that has begun; its bytes are in the recording."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    recording: Recording
    degraded: str


Outcome: TypeAlias = Begun | KeptAnswer | SeawallError | None


class Running:
    """One call that has the key in this process; those with the same key wait here for what comes of it."""

    __slots__ = ("_has_key", "_is_known", "_outcome", "_was_answered", "fingerprint")

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self._is_known = asyncio.Event()
        self._was_answered = asyncio.Event()
        self._has_key = False
        self._outcome: Outcome = None

    def own(self) -> None:
        """Say that the key is this call's, by the store's word."""
        self._has_key = True
        self._was_answered.set()

    async def has_key(self) -> bool:
        """Wait for the store's word on whether the key is this call's."""
        await self._was_answered.wait()
        return self._has_key

    async def outcome(self) -> Outcome:
        """Wait for a whole answer, the beginning of a stream, or a failure; None means to ask for the key again."""
        await self._is_known.wait()
        return self._outcome

    def tell(self, outcome: Outcome) -> None:
        """Say what came of it; the first word stands."""
        if not self._is_known.is_set():
            self._outcome = outcome
            self._is_known.set()
            self._was_answered.set()


class KeysInUse:
    """What a process knows of keys: its calls that run under one, and the store that all processes share.

    One for each process, or each event loop of it; it outlives policies. `scrub` clears an error's text of credentials
    before it is kept. Somebody has to run `tend` for as long as calls are taken.
    """

    def __init__(self, store: AnswerStore, clock: Clock, scrub: Callable[[str], str]) -> None:
        self.store = store
        self.clock = clock
        self.scrub = scrub
        self.owner = secrets.token_hex(8)
        self.running: dict[bytes, Running] = {}

    async def tend(self) -> None:
        """Tell other processes that this one lives while a call runs under a key, and clear away what is over."""
        purged_s = self.clock.monotonic_s()
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                if self.running:
                    await self.store.beat(self.owner, self.clock.wall_s())
                if self.clock.monotonic_s() - purged_s >= PURGE_S:
                    purged_s = self.clock.monotonic_s()
                    await self.store.purge(self.clock.wall_s())
            except Unavailable as error:
                _log.warning("idempotency keys cannot be tended: %s", error)


def unwatched(future: "asyncio.Future[bool] | asyncio.Future[int]") -> None:
    """Let work of the store go on by itself; where it fails, the log says so."""
    future.add_done_callback(_ended)


def _ended(future: "asyncio.Future[bool] | asyncio.Future[int]") -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        _log.warning("an idempotency key could not be written: %s", error)
