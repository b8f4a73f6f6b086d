"""Carry the retry rule out."""

import asyncio
import random
from collections.abc import Callable

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.remedy import remedy_of
from seawall.core.retry_after import retry_after_s
from seawall.guards.retry.quota import RetryQuota, RetryQuotas
from seawall.guards.retry.rule import Failure, Wait, decide, may_repeat
from seawall.guards.retry.settings import RetrySettings
from seawall.pipeline.exchange import CallNext, Exchange, Reply


class RetryGuard:
    """Try the exchange's target again while that helps; calls on `settings.retries` + 1 times at most.

    Streams are tried again until they are committed. `quotas` are the worker's own and outlive the policy; `draw` gives
    uniform numbers in [0, 1).
    """

    __slots__ = ("_draw", "_quotas", "_settings")

    def __init__(self, settings: RetrySettings, quotas: RetryQuotas, draw: Callable[[], float] = random.random) -> None:
        self._settings = settings
        self._quotas = quotas
        self._draw = draw

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Make one attempt, and others after it.

        A cancellation is never swallowed; while the guard waits, the watchdog's becomes its reason. Taps of a failed
        attempt are taken back before the next one, whose guards register their own.

        Raises:
            SeawallError: the last attempt's, or the watchdog's reason.
        """
        target = exchange.target
        quota = self._quotas.of(target.name if target else "")
        taps = len(exchange.taps)
        retry, wait_s = 0, 0.0
        quota.live += 1
        try:
            while True:
                try:
                    reply = await (
                        call_next(exchange) if not retry else self._again(exchange, call_next, quota, wait_s)
                    )
                except SeawallError as error:
                    found = self._wait_s(exchange, quota, error, retry)
                    if found is None:
                        raise
                    wait_s = found
                else:
                    quota.succeed()
                    return reply
                retry += 1
                del exchange.taps[taps:]
        finally:
            quota.live -= 1

    @staticmethod
    async def _again(exchange: Exchange, call_next: CallNext, quota: RetryQuota, wait_s: float) -> Reply:
        """Wait, then make one further attempt."""
        quota.retrying += 1
        try:
            began_s = exchange.watchdog.now_s()
            await asyncio.sleep(wait_s)
            exchange.provider_wait_s += exchange.watchdog.now_s() - began_s  # not the gateway's own time
            return await call_next(exchange)
        except asyncio.CancelledError:
            if reason := exchange.watchdog.take(SeawallError):
                raise reason from None
            raise
        finally:
            quota.retrying -= 1

    def _wait_s(self, exchange: Exchange, quota: RetryQuota, error: SeawallError, retry: int) -> float | None:
        """Say how long to wait before the next attempt; None if there is none, and then the error tells clients so."""
        now_s = exchange.watchdog.now_s()
        demanded_s = error.retry_after_s
        if isinstance(error, UpstreamError):
            demanded_s = retry_after_s(error.headers, exchange.at_s + now_s - exchange.started_s)
        decision = decide(
            self._settings,
            Failure(
                remedy_of(error),
                retry,
                self._settings.max_attempts - len(exchange.attempts),
                exchange.legs_left,
                exchange.watchdog.deadline_s - now_s,
                demanded_s,
                self._draw(),
                exchange.attempts[-1].duration_s if exchange.attempts else 0.0,
            ),
        )
        if isinstance(decision, Wait) and quota.may_retry():
            return decision.for_s
        if retry and not may_repeat(demanded_s):
            _forbid_repeats(error)
        return None


def _forbid_repeats(error: SeawallError) -> None:
    """Have the client's SDK not do once more what was done here in vain, whatever the provider said of it."""
    error.should_retry = False
    if isinstance(error, UpstreamError):
        error.headers = tuple(field for field in error.headers if field[0] != b"x-should-retry")
