"""Hold an attempt's worst case, and settle what it really cost."""

from collections.abc import Awaitable

from seawall.core.receipt import Receipt
from seawall.pipeline.exchange import CallNext, Exchange, Reply


class BudgetGuard:
    """Give every attempt its receipt; calls on once."""

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Hold, then go on."""
        exchange.receipt = Receipt(f"{exchange.id}-{len(exchange.attempts) + 1}", 0, 0)
        return call_next(exchange)
