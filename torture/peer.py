"""What a gateway must be to be tortured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torture.scenario import Ask, Event, Scenario
from torture.traffic import Door


class PeerUnavailable(Exception):
    """A gateway cannot be run on this machine; the message says what is missing."""


class Peer(Protocol):
    """One gateway, started anew for every run, with the scenario's caps as its own."""

    name: str
    caps: frozenset[str]  # the kinds of accounts that it caps; the others are not judged
    unsettled_nusd: int | None  # what its books hold for calls whose cost nobody knows, after `complaints`

    def version(self) -> str:
        """Say what is run, with its version."""

    def start(self, scenario: Scenario, provider_url: str, folder: Path) -> None:
        """Start it before the provider; returns when it takes calls.

        Raises:
            TimeoutError: it did not come up; the message holds what it printed.
            PeerUnavailable: something that it needs is not installed.
        """

    def door(self, ask: Ask) -> Door:
        """Say where a call goes, and with which key."""

    async def befall(self, event: Event) -> None:
        """Let something happen to it; returns when it is over. What a gateway does not have cannot befall it."""

    def stop(self) -> None:
        """End it in order, and all that it started."""

    def complaints(self, billed_nusd: int) -> Sequence[str]:
        """Say what its own books have wrong, given what the provider billed in all; after its end."""
