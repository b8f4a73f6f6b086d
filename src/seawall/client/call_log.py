"""A log line and a count for every call of a function that calls a model."""

import functools
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, ParamSpec, TypeVar, cast, overload

from seawall.assembly.clock import SystemClock
from seawall.client.response_facts import list_price, read_field, read_response
from seawall.core.money import usd_text
from seawall.core.price import cost_nusd
from seawall.core.record import bounded
from seawall.core.usage import NO_USAGE
from seawall.ports.clock import Clock
from seawall.telemetry.monitor import Monitor, Observation

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

LOGGER: Final = "seawall.calls"
EVENT: Final = "model call"


@overload
def with_logging(
    function: Callable[P, R],
    /,
    *,
    monitor: Monitor | None = None,
    logger: logging.Logger | None = None,
    route: str = "",
    feature: str = "",
) -> Callable[P, R]: ...


@overload
def with_logging(
    *,
    monitor: Monitor | None = None,
    logger: logging.Logger | None = None,
    route: str = "",
    feature: str = "",
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def with_logging(
    function: Callable[P, R] | None = None,
    /,
    *,
    monitor: Monitor | None = None,
    logger: logging.Logger | None = None,
    route: str = "",
    feature: str = "",
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Log and count each call of a function that calls a model and returns the SDK's response.

    The line goes to `logger` (by default `seawall.calls`) as one JSON object, which is also on the log record as
    `fields`: model, tokens by kind, cost at the provider's list price, duration, stop reason, or the type of the
    exception. No text of a prompt, an answer or an exception is in it. `monitor` counts the same. Whatever the function
    returns or raises passes through unchanged; arguments are not looked at. Works with and without parentheses, on
    plain and on asynchronous functions.

    What is returned may also be something else, a text or a stream for one; then tokens and cost are unknown, and the
    line says so.

    Raises:
        TypeError: the function is a generator, which has returned before it begins; use `http_client` for streams.
    """
    log = CallLog(logger or logging.getLogger(LOGGER), monitor, route, feature, SystemClock())
    if function is None:
        return log.wrap
    return log.wrap(function)


@dataclass(frozen=True, slots=True)
class CallLog:
    """Wrap functions so that each of their calls leaves a line and a count."""

    logger: logging.Logger
    monitor: Monitor | None
    route: str
    feature: str
    clock: Clock

    def wrap(self, function: Callable[P, R]) -> Callable[P, R]:
        """Wrap one function.

        Raises:
            TypeError: it is a generator function.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("expected a function that returns a response, got a generator; use http_client for streams")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def logged_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:  # what the coroutine gives
                return await self._awaited(function(*args, **kwargs))

            return cast("Callable[P, R]", logged_coroutine)

        @functools.wraps(function)
        def logged(*args: P.args, **kwargs: P.kwargs) -> R:
            began_s = self.clock.monotonic_s()
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                self._failed(began_s, error)
                raise
            if inspect.iscoroutine(result):
                return cast("R", self._awaited(result))  # a plain function that calls an asynchronous client
            self._returned(began_s, result)
            return result

        return logged

    async def _awaited(self, call: Awaitable[T]) -> T:
        began_s = self.clock.monotonic_s()
        try:
            result = await call
        except BaseException as error:
            self._failed(began_s, error)
            raise
        self._returned(began_s, result)
        return result

    def _returned(self, began_s: float, result: object) -> None:
        duration_s = self.clock.monotonic_s() - began_s
        told = read_response(result)
        fields: dict[str, object] = {"outcome": "ok", "duration_s": round(duration_s, 6)}
        seen = Observation("", duration_s)
        if told is None:
            fields |= {"usage": "missing", "cost_usd": None}
        else:
            facts, usage = told.facts, told.facts.usage or NO_USAGE
            price = list_price(told.dialect, facts.model, datetime.fromtimestamp(self.clock.wall_s(), UTC).date())
            cost = None if price is None or facts.usage is None else cost_nusd(price, usage, facts.mode)
            fields |= {
                "dialect": told.dialect,
                "model": facts.model,
                "stop_reason": facts.stop_reason,
                "usage": facts.usage_state,
                "input_tokens": usage.input,
                "cache_read_tokens": usage.cache_read,
                "cache_write_short_tokens": usage.cache_write_short,
                "cache_write_long_tokens": usage.cache_write_long,
                "output_tokens": usage.output,
                "thinking_tokens": usage.thinking,
                "web_searches": usage.web_searches,
                "cost_usd": None if cost is None else usd_text(cost),
                "price_source": "unknown" if price is None else price.source,
            }
            seen = Observation(facts.model, duration_s, usage=usage, cost_nusd=cost or 0)
        self._tell(logging.INFO, fields, read_field(result, "_request_id"), seen)

    def _failed(self, began_s: float, error: BaseException) -> None:
        duration_s = self.clock.monotonic_s() - began_s
        # Who cancels or interrupts has not met an error of the call.
        outcome = "failed" if isinstance(error, Exception) else "cancelled"
        kind = bounded(type(error).__name__)
        fields: dict[str, object] = {"outcome": outcome, "duration_s": round(duration_s, 6), "error": kind}
        status = read_field(error, "status_code")
        if isinstance(status, int):
            fields["status"] = status
        seen = Observation("", duration_s, error=kind if outcome == "failed" else "")
        self._tell(logging.WARNING, fields, read_field(error, "request_id"), seen)

    def _tell(self, level: int, fields: dict[str, object], request_id: object, seen: Observation) -> None:
        said = {"event": EVENT, "route": self.route, "feature": self.feature, **fields}
        said["request_id"] = bounded(request_id) if isinstance(request_id, str) else ""
        fields = {name: value for name, value in said.items() if value != ""}
        if self.logger.isEnabledFor(level):
            self.logger.log(level, "%s", json.dumps(fields), extra={"fields": fields})
        if self.monitor is not None:
            self.monitor.observe(seen)
