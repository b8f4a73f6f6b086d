"""What money, tokens and calls are counted against."""

from enum import Enum
from typing import NamedTuple

from seawall.core.window import Window


class Unit(Enum):
    """What an account counts; the value is the mark in its name. Money is nano-dollars."""

    NUSD = ""
    TOKENS = "#tokens"
    CALLS = "#calls"


class Account(NamedTuple):
    """One holder's budget in one window: `team:a@2026-11-21/Europe/Berlin`.

    The window is part of the name, so that nothing is ever reset. `cap` is what the policy in force says; it is no part
    of what the account is.
    """

    name: str
    unit: Unit
    cap: int


def account_name(holder: str, unit: Unit, window: Window) -> str:
    """Name the account of a holder (`all`, `team:a`) for a window."""
    return f"{holder}{unit.value}@{window.name}"


def holder_of(name: str) -> str:
    """Give the holder, with its unit's mark, out of an account's name."""
    return name.rpartition("@")[0]


def unit_of(name: str) -> Unit:
    """Say what an account counts, by the mark in its name."""
    _, mark, text = holder_of(name).rpartition("#")
    return next((unit for unit in Unit if unit.value == mark + text), Unit.NUSD) if mark else Unit.NUSD
