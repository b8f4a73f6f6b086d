"""What a policy compiles to: one frozen plan a route."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from seawall.core.target import Provider, Target, Timeouts
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the policy says about one route.

    `targets` holds the route's model first and its fallbacks after it; without targets the client's own model
    decides. `hold_back_s` bounds how long a stream's first bytes may wait for its first content.
    """

    route: str
    traffic_class: str
    profile: str
    targets: tuple[Target, ...]
    timeouts: Timeouts
    tokens: TokenSettings
    sampling: SamplingSettings
    streaming: bool
    retries: int
    hold_back_s: float


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How long records are kept, in days: what happened, and the texts (which age first)."""

    keep_metadata_days: int
    keep_bodies_days: int


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """One version of the policy, ready to run.

    `version` is the first 12 hex digits of the SHA-256 of the document's bytes. `resolve` names the target of a model
    that a client asked for on a route without targets; it raises `NotFound` for a model that no provider has and
    `Unsupported` for one without a price. `changes_on` is the first day (UTC) on which a price in it is another one:
    from then on it must be compiled again; None means never.
    """

    version: str
    source: str
    plans: Mapping[str, Plan]
    providers: Mapping[str, Provider]
    journal: JournalSettings
    body_limit: int
    resolve: Callable[[str], Target]
    changes_on: date | None = None
