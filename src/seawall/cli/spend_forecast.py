"""Where spending comes to at the end of a window, if it goes on as it went; pure."""

from typing import Final

from seawall.core.window import Window

LEAST_ELAPSED_S: Final = 300.0  # what came in less time says little about an hour, and nothing about a day


def linear_forecast(spent: int, window: Window, now_s: float) -> int | None:
    """Give what will be spent by the end of the window, at the pace of its elapsed part, rounded up.

    None where nothing can be said: the window is not now, has no end, or began less than five minutes ago.
    """
    elapsed_s, length_s = now_s - window.starts_s, window.ends_s - window.starts_s
    if not LEAST_ELAPSED_S <= elapsed_s < length_s or length_s == float("inf"):
        return None
    # In whole microseconds, so that no float of money comes about.
    elapsed_us, length_us = round(elapsed_s * 1_000_000), round(length_s * 1_000_000)
    return -(-spent * length_us // elapsed_us)


def exhausted_at_s(spent: int, cap: int, window: Window, now_s: float) -> float | None:
    """Give the moment at which the cap is reached at this pace; None where it is not, in this window."""
    forecast = linear_forecast(spent, window, now_s)
    if forecast is None or forecast <= cap:
        return None
    return max(now_s, window.starts_s + (now_s - window.starts_s) * (cap / spent))
