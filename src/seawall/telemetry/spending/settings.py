"""When somebody is told about spending."""

from dataclasses import dataclass
from typing import Final

from seawall.core.money import NUSD_PER_USD
from seawall.core.spending import Severity

DAY_S: Final = 86_400.0
# Somebody's own budget: it protects the others, and nobody is called at night because one user came to an end.
PERSONAL: Final = frozenset({"user", "conversation"})


@dataclass(frozen=True, slots=True)
class ShareLevel:
    """Tell when this fraction of a budget is spent."""

    fraction: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class BurnLevel:
    """Tell when a budget burns `burn` times as fast as would use it up evenly.

    The long lookback is the time in which that burn takes `fraction` of the budget, but no less than `least_s`; the
    short one is a twelfth of it. Over 30 days that gives the known pairs: 14.4 times over 1 h and 5 min takes 2 %, 6
    times over 6 h and 30 min 5 %, once over 3 d and 6 h 10 %. `only_if_over` keeps still where the budget would last to
    the end of its window all the same.
    """

    burn: float
    fraction: float
    least_s: float
    severity: Severity
    only_if_over: bool = False

    def long_s(self, window_s: float) -> float:
        """Give the long lookback for a window of this length."""
        return max(self.fraction * window_s / self.burn, self.least_s)

    def short_s(self, window_s: float) -> float:
        """Give the short lookback."""
        return self.long_s(window_s) / 12


@dataclass(frozen=True, slots=True)
class SurgeSettings:
    """Tell when `times` as much is spent as forecast, and at least `least_nusd`.

    With `season_after_s` of history an hour is compared with the same hour of earlier weeks. Before, from
    `linear_after_s` on, the last 24 hours are compared with the mean of the days before: a rate that knows no season
    does not know night from noon.
    """

    times: float = 2.0
    least_nusd: int = NUSD_PER_USD
    linear_after_s: float = 3 * DAY_S
    season_after_s: float = 14 * DAY_S
    severity: Severity = "ticket"


@dataclass(frozen=True, slots=True)
class PartSettings:
    """Tell when one user spent `fraction` or more of what a shared account did, and at least `least_nusd`.

    Where fewer than `fewest_users` spent anything, somebody always has most of it, and nothing is told.
    """

    fraction: float = 0.5
    least_nusd: int = 5 * NUSD_PER_USD
    fewest_users: int = 3
    severity: Severity = "ticket"


@dataclass(frozen=True, slots=True)
class SpendingSettings:
    """What is watched, how often, and when somebody is told.

    An alarm goes out when it falls under `calm` of what set it off. Burn rates are for windows of `shortest_s` and
    longer: a shorter one has renewed itself before anybody can act. Rates and hours are kept for `most_budgets`
    budgets, the widest holders first. While the store cannot be used, `most_unkept` alerts wait for it.
    """

    shares: tuple[ShareLevel, ...] = (ShareLevel(0.5, "notice"), ShareLevel(0.8, "ticket"), ShareLevel(1.0, "page"))
    burns: tuple[BurnLevel, ...] = (
        BurnLevel(14.4, 0.02, 900.0, "page"),
        BurnLevel(6.0, 0.05, 1800.0, "page"),
        BurnLevel(1.0, 0.10, 3600.0, "ticket", only_if_over=True),
    )
    surge: SurgeSettings = SurgeSettings()
    part: PartSettings = PartSettings()
    calm: float = 0.9
    shortest_s: float = 20 * 3600.0
    most_budgets: int = 500
    most_unkept: int = 1000
    every_s: float = 10.0
    keep_every_s: float = 60.0
    read_timeout_s: float = 5.0
