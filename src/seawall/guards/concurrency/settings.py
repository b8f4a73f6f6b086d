"""What the policy may say about calls at the same time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

# The share of a limit that a class may fill: what is left is for those above it.
SHARES: Final[Mapping[str, float]] = MappingProxyType({"interactive": 1.0, "automation": 0.85, "analysis": 0.7})


@dataclass(frozen=True, slots=True)
class ConcurrencySettings:
    """How many calls one target gets at the same time from one worker.

    The limit begins at `first`, follows the target's latency between `least` and `most` where `is_adaptive`, and is
    `most` where it is not.
    """

    first: int = 100
    least: int = 8
    most: int = 1000
    is_adaptive: bool = True


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """How many calls one worker carries at the same time, over all targets, and the classes' shares of that."""

    most: int = 2000
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
