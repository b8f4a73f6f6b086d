"""What is remembered of spending, so that alerts and forecasts outlive a process."""

from collections.abc import Awaitable, Collection, Sequence
from typing import NamedTuple, Protocol

from seawall.core.spending import HourSpend, Mark, SpendAlert, SpendingPast


class SpendingTurn(NamedTuple):
    """What looks at the budgets add: hours and marks replace those of the same name, alerts those of the same id."""

    hours: Sequence[HourSpend] = ()
    marks: Sequence[Mark] = ()
    alerts: Sequence[SpendAlert] = ()


class SpendingStore(Protocol):
    """Remember hours, marks and alerts, each for a bounded time.

    Every method raises `Unavailable` where the store cannot be used. A cancelled wait leaves the step in the queue.
    """

    def load(self, now_s: float) -> Awaitable[SpendingPast]:
        """Give what is remembered, alerts oldest first."""

    def keep(self, turn: SpendingTurn, now_s: float) -> Awaitable[Collection[str]]:
        """Write everything or nothing, in one step; give the ids of the alerts that are new.

        A new alert is left out while another one of its key has no end: somebody else saw the same trouble first. What
        is too old is forgotten in the same step.
        """
