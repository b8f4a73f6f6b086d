"""What budgets stand at, what was spent in which hour, and what a person is told about it; pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from seawall.core.account import Unit, holder_of
from seawall.core.window import LIFETIME, Period, Window, window_at

AlertRule: TypeAlias = Literal["share", "burn", "surge", "part"]
Severity: TypeAlias = Literal["page", "ticket", "notice"]
HOUR_S: Final = 3600
_UNITS: Final = {unit.value: unit for unit in Unit if unit.value}
# What a window's name looks like, and how the moment in it is read; a zone stands behind a slash.
_PERIODS: Final = (
    (Period.MONTH, re.compile(r"(\d{4}-\d\d)/(.+)"), "%Y-%m"),
    (Period.DAY, re.compile(r"(\d{4}-\d\d-\d\d)/(.+)"), "%Y-%m-%d"),
    (Period.HOUR, re.compile(r"(\d{4}-\d\d-\d\dT\d\d)Z()"), "%Y-%m-%dT%H"),
    (Period.MINUTE, re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)Z()"), "%Y-%m-%dT%H:%M"),
)


class Standing(NamedTuple):
    """What one account stands at: `spent` is what was settled in it, in its unit. A cap of 0 lets nothing through.

    `is_short` says that a call was refused for want of it since the last look.
    """

    account: str
    unit: Unit
    period: Period
    window: Window
    zone: tzinfo
    cap: int
    spent: int
    is_short: bool = False

    @property
    def holder(self) -> str:
        """Whose account it is, with its unit's mark: `team:a#tokens`."""
        return holder_of(self.account)

    @property
    def kind(self) -> str:
        """What kind of holder that is: `all`, `team`."""
        return self.account.partition("@")[0].partition("#")[0].partition(":")[0]

    @property
    def budget(self) -> str:
        """Name the budget that this account is one window of: `team:a@day/Europe/Berlin`."""
        return f"{self.holder}@{self.period.value}/{self.zone}"


class HourSpend(NamedTuple):
    """What was spent of a budget in the hour that begins at `starts_s` (a whole hour since 1970)."""

    budget: str
    starts_s: int
    spent: int


class Mark(NamedTuple):
    """What an account stood at when it was last looked at, at the wall time `at_s`."""

    account: str
    budget: str
    spent: int
    at_s: float


class SpendAlert(NamedTuple):
    """Something about spending that a person should hear of, once.

    `key` is the same for the same trouble, however often it comes back; `id` is this time's. `account` is the one that
    it was seen on. It is in force until `ended_at_s`; None has no end yet. Names of people are hashes already.
    """

    id: str
    key: str
    rule: AlertRule
    severity: Severity
    account: str
    at_s: float
    message: str
    figures: Mapping[str, float]
    ended_at_s: float | None = None

    @property
    def holder(self) -> str:
        """Whose account it is."""
        return holder_of(self.account)

    def is_in_force(self, at_s: float) -> bool:
        """Say whether it has not ended at a moment of wall time."""
        return self.ended_at_s is None or at_s < self.ended_at_s


class SpendingPast(NamedTuple):
    """What was kept of earlier looks: hours, what accounts stood at, and alerts."""

    hours: Sequence[HourSpend] = ()
    marks: Sequence[Mark] = ()
    alerts: Sequence[SpendAlert] = ()


def standing(account: str, cap: int, spent: int, *, is_short: bool = False) -> Standing:
    """Say what an account stands at, its unit and window read from its name.

    Raises:
        ValueError: this is no account's name.
    """
    unit, period, window, zone = _read(account)
    return Standing(account, unit, period, window, zone, cap, spent, is_short)


@lru_cache(maxsize=16_384)
def _read(account: str) -> tuple[Unit, Period, Window, tzinfo]:
    holder, _, name = account.rpartition("@")
    mark = holder.rpartition("#")
    unit = _UNITS.get(f"#{mark[2]}", Unit.NUSD) if mark[1] else Unit.NUSD
    if holder and name == LIFETIME.name:
        return unit, Period.LIFETIME, LIFETIME, UTC
    for period, form, layout in _PERIODS if holder else ():
        if found := form.fullmatch(name):
            try:
                zone = UTC if found[2] in ("", "UTC") else ZoneInfo(found[2])
                begins = datetime.strptime(found[1], layout).replace(tzinfo=zone)
            except (ValueError, OSError, LookupError) as error:
                raise ValueError(f"{account!r} is no account: {error}") from error
            return unit, period, window_at(period, zone, begins.timestamp()), zone
    raise ValueError(f"{account!r} is no account: expected a holder, an @, and a window such as 2026-11-21/UTC")
