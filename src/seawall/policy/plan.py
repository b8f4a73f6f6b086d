"""What a policy compiles to: one frozen plan a route."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from seawall.core.target import Provider, Target, Timeouts
from seawall.guards.breaker.settings import BreakerSettings
from seawall.guards.budget.settings import Budget, BudgetSettings
from seawall.guards.concurrency.settings import AdmissionSettings, ConcurrencySettings
from seawall.guards.degraded.settings import DegradedSettings
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.guards.killswitch.settings import KillSettings
from seawall.guards.limits.settings import Limit
from seawall.guards.retry.settings import RetrySettings
from seawall.guards.sampling.settings import SamplingSettings
from seawall.guards.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class LegSettings:
    """How one target of a route is asked: each may have its own."""

    timeouts: Timeouts
    tokens: TokenSettings
    sampling: SamplingSettings
    retry: RetrySettings
    breaker: BreakerSettings


@dataclass(frozen=True, slots=True)
class Leg:
    """One target of a route's chain. `is_degraded` marks the cheaper model of `degraded`, which comes last."""

    target: Target
    settings: LegSettings
    is_degraded: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the policy says about one route.

    `legs` holds the route's model first and its fallbacks after it; without any, the client's own model decides, and is
    asked as `own` says. `hold_back_s` bounds how long a stream's first bytes may wait for its first content.
    `continues` says that a stream which breaks after its beginning was given out goes on at the next target;
    `is_strict` that a translation may lose nothing. `drains` says that a stream whose client is gone is read to its
    end, so that its true cost is known, and not cut off.
    """

    route: str
    traffic_class: str
    profile: str
    legs: tuple[Leg, ...]
    own: LegSettings
    streaming: bool
    hold_back_s: float
    degraded: DegradedSettings = field(default_factory=DegradedSettings)
    continues: bool = False
    is_strict: bool = False
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    drains: bool = False

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target, in the order in which they are tried."""
        return tuple(leg.target for leg in self.legs)

    @property
    def timeouts(self) -> Timeouts:
        """The first target's timeouts; the total is the whole call's."""
        return self.legs[0].settings.timeouts if self.legs else self.own.timeouts

    @property
    def tokens(self) -> TokenSettings:
        """The first target's ceiling."""
        return self.legs[0].settings.tokens if self.legs else self.own.tokens


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
    from then on it must be compiled again; None means never. `concurrency` holds the limits of those providers that the
    policy gives any, by name. `budgets` and `limits` hold every cap and rate of the policy, its routes' own included.
    """

    version: str
    source: str
    plans: Mapping[str, Plan]
    providers: Mapping[str, Provider]
    journal: JournalSettings
    body_limit: int
    resolve: Callable[[str], Target]
    changes_on: date | None = None
    admission: AdmissionSettings = field(default_factory=AdmissionSettings)
    concurrency: Mapping[str, ConcurrencySettings] = field(default_factory=lambda: MappingProxyType({}))
    kill: KillSettings = field(default_factory=KillSettings)
    idempotency: IdempotencySettings = field(default_factory=IdempotencySettings)
    budgets: tuple[Budget, ...] = ()
    limits: tuple[Limit, ...] = ()
