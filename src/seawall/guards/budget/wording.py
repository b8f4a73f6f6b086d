"""What a caller is told about a budget; pure."""

import math
from datetime import UTC, datetime

from seawall.core.account import Unit, holder_of
from seawall.core.money import usd_text
from seawall.core.window import Window
from seawall.guards.budget.amounts import Amounts
from seawall.ports.ledger import Short


def exhausted_note(short: Short, need: Amounts, window: Window) -> str:
    """Say which budget a call does not fit under, what is left of it, and when it renews."""
    account, left = short.account, left_of(short)
    holder = holder_of(account.name).removesuffix(account.unit.value)
    if account.unit is Unit.NUSD:
        left_text, cap_text, need_text = (
            usd_text(left),
            f"{usd_text(account.cap)} USD",
            f"cost {usd_text(need.nusd)} USD",
        )
    else:
        left_text, cap_text, need_text = f"{left}", f"{account.cap} tokens", f"use {need.tokens} tokens"
    return (
        f"{holder} has {left_text} left of its {cap_text} for {window.name}, and this call may {need_text}; "
        f"{renewal_note(window)}"
    )


def left_of(short: Short) -> int:
    """Say what is left of an account that came short: neither spent nor in anybody's hands."""
    return max(short.account.cap - short.settled - short.leased, 0)


def renewal_note(window: Window) -> str:
    """Say when a window's successor begins."""
    if window.ends_s == math.inf:
        return "it does not renew"
    return f"it renews at {datetime.fromtimestamp(window.ends_s, UTC).isoformat()}"
