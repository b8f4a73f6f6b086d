from hypothesis import given
from hypothesis import strategies as st

from seawall.guards.retry.quota import BUDGET_LEAST, COST, FULL, MAX_TARGETS, RetryQuota, RetryQuotas


def test_a_full_bucket_pays_for_thirty_five_retries() -> None:
    quota = RetryQuota()

    assert sum(quota.may_retry() for _ in range(1000)) == FULL // COST == 35


def test_an_empty_bucket_gets_one_retry_for_fourteen_successes() -> None:
    quota = RetryQuota()
    while quota.may_retry():
        pass
    left = quota.tokens

    for _ in range(COST - left - 1):
        quota.succeed()
    assert not quota.may_retry()
    quota.succeed()
    assert quota.may_retry()


def test_a_bucket_holds_no_more_than_it_can() -> None:
    quota = RetryQuota()
    quota.succeed()

    assert quota.tokens == FULL


def test_no_more_than_a_fifth_of_the_live_exchanges_try_again_at_once() -> None:
    quota = RetryQuota()
    quota.live, quota.retrying = 100, 19

    assert quota.may_retry()
    quota.retrying = 20
    assert not quota.may_retry()
    assert quota.tokens == FULL - COST  # what is refused costs nothing


def test_a_few_may_always_try_again() -> None:
    quota = RetryQuota()
    quota.live, quota.retrying = 1, BUDGET_LEAST - 1

    assert quota.may_retry()


@given(successes=st.lists(st.booleans(), max_size=3000))
def test_retries_never_exceed_the_bucket_and_what_successes_gave(successes: list[bool]) -> None:
    quota, retries = RetryQuota(), 0
    for is_good in successes:
        if is_good:
            quota.succeed()
        else:
            retries += quota.may_retry()

    assert retries * COST <= FULL + sum(successes)
    assert 0 <= quota.tokens <= FULL


def test_each_target_has_its_own_quota() -> None:
    quotas = RetryQuotas()
    quotas.of("a/x").tokens = 0

    assert quotas.of("a/x").tokens == 0
    assert quotas.of("b/x").tokens == FULL


def test_the_oldest_idle_target_is_forgotten_first() -> None:
    quotas = RetryQuotas()
    busy, idle = quotas.of("busy"), quotas.of("idle")
    busy.live = 1
    for number in range(MAX_TARGETS - 1):
        quotas.of(f"t/{number}")

    assert len(quotas) == MAX_TARGETS
    assert quotas.of("busy") is busy
    assert quotas.of("idle") is not idle


def test_what_is_in_use_is_never_forgotten() -> None:
    quotas = RetryQuotas()
    for number in range(MAX_TARGETS + 1):
        quotas.of(f"t/{number}").live = 1

    assert len(quotas) == MAX_TARGETS + 1
