"""A board on which the workers of one machine leave each other notes."""

from typing import Protocol


class Board(Protocol):
    """One small note per worker, the newest replacing the one before.

    A note is seen whole or not at all, within the time that its readers take between two looks. Nothing here raises: a
    board that cannot be reached says so in the log, once, and the workers go on by themselves. Both calls may block on
    a disk for a moment; they are not for the hot path.
    """

    def publish(self, notice: bytes) -> None:
        """Leave this worker's note."""

    def read_others(self) -> list[bytes]:
        """Give the notes of the other workers that are alive: those that were left not long ago."""
