"""The targets as one worker sees them: how each breaker stands, and how many calls are on their way."""

import html
from typing import Final

import msgspec

from seawall.assembly.build import House

_NUMBERS: Final = ("Running", "Calls", "Failed", "Slow")


class TargetState(msgspec.Struct, frozen=True):
    """One target, for people. A target that routes watch with different settings has a state for each of them.

    `opens_in_s` is None where only a person lets calls through again; `limit` is None before the first call.
    """

    target: str
    state: str
    opens_in_s: float | None
    calls: int
    failed: int
    slow: int
    in_flight: int = 0
    limit: int | None = None


def target_states(house: House, now_s: float) -> list[TargetState]:
    """Say how every target stands, by name; `now_s` is monotonic."""
    limits = {limit.target: limit for limit in house.limits.states()}
    states = []
    for b in house.breakers.states(now_s):
        limit = limits.get(b.target)
        running, most = (limit.in_flight, limit.limit) if limit else (0, None)
        states.append(TargetState(b.target, b.state, b.opens_in_s, b.calls, b.failed, b.slow, running, most))
    return sorted(states, key=lambda state: state.target)


def targets_table(states: list[TargetState]) -> str:
    """Give the page's part on targets: nothing before the first call."""
    if not states:
        return ""
    numbers = "".join(f'<th scope="col">{name}</th>' for name in _NUMBERS)
    rows = "".join(
        f"<tr><td><code>{html.escape(s.target)}</code></td><td>{_told(s)}</td><td>{_running(s)}</td>"
        f"<td>{s.calls}</td><td>{s.failed}</td><td>{s.slow}</td></tr>"
        for s in states
    )
    return (
        '<h2>Targets, as this worker sees them</h2><div class="wide"><table><thead><tr><th scope="col">Target</th>'
        f'<th scope="col">Breaker</th>{numbers}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _told(state: TargetState) -> str:
    word = state.state.replace("_", " ")
    if state.opens_in_s:
        return f"<strong>{word}</strong>, {state.opens_in_s:.0f} s more"
    return word if word == "closed" else f"<strong>{word}</strong>"


def _running(state: TargetState) -> str:
    return "" if state.limit is None else f"{state.in_flight} of {state.limit}"
