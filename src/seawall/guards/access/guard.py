"""Carry the access rule out."""

from seawall.core.error import NotAllowed, NotAuthenticated
from seawall.core.verdict import Refuse
from seawall.guards.access.rule import decide
from seawall.pipeline.exchange import CallNext, Exchange, Reply


class AccessGuard:
    """Refuse callers without a good key, and good keys on routes that are not theirs; calls on once."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Decide, then go on.

        Raises:
            NotAuthenticated: no good key.
            NotAllowed: a good key that may not use the route.
        """
        verdict = decide(exchange.principal, exchange.route, exchange.at_s)
        if isinstance(verdict, Refuse):
            error = NotAuthenticated if verdict.code == NotAuthenticated.code else NotAllowed
            raise error(verdict.note, code=verdict.code)
        return await call_next(exchange)
