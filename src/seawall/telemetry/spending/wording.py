"""How amounts, windows and lengths are written for a person; pure."""

from datetime import datetime
from typing import Final

from seawall.core.account import Unit
from seawall.core.money import NUSD_PER_USD
from seawall.core.spending import Standing
from seawall.core.window import Period

_CENT: Final = NUSD_PER_USD // 100
_WORDS: Final = {Unit.TOKENS: "tokens", Unit.CALLS: "calls"}


def amount_text(unit: Unit, amount: float) -> str:
    """Write an amount: `$12.50`, `$0.0042`, `1,200 tokens`."""
    if unit is not Unit.NUSD:
        return f"{amount:,.0f} {_WORDS[unit]}"
    return f"${amount / NUSD_PER_USD:,.2f}" if amount == 0 or amount >= _CENT else f"${amount / NUSD_PER_USD:.6f}"


def window_text(seen: Standing) -> str:
    """Write which window an account is of: `of the day that ends 2026-11-22 00:00 UTC`."""
    if seen.period is Period.LIFETIME:
        return "of its lifetime"
    ends = datetime.fromtimestamp(seen.window.ends_s, seen.zone)
    return f"of the {seen.period.value} that ends {ends:%Y-%m-%d %H:%M} {seen.zone}"


def length_text(length_s: float) -> str:
    """Write a length: `45 s`, `5 min`, `1.2 h`, `3 d`."""
    for unit_s, word, least in ((86_400, "d", 2.0), (3600, "h", 1.0), (60, "min", 1.0)):
        if length_s >= least * unit_s:
            return f"{round(length_s / unit_s, 1):g} {word}"
    return f"{length_s:.0f} s"
