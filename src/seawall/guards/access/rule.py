"""Decide whether a caller may use a route; pure."""

from seawall.core.principal import Principal
from seawall.core.verdict import ALLOW, Refuse, Verdict


def decide(principal: Principal | None, route: str, now_s: float) -> Verdict:
    """Say whether this caller may use this route now (`now_s` is wall time).

    An unknown, a revoked and an expired key get the same answer, so that nobody learns which keys exist.
    """
    if principal is None or (principal.expires_at_s is not None and now_s >= principal.expires_at_s):
        return Refuse("access.unauthenticated", "no valid key; send one as `Authorization: Bearer sw_…` or `x-api-key`")
    if not principal.may_use(route):
        return Refuse("access.route", f"this key is not allowed on route {route!r}")
    return ALLOW
