"""When an alarm goes on, goes out, and is over: one episode is one event; pure."""

from enum import Enum
from typing import NamedTuple


class Phase(Enum):
    """Where an alarm stands: nothing is wrong; it is on; it went out, but what set it off is still in sight."""

    QUIET = "quiet"
    FIRING = "firing"
    CALM = "calm"


class Signal(NamedTuple):
    """What a rule sees: `is_on` sets the alarm off, `is_calm` puts it out, `is_over` ends the episode.

    An alarm that has gone out and comes on again before the episode is over is no new event.
    """

    is_on: bool
    is_calm: bool
    is_over: bool


def next_phase(phase: Phase, signal: Signal) -> Phase:
    """Say where an alarm goes from here. Between on and calm it stays as it is."""
    if signal.is_on:
        return Phase.FIRING
    if phase is Phase.FIRING and not signal.is_calm:
        return phase
    return Phase.QUIET if phase is Phase.QUIET or signal.is_over else Phase.CALM
