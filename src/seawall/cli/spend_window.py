"""The window in an account's name: which moment it begins and ends at; pure, but for the time zone database."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seawall.core.window import LIFETIME, Period, Window, window_at

_OFFSET: Final = re.compile(r"UTC([+-])(\d\d):(\d\d)")
_FORMATS: Final = (
    (Period.MINUTE, "%Y-%m-%dT%H:%M%z"),
    (Period.HOUR, "%Y-%m-%dT%H%z"),
    (Period.DAY, "%Y-%m-%d"),
    (Period.MONTH, "%Y-%m"),
)


class NamedWindow(NamedTuple):
    """A window, with its length as people call it and the zone in which it begins."""

    window: Window
    period: Period
    zone: tzinfo


def read_window(account: str) -> NamedWindow | None:
    """Read the window out of an account's name; None where it is none that is known here."""
    name = account.rpartition("@")[2]
    if name == LIFETIME.name:
        return NamedWindow(LIFETIME, Period.LIFETIME, UTC)
    text, _, zone_name = name.partition("/")
    zone = _zone(zone_name)
    if zone is None:
        return None
    for period, form in _FORMATS:
        try:
            start = datetime.strptime(text, form)  # noqa: DTZ007  # days and months have their zone beside them
            at_s = (start if start.tzinfo else start.replace(tzinfo=zone)).timestamp()
            window = window_at(period, zone, at_s)
        except (ValueError, OverflowError):
            continue
        return NamedWindow(window, period, zone) if window.name == name else None
    return None


def _zone(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC
    if found := _OFFSET.fullmatch(name):
        sign = -1 if found[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3])))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
