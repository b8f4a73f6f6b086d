import pytest

from seawall.core.error import (
    BadRequest,
    BudgetExhausted,
    DeadlineExceeded,
    Killed,
    Overloaded,
    TargetClosed,
    UpstreamBroken,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.core.remedy import NOTHING, Remedy, remedy_of


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnreachable("no connection"),
        UpstreamBroken("cut"),
        UpstreamTimeout("connect", 1),
        UpstreamTimeout("first_token", 1),
        UpstreamRefused(408, "", "late"),
        UpstreamRefused(500, "api_error", "broken"),
        UpstreamRefused(503, "", "away"),
        UpstreamRefused(529, "overloaded_error", "full"),
    ],
)
def test_what_is_broken_may_be_well_the_next_time_or_elsewhere(error: UpstreamError) -> None:
    assert remedy_of(error) == Remedy(again=True, elsewhere=True, is_outage=True)


def test_too_much_is_waited_for_longer_than_broken() -> None:
    assert remedy_of(UpstreamRefused(429, "rate_limit_error", "slow down")) == Remedy(
        again=True, elsewhere=True, is_outage=True, is_throttle=True
    )


def test_a_conflict_is_tried_again_and_blamed_on_nobody() -> None:
    assert remedy_of(UpstreamRefused(409, "conflict_error", "twice")) == Remedy(again=True, elsewhere=True)


def _spent() -> UpstreamRefused:
    error = UpstreamRefused(429, "rate_limit_error", "spent", detail="enforced_spend_limit_reached")
    error.should_retry = False
    return error


@pytest.mark.parametrize(
    "error",
    [
        UpstreamCredentials("refused"),
        UpstreamRefused(402, "billing_error", "pay"),
        UpstreamRefused(404, "not_found_error", "no such model"),
        UpstreamRefused(400, "invalid_request_error", "You have reached your specified API usage limits. …"),
        _spent(),
    ],
)
def test_what_is_the_accounts_fault_is_no_better_the_second_time_but_elsewhere(error: UpstreamError) -> None:
    assert remedy_of(error) == Remedy(elsewhere=True, is_outage=True)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_wrong_is_wrong_everywhere(status: int) -> None:
    assert remedy_of(UpstreamRefused(status, "invalid_request_error", "bad")) == NOTHING


def test_the_providers_own_word_on_trying_again_goes_first() -> None:
    no = UpstreamRefused(503, "", "away")
    no.headers = ((b"x-should-retry", b"false"),)
    yes = UpstreamRefused(400, "", "odd")
    yes.headers = ((b"x-should-retry", b"true"),)

    assert remedy_of(no) == Remedy(elsewhere=True, is_outage=True)
    assert remedy_of(yes) == Remedy(again=True)


@pytest.mark.parametrize("error", [TargetClosed("open", retry_after_s=2.0), Overloaded("full")])
def test_what_was_never_sent_goes_elsewhere_and_is_nobodys_outage(error: Exception) -> None:
    assert remedy_of(error) == Remedy(elsewhere=True)


@pytest.mark.parametrize("error", [BadRequest("bad"), DeadlineExceeded("late"), Killed("off"), ValueError("ours")])
def test_nothing_helps_against_a_no_of_ours(error: Exception) -> None:
    assert remedy_of(error) == NOTHING


def test_a_closed_target_says_when_it_may_open() -> None:
    assert TargetClosed("open", retry_after_s=2.0).retry_after_s == 2.0
    assert TargetClosed("open").retry_after_s == 1.0


@pytest.mark.parametrize("may_degrade", [True, False])
def test_what_does_not_fit_under_a_cap_may_fit_elsewhere_only_where_the_route_degrades(may_degrade: bool) -> None:
    error = BudgetExhausted("nothing is left")
    error.may_degrade = may_degrade

    assert remedy_of(error) == Remedy(elsewhere=may_degrade)
