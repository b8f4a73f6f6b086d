"""What a journal needs of a place to write to."""

from collections.abc import Sequence
from typing import Protocol

from seawall.telemetry.journal.entry import Entry


class Sink(Protocol):
    """Keep entries. One thread calls it, and calls it again with what it has not taken."""

    @property
    def name(self) -> str:
        """The word for it in logs and metrics."""

    def write(self, day: str, entries: Sequence[Entry]) -> int:
        """Write entries of one UTC day, and say how many were taken from the front.

        An entry that is given twice is kept once, or at least read once.

        Raises:
            OSError, apsw.Error: nothing was taken; later may help.
        """

    def close(self) -> None:
        """Release files; closing twice is fine."""
