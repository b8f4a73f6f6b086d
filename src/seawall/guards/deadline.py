"""One deadline over everything that a call waits for (row L2)."""

from seawall.pipeline.exchange import CallNext, Exchange, Reply


class DeadlineGuard:
    """Set the exchange's total deadline, counted from its first byte; calls on once.

    The watchdog keeps it: body, attempts, backoff and the whole stream run under it, and its end interrupts whichever
    of them is waiting.
    """

    def __init__(self, total_s: float) -> None:
        self._total_s = total_s

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Start the clock, then go on."""
        exchange.watchdog.limit(self._total_s)
        return await call_next(exchange)
