"""Carry the access rule out."""

from collections.abc import Awaitable

from seawall.core.error import NotAllowed, NotAuthenticated, Refused
from seawall.core.verdict import Refuse
from seawall.guards.access.rule import decide
from seawall.pipeline.exchange import CallNext, Exchange, Reply


class AccessGuard:
    """Refuse callers without a good key, and good keys on routes that are not theirs; calls on once."""

    def __call__(self, exchange: Exchange, call_next: CallNext) -> Awaitable[Reply]:
        """Decide, then go on.

        Raises:
            NotAuthenticated: no good key.
            NotAllowed: a good key that may not use the route.
        """
        verdict = decide(exchange.principal, exchange.route, exchange.at_s)
        if isinstance(verdict, Refuse):
            raise refusal(verdict)
        return call_next(exchange)


def refusal(verdict: Refuse) -> Refused:
    """Make the error of a refusal by the access rule."""
    error = NotAuthenticated if verdict.code == NotAuthenticated.code else NotAllowed
    return error(verdict.note, code=verdict.code)
