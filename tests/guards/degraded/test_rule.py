import pytest

from seawall.core.error import (
    BadRequest,
    BudgetExhausted,
    Conflict,
    DeadlineExceeded,
    Killed,
    Mismatch,
    NotAllowed,
    Overloaded,
    SeawallError,
    TargetClosed,
    Unavailable,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.guards.degraded.rule import is_stood_in_for
from seawall.pipeline.watchdog import HungUp


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("the store is away"),
        Killed("an operator switched it off"),
        TargetClosed("open"),
        Overloaded("too many"),
        DeadlineExceeded("late"),
        UpstreamTimeout("first_token", 3.0),
        UpstreamTimeout("connect", 3.0),
        UpstreamUnreachable("nobody there"),
        UpstreamBroken("cut"),
        UpstreamCredentials("our key"),
        UpstreamRefused(429, "rate_limit_error", "slower"),
        UpstreamRefused(500, "api_error", "oops"),
        UpstreamRefused(529, "overloaded_error", "later"),
    ],
    ids=lambda error: f"{type(error).__name__} {error.status}",
)
def test_where_nobody_can_answer_something_stands_in(error: SeawallError) -> None:
    assert is_stood_in_for(error)


@pytest.mark.parametrize(
    "error",
    [
        BadRequest("no"),
        NotAllowed("no"),
        Conflict("taken"),
        Mismatch("another"),
        HungUp("gone"),
        UpstreamRefused(400, "invalid_request_error", "no"),
        UpstreamRefused(413, "request_too_large", "no"),
        SeawallError("a thing without a name"),
    ],
    ids=lambda error: f"{type(error).__name__} {error.status}",
)
def test_what_the_client_has_to_know_stands(error: SeawallError) -> None:
    assert not is_stood_in_for(error)


@pytest.mark.parametrize("may_degrade", [True, False])
def test_a_cap_is_answered_instead_only_where_the_route_degrades(may_degrade: bool) -> None:
    error = BudgetExhausted("nothing is left")
    error.may_degrade = may_degrade

    assert is_stood_in_for(error) is may_degrade
