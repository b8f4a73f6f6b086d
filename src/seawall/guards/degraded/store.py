"""The last good answers of one process."""

from collections import OrderedDict
from typing import Final

from seawall.ports.clock import Clock

MAX_ENTRIES: Final = 512
MAX_BYTES: Final = 32 * 1024 * 1024
LARGEST: Final = 4 * 1024 * 1024


class LastGood:
    """Keep the last good answer to each question, in memory, within bounds; what was not used for longest goes first.

    One for each process, or each event loop of it; it outlives policies. An answer larger than `LARGEST` is not kept.
    """

    def __init__(self, clock: Clock, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, question: bytes, body: bytes) -> None:
        """Keep an answer in the place of the one before it."""
        if len(body) > LARGEST:
            return
        self._drop(question)
        self._kept[question] = (self._clock.monotonic_s(), body)
        self.size += len(body)
        while self.size > self._max_bytes or len(self._kept) > self._max_entries:
            self._drop(next(iter(self._kept)))

    def find(self, question: bytes, oldest_s: float) -> bytes | None:
        """Give the last good answer, unless it is older than this."""
        found = self._kept.get(question)
        if found is None or self._clock.monotonic_s() - found[0] > oldest_s:
            return None
        self._kept.move_to_end(question)
        return found[1]

    def _drop(self, question: bytes) -> None:
        if (old := self._kept.pop(question, None)) is not None:
            self.size -= len(old[1])
