"""What `seawall spend` prints without a period: every budget against its cap, now."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click

from seawall.cli.output import clean, print_json, print_table
from seawall.cli.spend_account import AccountState
from seawall.cli.spend_amount import amount_text, length_text, short_name, unit_text, whole_text
from seawall.core.account import Unit
from seawall.core.money import usd_text
from seawall.core.window import Period
from seawall.telemetry.period import moment_text

_COLUMNS: Final = ("HOLDER", "WINDOW", "CAP", "SETTLED", "LEASED", "UNSETTLED", "SHARE", "FORECAST", "RENEWS IN")
_RIGHT: Final = ("CAP", "SETTLED", "LEASED", "UNSETTLED", "SHARE", "FORECAST", "RENEWS IN")
_LEAST_NEEDED: Final = ("UNSETTLED", "FORECAST", "LEASED")
_WARNED: Final = 10


def print_accounts(states: Sequence[AccountState], now_s: float, width: int | None) -> None:
    """Print a table of accounts, and below it which of them will come to their cap.

    On a terminal that is too narrow (`width` in characters, None is no terminal) columns are left out, and named.
    """
    columns = [name for name in _COLUMNS if name != "UNSETTLED" or any(state.balance.unsettled for state in states)]
    rows = [dict(zip(_COLUMNS, _row(state, now_s), strict=True)) for state in states]
    left_out = []
    for name in _LEAST_NEEDED:
        if width is not None and name in columns and _width(columns, rows) > width:
            columns.remove(name)
            left_out.append(name)
    print_table(columns, [[row[name] for name in columns] for row in rows], right=_RIGHT)
    if left_out:
        click.echo(f"\nA wider terminal shows more: {', '.join(left_out)}.")
    _print_warnings(states, now_s)


def _width(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> int:
    """Give the width of a table as it is printed, two spaces between its columns."""
    return sum(max(len(name), *(len(row[name]) for row in rows)) + 2 for name in columns) - 2


def print_account_json(state: AccountState, now_s: float) -> None:
    """Print one account as one JSON object; amounts are in the account's unit, money in nano-dollars."""
    balance, read = state.balance, state.standing
    window = read.window if read else None
    usd = (
        {
            f"{name}_usd": usd_text(amount)
            for name, amount in (
                ("cap", balance.cap),
                ("settled", balance.settled),
                ("leased", balance.leased),
                ("unsettled", balance.unsettled),
            )
        }
        if balance.unit is Unit.NUSD
        else {}
    )
    print_json(
        {
            "account": balance.name,
            "holder": state.holder,
            "unit": "nusd" if balance.unit is Unit.NUSD else unit_text(balance.unit),
            "period": read.period.value if read else None,
            "cap": balance.cap,
            "settled": balance.settled,
            "leased": balance.leased,
            "unsettled": balance.unsettled,
            "free": max(balance.cap - balance.settled - balance.leased, 0),
            "share": round(balance.settled / balance.cap, 6) if balance.cap else None,
            "forecast": state.forecast,
            **usd,
            "starts_at": _moment(window.starts_s if window else None),
            "renews_at": _moment(window.ends_s if window else None),
            "is_over": state.is_over(now_s),
            "reaches_cap_at": _moment(state.reaches_cap_at_s),
        }
    )


def _row(state: AccountState, now_s: float) -> list[str]:
    balance = state.balance
    unit = balance.unit
    return [
        short_name(state.holder),
        _window(state, now_s),
        whole_text(unit, balance.cap),
        amount_text(unit, balance.settled),
        amount_text(unit, balance.leased),
        amount_text(unit, balance.unsettled),
        share_text(balance.settled, balance.cap),
        "-" if state.forecast is None else amount_text(unit, state.forecast),
        _renews(state, now_s),
    ]


def share_text(settled: int, cap: int) -> str:
    """Write what part of a cap is spent, rounded down, so that 100 % is all of it."""
    if not cap:
        return "-"
    percent = 100 * settled // cap
    return "<1 %" if settled > 0 and not percent else f"{percent} %"


def _window(state: AccountState, now_s: float) -> str:
    """Name the window: by its length if it is the one of now, else by its own name."""
    if state.standing is not None and state.is_running(now_s):
        return state.standing.period.value
    return state.balance.name.rpartition("@")[2]


def _renews(state: AccountState, now_s: float) -> str:
    read = state.standing
    if read is None:
        return "?"
    if read.period is Period.LIFETIME:
        return "never"
    return "over" if state.is_over(now_s) else length_text(read.window.ends_s - now_s)


def _print_warnings(states: Sequence[AccountState], now_s: float) -> None:
    bound = [state for state in states if state.reaches_cap_at_s is not None]
    if bound:
        click.echo()
    for state in bound[:_WARNED]:
        at_s, read = state.reaches_cap_at_s, state.standing
        name = f"{short_name(state.holder)} ({read.period.value if read else '?'})"
        if at_s is None or read is None or at_s <= now_s:
            click.echo(clean(f"{name} is at its cap."))
        else:
            when = f"{moment_text(at_s, read.zone)[11:16]} {read.zone}"
            click.echo(clean(f"{name} reaches its cap in {length_text(at_s - now_s)}, at {when}, if this goes on."))
    if len(bound) > _WARNED:
        click.echo(f"So do {len(bound) - _WARNED} more.")


def _moment(at_s: float | None) -> str | None:
    """Write a moment for a program; None for a window without a beginning or an end."""
    if at_s is None or at_s in (float("inf"), float("-inf")):
        return None
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
