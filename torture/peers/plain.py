"""Any gateway that runs already, at an address, with a key or without."""

from collections.abc import Sequence
from pathlib import Path

from torture.scenario import KINDS, Ask, Event, Scenario
from torture.traffic import Door


class Plain:
    """Implements `Peer`: nothing is started and nothing befalls it; its caps are whatever its operator set."""

    caps = KINDS
    unsettled_nusd: int | None = None

    def __init__(self, url: str, key: str) -> None:
        host, _, rest = url.removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        self.name = url
        self._door = Door(
            name,
            int(port or 80),
            f"/{rest}".rstrip("/"),
            {"x-api-key": key, "authorization": f"Bearer {key}"} if key else {},
        )

    def version(self) -> str:
        """Give its address; its version is its operator's to know."""
        return self.name

    def start(self, scenario: Scenario, provider_url: str, folder: Path) -> None:
        """Do nothing: it runs, and its provider is the one at `--provider-port`."""

    def door(self, ask: Ask) -> Door:
        """Give its one address."""
        del ask
        return self._door

    async def befall(self, event: Event) -> None:
        """Do nothing: it is not ours to harm."""

    def stop(self) -> None:
        """Do nothing."""

    def complaints(self, billed_nusd: int) -> Sequence[str]:
        """Know nothing of its books."""
        del billed_nusd
        return ()
