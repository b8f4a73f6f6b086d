"""The ledger's days beside those of the journal."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from seawall.core.account import Unit
from seawall.core.balance import Balance
from seawall.core.spending import Standing, standing
from seawall.core.window import Period as Length
from seawall.telemetry.journal.query import Archive
from seawall.telemetry.journal.spend import spend_by
from seawall.telemetry.period import Period

_ROUTE: Final = "route:"


class Day(NamedTuple):
    """One account of a day: what the ledger has settled there, and what the journal's costs come to; nano-dollars.

    `settled` contains `unsettled`, which the journal does not know.
    """

    account: str
    settled: int
    unsettled: int
    leased: int
    recorded: int

    @property
    def difference(self) -> int:
        """How much the ledger has beyond the journal and what is unsettled; negative where it has less."""
        return self.settled - self.unsettled - self.recorded


def compare_days(balances: Iterable[Balance], archive: Archive, most: int) -> list[Day]:
    """Compare the budgets a day of `all` and of routes, the newest days first, at most `most` accounts."""
    found = [(standing(b.name, b.cap, b.settled), b) for b in balances if b.unit is Unit.NUSD and _is_known(b.name)]
    days = [(read, balance) for read, balance in found if read.period is Length.DAY and _is_comparable(read.holder)]
    days.sort(key=lambda day: (-day[0].window.starts_s, day[0].holder, day[0].account))
    return [_compared(read, balance, archive) for read, balance in days[:most]]


def _is_known(name: str) -> bool:
    try:
        standing(name, 0, 0)
    except ValueError:
        return False
    return True


def _is_comparable(holder: str) -> bool:
    return holder == "all" or holder.startswith(_ROUTE)


def _compared(read: Standing, balance: Balance, archive: Archive) -> Day:
    period = Period(read.window.starts_s, read.window.ends_s)
    costs = {name: spend.cost_nusd for name, spend in spend_by(archive, "route", period).items()}
    recorded = sum(costs.values()) if read.holder == "all" else costs.get(read.holder.removeprefix(_ROUTE), 0)
    return Day(balance.name, balance.settled, balance.unsettled, balance.leased, recorded)
