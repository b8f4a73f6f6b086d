"""What stands on an account now, as far as a person wants to know it; pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from seawall.core.balance import Balance
from seawall.core.holder import KINDS
from seawall.core.spending import Standing, standing
from seawall.core.window import Period
from seawall.telemetry.spending.forecast import SpendHistory, forecast_nusd

_UNITS: Final = {"": 0, "#tokens": 1, "#calls": 2}
_PERIODS: Final = tuple(Period)
_PERSONS: Final = frozenset({"user", "conversation"})


HistoryOf: TypeAlias = Callable[[Standing], SpendHistory]


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account at a moment. `standing` is None where its window is none that is known here.

    `holder` is without its unit's mark. `forecast` is what will be settled when the window ends, and `reaches_cap_at_s`
    the wall time at which the cap is reached on the way; None where nothing can be said.
    """

    balance: Balance
    holder: str
    standing: Standing | None
    forecast: int | None = None
    reaches_cap_at_s: float | None = None

    def is_over(self, now_s: float) -> bool:
        """Say whether its window has ended."""
        return self.standing is not None and self.standing.window.ends_s <= now_s

    def is_running(self, now_s: float) -> bool:
        """Say whether its window is the one of now: a clock that was ahead leaves some that are to come."""
        return self.standing is not None and not self.is_over(now_s) and self.standing.window.starts_s <= now_s


def window_alone(read: Standing) -> SpendHistory:
    """Give the history of a budget of which nothing is remembered but its running window."""
    return SpendHistory(read.spent, zone=read.zone)


def account_state(balance: Balance, now_s: float, history_of: HistoryOf = window_alone) -> AccountState:
    """Say where an account stands, and where its spending leads by its history."""
    holder = balance.name.rpartition("@")[0].removesuffix(balance.unit.value)
    try:
        read = standing(balance.name, balance.cap, balance.settled)
    except ValueError:
        return AccountState(balance, holder, None)
    state = AccountState(balance, holder, read)
    if not state.is_running(now_s) or read.period is Period.MINUTE:
        return state
    forecast = forecast_nusd(history_of(read), read.window, now_s)
    return AccountState(balance, holder, read, forecast, _reaches_at_s(read, forecast, now_s))


def root_to_leaf(states: Iterable[AccountState]) -> list[AccountState]:
    """Sort by kind of holder, from `all` to `conversation`, then by holder, unit, and length of the window."""
    return sorted(states, key=_place)


def holder_filter(wanted: str, hash_person: Callable[[str], str]) -> Callable[[str], bool]:
    """Give the test for `--holder`: a holder (`team:a`), or a pattern of some (`team:*`); empty takes all.

    A person or a conversation goes by a keyed hash, below the key that named it; both are found by the plain name too.
    """
    if not wanted:
        return lambda _: True
    patterns = [wanted.replace("…", "*")]
    kind, _, name = wanted.partition(":")
    if kind in _PERSONS and name and not any(sign in name for sign in "*?[…"):
        hashed = hash_person(name)
        patterns += [f"{kind}:*/{name}", f"{kind}:{hashed}", f"{kind}:*/{hashed}"]
    return lambda holder: any(fnmatchcase(holder, pattern) for pattern in patterns)


def _place(state: AccountState) -> tuple[int, str, int, int, float, str]:
    kind = state.holder.partition(":")[0]
    read = state.standing
    return (
        KINDS.index(kind) if kind in KINDS else len(KINDS),
        state.holder,
        _UNITS[state.balance.unit.value],
        _PERIODS.index(read.period) if read else len(_PERIODS),
        read.window.starts_s if read else 0.0,
        state.balance.name,
    )


def _reaches_at_s(read: Standing, forecast: int | None, now_s: float) -> float | None:
    """Give the moment of the cap, if spending goes on evenly from now to the forecast; None where it is not reached."""
    if forecast is None or forecast <= read.cap:
        return None
    if read.spent >= read.cap:
        return now_s
    return now_s + (read.window.ends_s - now_s) * ((read.cap - read.spent) / (forecast - read.spent))
