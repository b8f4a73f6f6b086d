"""Stretches of wall time that budgets are for; pure.

A window's name holds all that tells it from every other: the day, the offset from UTC where an hour comes twice, and
the zone. A clock that jumps back comes to a window that was there before, with what was spent in it; one that jumps
ahead to one of its own.
"""

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
_FORMAT: Final = {Period.MINUTE: "%Y-%m-%dT%H:%M%z", Period.HOUR: "%Y-%m-%dT%H%z"}


def window_at(period: Period, zone: tzinfo, at_s: float) -> Window:
    """Give the window that a moment of wall time lies in.

    Days and months begin at midnight of the zone, whatever its clocks do that day: a day has 23, 24 or 25 hours. Hours
    and minutes go by the zone's offset, so the hour that comes twice in autumn is two windows.
    """
    if period is Period.LIFETIME:
        return LIFETIME
    here = datetime.fromtimestamp(at_s, UTC).astimezone(zone)
    zone_name = str(zone)
    if period in _LENGTH_S:
        length_s = _LENGTH_S[period]
        offset_s = round((here.utcoffset() or timedelta()).total_seconds())
        starts_s = (at_s + offset_s) // length_s * length_s - offset_s
        start = datetime.fromtimestamp(starts_s, UTC).astimezone(zone)
        return Window(f"{start.strftime(_FORMAT[period])}/{zone_name}", starts_s, starts_s + length_s)
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
