"""Stretches of wall time that budgets are for; pure.

A window's name holds all that tells it from every other. A clock that jumps back comes to a window that was there
before, with what was spent in it; one that jumps ahead to one of its own.
"""

import math
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum
from typing import Final, NamedTuple


class Period(Enum):
    """How long a window is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    LIFETIME = "lifetime"


class Window(NamedTuple):
    """`starts_s` (included) and `ends_s` (not) are wall time in seconds since 1970."""

    name: str
    starts_s: float
    ends_s: float


LIFETIME: Final = Window("lifetime", float("-inf"), float("inf"))
_DECEMBER: Final = 12
_LENGTH_S: Final = {Period.MINUTE: 60, Period.HOUR: 3600}
_FORMAT: Final = {Period.MINUTE: "%Y-%m-%dT%H:%MZ", Period.HOUR: "%Y-%m-%dT%HZ"}


def window_at(period: Period, zone: tzinfo, at_s: float) -> Window:
    """Give the window that a moment of wall time lies in.

    Days and months begin at midnight of the zone, whatever its clocks do that day: a day has 23, 24 or 25 hours. Hours
    and minutes are those of UTC: every zone's clock repeats some when it is set back, and not all by a whole hour.
    """
    if period is Period.LIFETIME:
        return LIFETIME
    if period in _LENGTH_S:
        length_s = _LENGTH_S[period]
        starts_s = at_s // length_s * length_s
        return Window(f"{datetime.fromtimestamp(starts_s, UTC):{_FORMAT[period]}}", starts_s, starts_s + length_s)
    # Whole seconds, for `datetime` rounds a fraction up, into a day that has not begun.
    here, zone_name = datetime.fromtimestamp(math.floor(at_s), UTC).astimezone(zone), str(zone)
    if period is Period.DAY:
        first = _midnight(here.year, here.month, here.day, zone)
        following = here.date() + timedelta(days=1)
        last = _midnight(following.year, following.month, following.day, zone)
        return Window(f"{here:%Y-%m-%d}/{zone_name}", first, last)
    year, month = (here.year + 1, 1) if here.month == _DECEMBER else (here.year, here.month + 1)
    return Window(
        f"{here:%Y-%m}/{zone_name}", _midnight(here.year, here.month, 1, zone), _midnight(year, month, 1, zone)
    )


def _midnight(year: int, month: int, day: int, zone: tzinfo) -> float:
    return datetime(year, month, day, tzinfo=zone).timestamp()
