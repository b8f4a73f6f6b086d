"""What a switch may name of an exchange, and what a caller is told of a switch."""

from datetime import UTC, datetime

from seawall.core.switch import Switch
from seawall.core.target import Target
from seawall.guards.killswitch.rule import CallFacts
from seawall.guards.killswitch.tool import tool_names
from seawall.pipeline.exchange import Exchange


def facts_of(exchange: Exchange, *, with_target: bool = False, with_tools: bool = False) -> CallFacts:
    """Collect what is known of a call by now; the target and the tools only where they are asked for."""
    principal, target = exchange.principal, exchange.target if with_target else None
    return CallFacts(
        route=exchange.route,
        feature=exchange.labels.feature,
        team=principal.team if principal else "",
        key_id=principal.key_id if principal else "",
        provider=target.provider.name if target else "",
        model=target.model if target else "",
        tools=tool_names(exchange.body.fields) if with_tools and exchange.body else frozenset(),
    )


def target_facts(target: Target) -> CallFacts:
    """Give what is known of a target."""
    return CallFacts(provider=target.provider.name, model=target.model)


def sentence(switch: Switch) -> str:
    """Say what is off, since when, until when and why, for the person who reads the refusal; never who threw it."""
    said = f"an operator has switched off {switch.level.text}"
    if switch.at_s is not None:
        said += f" since {_moment(switch.at_s)}"
    if switch.until_s is not None:
        said += f" until {_moment(switch.until_s)}"
    if switch.trouble:
        return f"{said}, because the kill switch's file cannot be read"
    return f"{said}: {switch.why}" if switch.why else said


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
