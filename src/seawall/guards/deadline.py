"""One deadline over everything that a call waits for (row L2)."""

import asyncio

from seawall.core.error import SeawallError
from seawall.pipeline.exchange import CallNext, Exchange, Reply


class DeadlineGuard:
    """Set the exchange's total deadline, counted from its first byte; calls on once.

    The watchdog keeps it: body, attempts, backoff and the whole stream run under it, and its end interrupts whichever
    of them is waiting. What the watchdog interrupted below leaves here as the reason for it.
    """

    def __init__(self, total_s: float) -> None:
        self._total_s = total_s

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Start the clock, then go on.

        Raises:
            DeadlineExceeded: the total passed.
            HungUp: the client left.
        """
        watchdog = exchange.watchdog
        watchdog.limit(self._total_s)
        try:
            return await call_next(exchange)
        except asyncio.CancelledError:
            if reason := watchdog.take(SeawallError):
                raise reason from None
            raise
