"""Which failures are answered in spite of them."""

from seawall.core.error import BudgetExhausted, DeadlineExceeded, SeawallError, Unavailable, UpstreamError
from seawall.core.remedy import remedy_of


def is_stood_in_for(error: SeawallError) -> bool:
    """Say whether a client is better served by a substitute than by this error.

    It is where nobody can answer now: nothing may be called, nobody answers, or time is up. A request that was refused,
    by us or by the provider, would be refused again, and whoever sent it has to know; unless it is for a cap, and the
    route degrades there.
    """
    if isinstance(error, UpstreamError):
        return remedy_of(error).elsewhere
    if isinstance(error, BudgetExhausted):
        return error.may_degrade
    return isinstance(error, Unavailable | DeadlineExceeded)
