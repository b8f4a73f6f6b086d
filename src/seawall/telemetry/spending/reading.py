"""From a ledger's balances to what the watch looks at; pure."""

from collections.abc import Collection, Iterable

from seawall.core.balance import Balance
from seawall.core.spending import HOUR_S, Standing, standing


def standings(balances: Iterable[Balance], at_s: float, short: Collection[str] = ()) -> list[Standing]:
    """Say what every account stands at, but those whose window ended an hour ago or more.

    `short` names accounts for want of which calls were refused lately. A name that is no account's is left out.
    """
    found = []
    for balance in balances:
        try:
            seen = standing(balance.name, balance.cap, balance.settled, is_short=balance.name in short)
        except ValueError:
            continue
        if seen.window.ends_s > at_s - HOUR_S:
            found.append(seen)
    return found
