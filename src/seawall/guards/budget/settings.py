"""What the policy may say about budgets."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal, TypeAlias

from seawall.core.account import Unit
from seawall.core.holder import Kind
from seawall.core.window import Period

OnExhausted: TypeAlias = Literal["refuse", "clamp", "degrade"]
OnHangUp: TypeAlias = Literal["abort", "drain"]


@dataclass(frozen=True, slots=True)
class Budget:
    """One cap: for everybody of a kind, each for itself, where `name` is `*`, or for one of them. `all` has no name.

    `cap` is in nano-dollars, tokens or calls, as `unit` says; `zone` decides when a window begins.
    """

    kind: Kind
    name: str
    unit: Unit
    period: Period
    cap: int
    zone: tzinfo = field(default=UTC)


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What a route does when a call does not fit: refuse it, clamp its `max_tokens` to what fits, or degrade."""

    on_exhausted: OnExhausted = "refuse"
