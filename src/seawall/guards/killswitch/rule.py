"""Decide which switch stops a call, an attempt or a tool; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.core.switch import ALL, Level, Switch


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a switch may name of a call. Empty text is not known, or not asked for, and is named by no switch.

    `tools` are the names of the tools that the request defines.
    """

    route: str = ""
    feature: str = ""
    team: str = ""
    key_id: str = ""
    provider: str = ""
    model: str = ""
    tools: frozenset[str] = frozenset()


def applying(switches: Sequence[Switch], facts: CallFacts) -> Switch | None:
    """Give the first switch that names the call; None where none does."""
    return next((switch for switch in switches if _names(switch.level, facts)), None)


def killed_tools(switches: Sequence[Switch]) -> dict[str, Switch]:
    """Give the tools that are off, by name, each with its first switch."""
    tools: dict[str, Switch] = {}
    for switch in switches:
        if switch.level.kind == "tool":
            tools.setdefault(switch.level.name, switch)
    return tools


def _names(level: Level, facts: CallFacts) -> bool:
    match level.kind:
        case "route":
            return facts.route == level.name
        case "feature":
            return facts.feature == level.name
        case "team":
            return facts.team == level.name
        case "key":
            return facts.key_id == level.name
        case "provider":
            return facts.provider == level.name
        case "model":
            return bool(facts.model) and level.name in (facts.model, f"{facts.provider}/{facts.model}")
        case "tool":
            return level.name in facts.tools
        case _:
            return level.kind == ALL
