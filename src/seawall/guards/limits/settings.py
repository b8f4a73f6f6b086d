"""What the policy may say about rates."""

from dataclasses import dataclass
from typing import Literal

from seawall.core.holder import Kind
from seawall.core.rate import Rate


@dataclass(frozen=True, slots=True)
class Limit:
    """One rate: for everybody of a kind, each for itself, where `name` is `*`, or for one of them. `all` has no name.

    `counts` says what a unit is: a call, or a token (in and out).
    """

    kind: Kind
    name: str
    counts: Literal["requests", "tokens"]
    rate: Rate
