"""Who holds which client key."""

from typing import Protocol

from seawall.core.principal import Principal


class Keys(Protocol):
    """Look keys up on the hot path."""

    def find(self, presented: bytes) -> Principal | None:
        """Give the owner of a presented key, or None for an unknown or revoked one.

        Takes no I/O and the same time for every key. A revocation anywhere shows here within a second. Expiry is
        left to the caller, who has the clock.

        Raises:
            Unavailable: the store could not be read for so long that a revocation may have been missed.
        """
