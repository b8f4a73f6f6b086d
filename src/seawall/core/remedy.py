"""What helps against a failed attempt: the same target again, another target, or nothing."""

from typing import Final, NamedTuple

from seawall.core.error import (
    BudgetExhausted,
    Overloaded,
    SeawallError,
    TargetClosed,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
)

_TRANSIENT: Final = frozenset({408, 409, 429})
_SERVER_ERROR: Final = 500
_THROTTLED: Final = 429
# Statuses that are the account's or the model's fault, and nobody's who sent the call: the next target may do better.
_ELSEWHERE: Final = frozenset({402, 404})
_CONFLICT: Final = 409
# An account's own cap answers 400 with no code of its own (platform.claude.com/docs/en/api/errors); the sentence is
# all that there is to know it by.
_CAPPED: Final = "You have reached your specified API usage limits"


class Remedy(NamedTuple):
    """`again` the same target may do better, `elsewhere` another one may, `is_outage` the target is to blame.

    `is_throttle` tells "too much" from "broken": waits begin longer.
    """

    again: bool = False
    elsewhere: bool = False
    is_outage: bool = False
    is_throttle: bool = False


NOTHING: Final = Remedy()
_BROKEN: Final = Remedy(again=True, elsewhere=True, is_outage=True)
_AWAY: Final = Remedy(elsewhere=True, is_outage=True)


def remedy_of(error: BaseException) -> Remedy:
    """Say what helps.

    Transient are 408, 409, 429 and everything from 500, connections that fail or break, and timeouts of a phase. What
    the provider says with `x-should-retry` goes before that. A refused credential, a spent account and an unknown model
    are no better the second time, and no reason not to try elsewhere. A call that does not fit under a cap may fit as a
    cheaper one, where its route would have that.
    """
    if not isinstance(error, SeawallError):
        return NOTHING
    if isinstance(error, TargetClosed | Overloaded) or (isinstance(error, BudgetExhausted) and error.may_degrade):
        return Remedy(elsewhere=True)
    if not isinstance(error, UpstreamError):
        return NOTHING
    if isinstance(error, UpstreamCredentials):
        return _AWAY
    if not isinstance(error, UpstreamRefused):
        return _BROKEN
    return _of_status(error)


def _of_status(error: UpstreamRefused) -> Remedy:
    status, said = error.status, dict(error.headers).get(b"x-should-retry")
    if status in _ELSEWHERE or (error.should_retry is False and status == _THROTTLED):
        return _AWAY
    if str(error).startswith(_CAPPED):
        return _AWAY
    if status not in _TRANSIENT and status < _SERVER_ERROR:
        return Remedy(again=said == b"true")
    again = said != b"false"
    return Remedy(again, elsewhere=True, is_outage=status != _CONFLICT, is_throttle=status == _THROTTLED)
