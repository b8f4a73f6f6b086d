"""How fast a budget burns, over a long and a short lookback at once; pure."""

from typing import Final, NamedTuple

from seawall.core.spending import SpendAlert, Standing
from seawall.telemetry.spending.rule.episode import Signal
from seawall.telemetry.spending.settings import BurnLevel, SpendingSettings
from seawall.telemetry.spending.wording import amount_text, length_text, window_text

_NEAR: Final = 0.995  # lookbacks begin between two points of a trail, and exactly 2 % shall count as 2 %


class Burn(NamedTuple):
    """Burn over both lookbacks: 1 uses the budget up exactly at the window's end."""

    long: float
    short: float


def levels_for(settings: SpendingSettings, seen: Standing) -> tuple[BurnLevel, ...]:
    """Give the levels that make sense for an account: none without an end, a cap, or the time to do something."""
    length_s = seen.window.ends_s - seen.window.starts_s
    if seen.cap <= 0 or length_s == float("inf") or length_s < settings.shortest_s:
        return ()
    return settings.burns


def burn_rate(spent: int, lookback_s: float, seen: Standing) -> float:
    """Give how many times as fast as evenly an account's budget burnt over a lookback."""
    return (spent / lookback_s) / (seen.cap / (seen.window.ends_s - seen.window.starts_s))


def burn_signal(level: BurnLevel, burn: Burn, seen: Standing, at_s: float, calm: float) -> Signal:
    """Say what two burn rates mean: on when both are high, out when the short one is low, over when the long one is."""
    left_s = max(0.0, seen.window.ends_s - at_s)
    to_come = burn.long * seen.cap * left_s / (seen.window.ends_s - seen.window.starts_s)
    lasts = level.only_if_over and seen.spent + to_come <= seen.cap
    low = calm * level.burn
    return Signal(
        is_on=min(burn.long, burn.short) >= _NEAR * level.burn and not lasts,
        is_calm=burn.short < low,
        is_over=burn.long < low,
    )


def burn_alert(level: BurnLevel, burn: Burn, seen: Standing, at_s: float) -> SpendAlert:
    """Tell that a budget burns too fast."""
    length_s = seen.window.ends_s - seen.window.starts_s
    long_s = level.long_s(length_s)
    spent, cap = amount_text(seen.unit, seen.spent), amount_text(seen.unit, seen.cap)
    lasts_s = max(0.0, seen.cap - seen.spent) / (burn.long * seen.cap / length_s)
    key = f"burn {level.severity} {seen.budget}"
    return SpendAlert(
        id=f"{key} {at_s:.0f}",
        key=key,
        rule="burn",
        severity=level.severity,
        account=seen.account,
        at_s=at_s,
        message=(
            f"{seen.holder} spends {burn.long:.1f} times as fast as its budget lasts, over the last "
            f"{length_text(long_s)}: {spent} of {cap} {window_text(seen)} are spent, "
            f"and at this rate the rest lasts {length_text(lasts_s)}"
        ),
        figures={
            "burn": level.burn,
            "burn_long": round(burn.long, 3),
            "burn_short": round(burn.short, 3),
            "long_s": long_s,
            "short_s": level.short_s(length_s),
            "spent": seen.spent,
            "cap": seen.cap,
        },
    )
