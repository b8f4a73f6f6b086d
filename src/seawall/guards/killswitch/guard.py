"""Carry the kill switch out."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from seawall.core.error import Killed, TargetClosed
from seawall.core.switch import Switch
from seawall.core.target import Target
from seawall.guards.killswitch.facts import facts_of, sentence, target_facts
from seawall.guards.killswitch.rule import applying, killed_tools
from seawall.guards.killswitch.running import Running
from seawall.guards.killswitch.settings import KillSettings
from seawall.guards.killswitch.tool import without_tools
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.ports.switches import Switches

NOTE: Final = "tool.killed"
_OF_TARGETS: Final = frozenset({"provider", "model"})


class KillSwitchGuard:
    """Refuse calls that an operator has switched off, and leave switched-off tools out; calls on once.

    It stands where the route, the labels and the tools are known. Switches of a provider or model are not its business:
    `LastLook` is for each attempt, so that such calls go on to the next target. A running call is cut, by policy,
    through `running`.
    """

    __slots__ = ("_cuts", "_running", "_switches")

    def __init__(self, switches: Switches, settings: KillSettings, running: Running) -> None:
        self._switches = switches
        self._cuts = settings.in_flight == "cut"
        self._running = running

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Look, then go on.

        Raises:
            Killed: the call is switched off, needs a tool that is, or ran when it was switched off and has been cut.
        """
        if switches := self._switches.in_force():
            self._refuse(exchange, switches)
        return self._registered(exchange, call_next) if self._cuts else call_next(exchange)

    def _refuse(self, exchange: Exchange, switches: tuple[Switch, ...]) -> None:
        switch = applying(switches, facts_of(exchange))
        if switch is not None:
            raise Killed(sentence(switch))
        tools, body = killed_tools(switches), exchange.body
        if not tools or body is None:
            return
        without = without_tools(body.fields, tools, exchange.endpoint)
        if without.needed:
            raise Killed(f"{sentence(tools[without.needed])}; without this tool nothing sensible remains of the call")
        _edit(exchange, without.edits)

    async def _registered(self, exchange: Exchange, call_next: CallNext) -> Reply:
        running = self._running
        running.add(exchange)
        try:
            reply = await call_next(exchange)
        except asyncio.CancelledError:
            running.discard(exchange)
            if reason := exchange.watchdog.take(Killed):
                raise reason from None
            raise
        except BaseException:
            running.discard(exchange)
            raise
        if reply.stream is None:
            running.discard(exchange)
        else:
            reply.stream.on_end(lambda _: running.discard(exchange))
        return reply


def _edit(exchange: Exchange, edits: Mapping[str, object]) -> None:
    body = exchange.body
    if not edits or body is None:
        return
    for name, value in edits.items():
        if value is None:
            body.drop(name)
        else:
            body.set(name, value)
    exchange.note(NOTE)


class LastLook:
    """Refuse an attempt that has been switched off since the call came in; calls on once.

    It stands inside retry, fallback and everything that waits: nothing is dispatched once the switch is thrown, not
    even for a call that began before. Outside the breaker, so that what an operator holds back is no probe and no
    failure.
    """

    __slots__ = ("_switches",)

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Look, then go on.

        Raises:
            Killed: the call is switched off by now.
            TargetClosed: its target is; another one may serve the call.
        """
        if switches := self._switches.in_force():
            switch = applying(switches, facts_of(exchange, with_tools=True))
            if switch is not None:
                raise Killed(sentence(switch))
            if exchange.target is not None and (switch := _holding(switches, exchange.target)) is not None:
                raise TargetClosed(sentence(switch))
        return call_next(exchange)


def _holding(switches: tuple[Switch, ...], target: Target) -> Switch | None:
    """Give the switch of the target's provider or model; one for all is no target's, and nothing else helps then."""
    return applying([s for s in switches if s.level.kind in _OF_TARGETS], target_facts(target))
