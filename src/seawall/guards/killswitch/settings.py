"""What the policy may say about switching off."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KillSettings:
    """What becomes of calls that run when a switch is thrown: they `finish`, or are `cut` with a typed error."""

    in_flight: Literal["finish", "cut"] = "finish"
