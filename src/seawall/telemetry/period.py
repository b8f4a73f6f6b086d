"""Moments as people name them, and the UTC days by which files are named."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

DAY_S: Final = 86_400
_LENGTH: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": DAY_S, "w": 7 * DAY_S}
_EPOCH: Final = date(1970, 1, 1)
EXPECTED: Final = "expected today, yesterday, now, a length such as 2h or 7d, a date such as 2026-11-20, or RFC 3339"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since_s` on and before `until_s`, in seconds since 1970; None has no end."""

    since_s: float = 0.0
    until_s: float | None = None

    def days(self, today: str) -> tuple[str, str]:
        """Give the first and the last UTC day it touches, `today` standing for an end that is not there."""
        return utc_day(self.since_s), today if self.until_s is None else utc_day(self.until_s)


def moment_s(text: str, now_s: float, zone: tzinfo = UTC) -> float:
    """Give the seconds since 1970 of a moment as a person names it, as seen from `now_s`.

    `today`, `yesterday` and a bare date mean the day's first instant in `zone`; a length (`45s`, `30m`, `2h`, `7d`,
    `1w`) counts back from now; a time without an offset is in `zone`.

    Raises:
        ValueError: the text names no moment.
    """
    word = text.strip().lower()
    try:
        if word == "now":
            return now_s
        if word in ("today", "yesterday"):
            today = datetime.fromtimestamp(now_s, zone).date()
            return _midnight_s(today - timedelta(days=word == "yesterday"), zone)
        if _LENGTH.fullmatch(word):
            return now_s - length_s(word)
        if len(word) == len("2026-11-20"):
            return _midnight_s(date.fromisoformat(word), zone)
        parsed = datetime.fromisoformat(word.upper())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} names no moment: {EXPECTED}") from None


def length_s(text: str) -> int:
    """Give the seconds of a length such as `45s`, `30m`, `24h`, `90d` or `2w`.

    Raises:
        ValueError: the text names no length.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} names no length: expected a number and its unit, such as 30m, 24h or 90d")
    return int(found[1]) * _UNIT_S[found[2]]


def utc_day(at_s: float) -> str:
    """Give the UTC day of a moment as files are named: `20261121`.

    Raises:
        ValueError: the moment is not a number, or outside the years 1 to 9999.
    """
    try:
        return _day_text(int(at_s // DAY_S))
    except OverflowError:
        raise ValueError(f"{at_s} s since 1970 is outside the calendar") from None


def moment_text(at_s: float, zone: tzinfo = UTC) -> str:
    """Write a moment for a table, to the second: `2026-11-21 08:15:30`."""
    return datetime.fromtimestamp(at_s, zone).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=16)
def _day_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat().replace("-", "")


def _midnight_s(day: date, zone: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
