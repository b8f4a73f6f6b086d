"""Count calls against budgets of calls: once each, however many attempts it takes."""

import math
from typing import Final

from seawall.core.account import holder_of
from seawall.core.error import RateLimited
from seawall.core.receipt import Receipt
from seawall.core.window import Window
from seawall.guards.budget.accounts import Accounts
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.any_purse import AnyPurse
from seawall.guards.budget.lease import Attempt
from seawall.guards.budget.wording import renewal_note
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.ports.ledger import Short

LONGEST_WAIT_S: Final = 60.0  # the official clients wait no longer, and would ask again at once
_ONE: Final = Amounts(0, 0, 1)


class CallsGuard:
    """Take one from every account in calls, or refuse; calls on once, or not at all.

    A call counts from here on, whatever becomes of it. Endpoints that are not billed are not counted. `book` holds the
    budgets that count calls (`PER_CALL`).
    """

    __slots__ = ("_book", "_purse")

    def __init__(self, book: Accounts, purse: AnyPurse) -> None:
        self._book = book
        self._purse = purse

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Count, then go on.

        Raises:
            RateLimited: an account has none left; `retry_after_s` is the time to its renewal.
            LedgerUnavailable: what is leased does not suffice, and more cannot be had now.
        """
        purse = self._purse
        at_s = purse.wall_s()
        leases = self._book.of(exchange, at_s) if exchange.endpoint.is_billed else ()
        if leases:
            attempt = Attempt(exchange.id)
            result = purse.try_hold(attempt, leases, _ONE) or await purse.hold(attempt, leases, _ONE)
            if not isinstance(result, Receipt):
                raise _refusal(result, next(x.window for x in leases if x.name == result.account.name), at_s)
            purse.settle(result, _ONE)
        return await call_next(exchange)


def _refusal(short: Short, window: Window, at_s: float) -> RateLimited:
    """Say whose calls are used up, and when there are new ones."""
    account = short.account
    holder = holder_of(account.name).removesuffix(account.unit.value)
    note = f"{holder} has had its {account.cap} calls for {window.name}; {renewal_note(window)}"
    error = RateLimited(note, retry_after_s=max(window.ends_s - at_s, 1.0), code="limit.calls")
    if window.ends_s - at_s > LONGEST_WAIT_S:
        error.should_retry = False
    if window.ends_s == math.inf:
        error.retry_after_s = None
    return error
