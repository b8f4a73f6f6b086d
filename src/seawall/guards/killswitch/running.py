"""The calls in flight that a switch may cut."""

from collections.abc import Sequence

from seawall.core.error import Killed
from seawall.core.switch import Switch
from seawall.guards.killswitch.facts import facts_of, sentence
from seawall.guards.killswitch.rule import applying
from seawall.pipeline.exchange import Exchange


class Running:
    """Know every call in flight whose policy says `cut`; one registry a process, used on its event loop only.

    Calls whose policy lets them finish are never put in, and cost nothing.
    """

    __slots__ = ("_exchanges",)

    def __init__(self) -> None:
        self._exchanges: set[Exchange] = set()

    def add(self, exchange: Exchange) -> None:
        """Let an exchange be cut."""
        self._exchanges.add(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Forget an exchange that has ended; safe to call twice."""
        self._exchanges.discard(exchange)

    def __len__(self) -> int:
        return len(self._exchanges)

    def cut(self, switches: Sequence[Switch]) -> None:
        """Interrupt every call that one of the switches names: its route, feature, team, key, tools or running target.

        A call that has begun to stream ends in its dialect's error event, any other one in an error answer.
        """
        if not switches:
            return
        for exchange in tuple(self._exchanges):
            switch = applying(switches, facts_of(exchange, with_target=True, with_tools=True))
            if switch is not None:
                exchange.watchdog.interrupt(Killed(f"{sentence(switch)}; this call was running and has been cut"))
