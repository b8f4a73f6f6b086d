"""How much of a budget is spent; pure."""

from collections.abc import Sequence

from seawall.core.spending import SpendAlert, Standing
from seawall.telemetry.spending.settings import PERSONAL, ShareLevel
from seawall.telemetry.spending.wording import amount_text, window_text


def reached(levels: Sequence[ShareLevel], seen: Standing) -> ShareLevel | None:
    """Give the highest level that an account has reached; `levels` ascend.

    The last one is reached too where calls are refused and the one before it is: what is left is less than a call.
    """
    found = None
    for before, level in zip((None, *levels), levels, strict=False):
        is_cut_off = seen.is_short and before is found is not None and level is levels[-1]
        if seen.cap > 0 and (seen.spent >= level.fraction * seen.cap or is_cut_off):
            found = level
    return found


def share_alert(level: ShareLevel, seen: Standing, at_s: float) -> SpendAlert:
    """Tell that an account has reached a level. It is told once, and ends with the window."""
    percent = f"{level.fraction * 100:g}"
    spent, cap = amount_text(seen.unit, seen.spent), amount_text(seen.unit, seen.cap)
    used = f"{seen.spent / seen.cap * 100:.0f} %"
    is_cut_off = seen.spent < level.fraction * seen.cap
    rest = "; calls are refused, since what is left is less than one" if is_cut_off else ""
    key = f"share {percent} {seen.account}"
    return SpendAlert(
        id=key,
        key=key,
        rule="share",
        severity="notice" if seen.kind in PERSONAL else level.severity,
        account=seen.account,
        at_s=at_s,
        message=f"{seen.holder} has spent {spent} of {cap} ({used}) {window_text(seen)}{rest}",
        figures={"fraction": level.fraction, "spent": seen.spent, "cap": seen.cap},
        ended_at_s=None if seen.window.ends_s == float("inf") else seen.window.ends_s,
    )
