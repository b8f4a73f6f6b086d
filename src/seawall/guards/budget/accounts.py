"""Which accounts a call counts against, and the leases that this worker has on them."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from seawall.core.account import Account, Unit, account_name
from seawall.core.holder import Kind, Subject, holder_of
from seawall.core.principal import ANONYMOUS
from seawall.core.window import Window, window_at
from seawall.guards.budget.lease import Lease
from seawall.guards.budget.settings import Budget
from seawall.pipeline.exchange import Exchange
from seawall.pipeline.subject import subject_of

_Key = TypeVar("_Key")
LeaseOf: TypeAlias = Callable[[Account, Window, int], Lease]

PER_ATTEMPT: Final = frozenset({Unit.NUSD, Unit.TOKENS})
PER_CALL: Final = frozenset({Unit.CALLS})
MAX_CACHED: Final = 16_384
# What the policy and the target decide, so that there are few; all else depends on the caller.
_STATIC: Final[frozenset[Kind]] = frozenset({"all", "provider", "model", "route"})
_NUMBERS: Final = itertools.count(1)


class Accounts:
    """Find a call's accounts among those budgets of a policy that count `units`.

    Look-ups are remembered: for a target and a route, and for a caller. A lease that was remembered is good for its
    window. `lease_of` is the purse's, `hash_person` gives what stands for a person's name. Caps are those of the newest
    policy, the one whose accounts were made last, for running calls of an older one too.
    """

    def __init__(
        self,
        budgets: Sequence[Budget],
        lease_of: LeaseOf,
        hash_person: Callable[[str], str],
        units: frozenset[Unit] = PER_ATTEMPT,
    ) -> None:
        budgets = [budget for budget in budgets if budget.unit in units]
        self._static = tuple(budget for budget in budgets if budget.kind in _STATIC)
        self._callers = tuple(budget for budget in budgets if budget.kind not in _STATIC)
        self._lease_of = lease_of
        self._number = next(_NUMBERS)
        self._hash_person = hash_person
        self._of_target: dict[tuple[str, str], tuple[Lease, ...]] = {}
        self._of_caller: dict[tuple[object, ...], tuple[Lease, ...]] = {}
        kinds = {budget.kind for budget in budgets}
        self._by_user, self._by_conversation = "user" in kinds, "conversation" in kinds
        self._by_feature = "feature" in kinds
        self._by_label = self._by_user or self._by_feature or self._by_conversation

    def of(self, exchange: Exchange, at_s: float) -> tuple[Lease, ...]:
        """Give the leases of a call's accounts at a moment of wall time, each account once."""
        target = exchange.target
        asked = (exchange.route, "" if target is None else target.name)
        caller = self._caller(exchange)
        static, callers = self._of_target.get(asked), self._of_caller.get(caller)
        if static is not None and callers is not None:
            leases = static + callers
            if _are_good(leases, at_s):
                return leases
        if static is None or not _are_good(static, at_s):
            static = self._remember(self._of_target, asked, self._static, exchange, at_s)
        if callers is None or not _are_good(callers, at_s):
            callers = self._remember(self._of_caller, caller, self._callers, exchange, at_s)
        return static + callers

    def _caller(self, exchange: Exchange) -> tuple[object, ...]:
        """Give all that tells this caller's accounts from another's, and no more."""
        principal = exchange.principal or ANONYMOUS
        if not self._by_label:
            return principal.key_id, principal.team, principal.project
        labels = exchange.labels
        return (
            principal.key_id,
            principal.team,
            principal.project,
            (principal.user, labels.user) if self._by_user else "",
            (principal.feature, labels.feature) if self._by_feature else "",
            labels.conversation if self._by_conversation else "",
        )

    def _remember(
        self,
        cache: dict[_Key, tuple[Lease, ...]],
        key: _Key,
        budgets: Sequence[Budget],
        exchange: Exchange,
        at_s: float,
    ) -> tuple[Lease, ...]:
        if len(cache) >= MAX_CACHED:
            cache.clear()  # it only saves time: what is leased stays in the purse
        found = cache[key] = self._find(budgets, subject_of(exchange, exchange.target, self._hash_person), at_s)
        return found

    def _find(self, budgets: Sequence[Budget], subject: Subject, at_s: float) -> tuple[Lease, ...]:
        """Find the accounts of a subject; where two budgets name one account, the smaller cap holds."""
        found: dict[str, tuple[Account, Window]] = {}
        for budget in budgets:
            holder = holder_of(budget.kind, budget.name, subject)
            if holder is None:
                continue
            window = window_at(budget.period, budget.zone, at_s)
            name = account_name(holder, budget.unit, window)
            if name not in found or budget.cap < found[name][0].cap:
                found[name] = Account(name, budget.unit, budget.cap), window
        return tuple(self._lease_of(account, window, self._number) for account, window in found.values())


def _are_good(leases: Sequence[Lease], at_s: float) -> bool:
    for lease in leases:  # noqa: SIM110  # a generator costs more than all the rest
        if not lease.starts_s <= at_s < lease.ends_s:
            return False
    return True
