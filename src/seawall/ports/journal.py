"""Where records go."""

from typing import Protocol

from seawall.core.record import CallRecord


class Journal(Protocol):
    """Take records off the hot path."""

    def write(self, record: CallRecord) -> None:
        """Hand over one record without waiting and without raising.

        Safe from any thread. A full queue drops the record and counts the drop; a caller never pays for a slow disk.
        """
