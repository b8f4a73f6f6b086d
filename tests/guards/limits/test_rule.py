from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.holder import Said, Subject
from seawall.core.rate import Bucket, Rate
from seawall.core.record import AttemptRecord
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, MESSAGES, RESPONSES, Endpoint
from seawall.guards.limits.rule import (
    LONGEST_RETRY_S,
    Wanted,
    buckets_of,
    is_worth_retrying,
    output_tokens,
    refusal,
    used_tokens,
)
from seawall.guards.limits.settings import Limit

SUBJECT = Subject("/ai/chat", "k_1", team="a", user=Said("bob", "ab12", is_bound=False))
RATE = Rate(20, 5)


def test_a_call_takes_from_its_own_buckets_first_and_from_everybodys_last() -> None:
    limits = [
        Limit("all", "", "requests", Rate(1000, 100)),
        Limit("all", "", "tokens", Rate(90_000, 9000)),
        Limit("team", "*", "tokens", Rate(40_000, 4000)),
        Limit("route", "/ai/chat", "requests", Rate(600, 60)),
        Limit("user", "*", "requests", RATE),
    ]

    assert buckets_of(limits, SUBJECT) == Wanted(
        requests=(
            Bucket("user:k_1/ab12#requests", RATE),
            Bucket("route:/ai/chat#requests", Rate(600, 60)),
            Bucket("all#requests", Rate(1000, 100)),
        ),
        tokens=(Bucket("team:a#tokens", Rate(40_000, 4000)), Bucket("all#tokens", Rate(90_000, 9000))),
    )


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(Limit("route", "/ai/other", "requests", RATE), id="another route"),
        pytest.param(Limit("conversation", "*", "requests", RATE), id="none was named"),
        pytest.param(Limit("provider", "*", "requests", RATE), id="nobody knows it yet"),
        pytest.param(Limit("user", "carol", "requests", RATE), id="another user"),
    ],
)
def test_what_means_nobody_in_this_call_counts_nothing(limit: Limit) -> None:
    assert buckets_of([limit], SUBJECT) == Wanted((), ())


def test_where_two_limits_mean_one_bucket_the_smaller_holds() -> None:
    limits = [Limit("user", "*", "requests", Rate(20, 50)), Limit("user", "bob", "requests", Rate(30, 10))]

    assert buckets_of(limits, SUBJECT).requests == (Bucket("user:k_1/ab12#requests", Rate(20, 10)),)


@pytest.mark.parametrize(
    ("endpoint", "fields", "tokens"),
    [
        pytest.param(MESSAGES, {"max_tokens": 100}, 100, id="what was asked for"),
        pytest.param(MESSAGES, {"max_tokens": 5000}, 300, id="no more than the route gives"),
        pytest.param(MESSAGES, {}, 300, id="the route's, where none was asked for"),
        pytest.param(MESSAGES, {"max_tokens": "many"}, 300, id="a text is no number"),
        pytest.param(MESSAGES, {"max_tokens": True}, 300, id="yes is none"),
        pytest.param(MESSAGES, {"max_tokens": -1}, 300, id="nor is less than nothing"),
        pytest.param(MESSAGES, {"max_tokens": 0}, 0, id="zero warms a cache"),
        pytest.param(CHAT, {"max_tokens": 7}, 7, id="the older name"),
        pytest.param(CHAT, {"max_tokens": 7, "max_completion_tokens": 9}, 9, id="the larger of two"),
        pytest.param(RESPONSES, {"max_output_tokens": 11, "max_tokens": 99}, 11, id="each dialect's own name"),
        pytest.param(EMBEDDINGS, {"max_tokens": 7}, 0, id="nothing is written"),
        pytest.param(COUNT_TOKENS, {"max_tokens": 7}, 0, id="nothing is written here either"),
    ],
)
def test_an_answer_is_as_long_as_it_may_be(endpoint: Endpoint, fields: dict[str, object], tokens: int) -> None:
    assert output_tokens(endpoint, fields, 300) == tokens


def attempt(usage: str, **counts: Any) -> AttemptRecord:  # the counts of the record
    return AttemptRecord("anthropic", "model", 0.0, 1.0, usage=usage, **counts)


@pytest.mark.parametrize(
    ("attempts", "used"),
    [
        pytest.param([], 0, id="nothing was sent"),
        pytest.param([attempt("none")], 0, id="the provider refused"),
        pytest.param([attempt("reported", input_tokens=30, output_tokens=12)], 42, id="as it was counted"),
        pytest.param(
            [
                attempt(
                    "reported",
                    input_tokens=1,
                    cache_read_tokens=10,
                    cache_write_short_tokens=100,
                    cache_write_long_tokens=1000,
                    output_tokens=10_000,
                    thinking_tokens=100_000,
                )
            ],
            111_111,
            id="every token, cached or not",
        ),
        pytest.param([attempt("missing")], 500, id="nobody knows"),
        pytest.param([attempt("partial", input_tokens=30)], 500, id="broken off"),
        pytest.param([attempt("partial", input_tokens=700)], 700, id="broken off beyond the estimate"),
        pytest.param([attempt("missing"), attempt("reported", input_tokens=42)], 542, id="all attempts together"),
    ],
)
def test_what_a_call_used(attempts: list[AttemptRecord], used: int) -> None:
    assert used_tokens(attempts, 500) == used


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(0, 10**6))
def test_the_refusal_names_the_holder_the_limit_and_how_much(per_minute: int, burst: int, wait_s: float) -> None:
    verdict = refusal(Bucket("user:k_1/ab#12#tokens", Rate(per_minute, burst)), 4711, wait_s)

    assert verdict.code == "limit.tokens"
    assert verdict.note.startswith(f"user:k_1/ab#12 may use {per_minute} tokens a minute, {burst} at once")
    assert "needs 4711 " in verdict.note
    assert verdict.note.endswith(f"{wait_s:.3f} s")


def test_who_has_to_wait_for_more_than_a_minute_is_told_not_to_try_by_itself() -> None:
    assert is_worth_retrying(LONGEST_RETRY_S)
    assert not is_worth_retrying(LONGEST_RETRY_S + 0.001)
