"""What will have been spent when a window ends; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Final, NamedTuple

from seawall.core.spending import HOUR_S
from seawall.core.window import Window

SEASON_AFTER_S: Final = 14 * 86_400.0
LINEAR_AFTER_S: Final = 86_400.0
WEEKS: Final = 10
_ELAPSED: Final = 24  # a window has to be over by this part before its own pace says anything


class SpendHistory(NamedTuple):
    """What is known of a budget: `spent` in the running window, and what each hour took from `since_s` on.

    `hours` goes by the first second of an hour since 1970; an hour that is not there took nothing. `since_s` is None
    where nothing is known but `spent`. `zone` says when people work.
    """

    spent: int
    hours: Mapping[int, int] = MappingProxyType({})
    since_s: float | None = None
    zone: tzinfo = UTC


def forecast_nusd(history: SpendHistory, window: Window, now_s: float) -> int | None:
    """Forecast what will have been spent at the window's end; None where nothing can be said.

    With two weeks of history each hour to come is expected to take what the same hour of the week took on average.
    With a day of history, the mean of the last week goes on; with less, the window's own pace, once a 24th of it is
    over. A lifetime has no end to forecast. Other units than nano-dollars work as well.
    """
    if window.ends_s == float("inf"):
        return None
    left_s = max(0.0, window.ends_s - now_s)
    known_s = 0.0 if history.since_s is None else now_s - history.since_s
    if known_s >= SEASON_AFTER_S:
        return history.spent + _season(history, now_s, window.ends_s)
    if known_s >= LINEAR_AFTER_S:
        return history.spent + round(_recent(history, now_s, known_s) * left_s)
    elapsed_s, length_s = now_s - window.starts_s, window.ends_s - window.starts_s
    if elapsed_s * _ELAPSED < length_s:
        return None
    return history.spent + round(history.spent / elapsed_s * left_s)


def usual(history: SpendHistory, starts_s: int) -> float | None:
    """Give what this hour of the week took on average in up to ten earlier weeks; None where fewer than two are known.

    Weeks go by the zone's clocks: nine in the morning stays nine in the morning when summer time ends.
    """
    if history.since_s is None:
        return None
    here = datetime.fromtimestamp(starts_s, history.zone)
    total = weeks = 0
    for back in range(1, WEEKS + 1):
        then_s = round((here - timedelta(weeks=back)).timestamp())
        if then_s + HOUR_S <= history.since_s:
            break
        total += history.hours.get(then_s // HOUR_S * HOUR_S, 0)
        weeks += 1
    return total / weeks if weeks > 1 else None


def usual_between(history: SpendHistory, from_s: float, until_s: float) -> float | None:
    """Give what is usual for a stretch of time, hours cut at its ends counting in part; None where one is not known."""
    total = 0.0
    starts_s = int(from_s // HOUR_S) * HOUR_S
    while starts_s < until_s:
        hour = usual(history, starts_s)
        if hour is None:
            return None
        total += hour * (min(until_s, starts_s + HOUR_S) - max(from_s, starts_s)) / HOUR_S
        starts_s += HOUR_S
    return total


def _season(history: SpendHistory, now_s: float, ends_s: float) -> int:
    """Add up what is usual for every hour to come; an hour beyond the next week is like that of the next week."""
    week_s = 7 * 24 * HOUR_S
    expected = 0.0
    left_s = max(0.0, ends_s - now_s)
    whole, rest_s = divmod(left_s, week_s)
    if whole:
        expected += whole * (usual_between(history, now_s, now_s + week_s) or 0.0)
    expected += usual_between(history, now_s, now_s + rest_s) or 0.0
    return round(expected)


def _recent(history: SpendHistory, now_s: float, known_s: float) -> float:
    """Give the mean pace of the last week, or of what is known of it, a second."""
    over_s = min(known_s, 7 * 86_400.0)
    begins_s = (now_s - over_s) // HOUR_S * HOUR_S
    return sum(spent for starts_s, spent in history.hours.items() if begins_s <= starts_s <= now_s) / over_s
