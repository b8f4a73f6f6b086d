"""What stands on an account, and how it came about."""

from typing import Literal, NamedTuple, TypeAlias

from seawall.core.account import Unit

# What a line of the history did. `grant`: free to leased. `give_back`: leased to free. `settle`, `bury`: leased to
# settled. `overrun`: free to settled, for what was spent beyond a lease. `doubt`: moves nothing, but nobody knows that
# what was charged is right. `reconcile`: settled to free, and the doubt is gone. A `bury` is its own doubt.
Kind: TypeAlias = Literal["grant", "give_back", "settle", "overrun", "bury", "doubt", "reconcile"]


class Balance(NamedTuple):
    """What stands on an account; `cap` is that of the latest request, `unsettled` the part of `settled` in doubt."""

    name: str
    unit: Unit
    cap: int
    settled: int
    leased: int
    unsettled: int


class Lease(NamedTuple):
    """A slice of an account in the hands of a worker."""

    owner: str
    account: str
    amount: int


class Entry(NamedTuple):
    """One line of the history; `number` rises.

    `amount` is never negative. `cap` is the account's at this moment. `ref` is the id of the unsettled charge that a
    `doubt`, `bury` or `reconcile` is about, and the report's number for what came with one.
    """

    number: int
    at_s: float
    account: str
    owner: str
    kind: Kind
    amount: int
    cap: int
    ref: str = ""
