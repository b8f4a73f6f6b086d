"""The chain of targets: the route's model, its fallbacks after it, each with its own settings (row R2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.core.error import SeawallError, Unsupported, UpstreamError
from seawall.core.remedy import remedy_of
from seawall.core.target import Target
from seawall.dialects.dialect import MODELS
from seawall.pipeline.exchange import CallNext, Exchange, Reply


@dataclass(frozen=True, slots=True)
class ChainedLeg:
    """One target and the pipeline that leads to it. `is_degraded` marks a cheaper model, no equal of the rest."""

    target: Target
    call: CallNext
    is_degraded: bool = False


class Fallback:
    """The end of a route's pipeline: send the exchange down one leg after the other until one brings an answer.

    `own` is the pipeline of a target that the exchange has already, since the client chose its model. `max_attempts`
    bounds the attempts of the whole call.
    """

    def __init__(self, legs: Sequence[ChainedLeg], own: CallNext, max_attempts: int) -> None:
        self._legs = tuple(legs)
        self._own = own
        self._max_attempts = max_attempts

    async def __call__(self, exchange: Exchange) -> Reply:
        """Bring the first answer that a leg gives, or the failure that says most.

        A leg that cannot carry the request is passed over before anything is sent. A failure of a leg leads to the next
        one only where the next may do better (`core/remedy.py`), and attempts are left.

        Raises:
            SeawallError: every leg failed, or one did in a way that no other leg can mend.
        """
        if not self._legs or exchange.endpoint is MODELS:
            return await self._own(exchange)
        asked, taps = exchange.body, len(exchange.taps)
        failure: SeawallError | None = None
        last = len(self._legs) - 1
        for number, leg in enumerate(self._legs):
            exchange.target, exchange.legs_left = leg.target, last - number
            exchange.body = asked.fork() if asked is not None and number < last else asked
            del exchange.taps[taps:]
            try:
                reply = await leg.call(exchange)
            except SeawallError as error:
                failure = telling(failure, error)
                if not self._goes_on(exchange, error):
                    break
            else:
                if leg.is_degraded:
                    exchange.degraded = "model"
                    exchange.note("degraded.model")
                return reply
        if failure is None:
            raise RuntimeError("a chain without legs was asked to fail")
        if len(exchange.attempts) > 1 and isinstance(failure, UpstreamError) and failure.should_retry is None:
            failure.should_retry = False  # a client that tries again by itself would only repeat what was done here
        raise failure

    def _goes_on(self, exchange: Exchange, error: SeawallError) -> bool:
        if isinstance(error, Unsupported):
            return True
        return remedy_of(error).elsewhere and len(exchange.attempts) < self._max_attempts


def telling(known: SeawallError | None, new: SeawallError) -> SeawallError:
    """Choose which of two failures the client hears of: a provider's before ours, the later before the earlier.

    What a leg could not carry says little once another leg has been asked.
    """
    if known is None:
        return new
    if isinstance(known, UpstreamError) and not isinstance(new, UpstreamError):
        return known
    if isinstance(new, Unsupported):
        return known
    return new
