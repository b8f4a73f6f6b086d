from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.verdict import ALLOW, Refuse
from seawall.guards.concurrency.rule import (
    CUT_EVERY_S,
    OVERDRAFT,
    WINDOW_CALLS,
    WINDOW_S,
    GradientLimit,
    Kind,
    admit,
    retry_after_s,
)
from seawall.guards.concurrency.settings import AdmissionSettings, ConcurrencySettings


class Load:
    """Drive a limit with windows of calls that took the same time."""

    def __init__(self, **more: Any) -> None:  # ConcurrencySettings' own fields
        self.limit = GradientLimit(ConcurrencySettings(**{"first": 100, "least": 8, "most": 1000, **more}))
        self.now_s = 0.0

    def run(self, in_flight: int) -> None:
        while self.limit.in_flight < in_flight:
            assert self.limit.enter("interactive")
        while self.limit.in_flight > in_flight:
            self.limit.leave("interactive")

    def windows(self, count: int, latency_s: float, kind: Kind = Kind.WHOLE, every_s: float = 1.0) -> None:
        for _ in range(count):
            for number in range(WINDOW_CALLS):
                self.limit.measure(kind, latency_s, self.now_s + number * every_s / WINDOW_CALLS)
            self.now_s += every_s


def test_a_limit_begins_where_the_policy_says() -> None:
    assert Load().limit.limit == 100
    assert Load(first=5).limit.limit == 8
    assert Load(first=5000).limit.limit == 1000
    assert Load(is_adaptive=False).limit.limit == 1000


@pytest.mark.parametrize(
    ("traffic_class", "places"), [("interactive", 100), ("automation", 85), ("analysis", 70), ("", 100)]
)
def test_each_class_has_its_share(traffic_class: str, places: int) -> None:
    load = Load()

    assert sum(load.limit.enter(traffic_class) for _ in range(200)) == places


def test_what_the_lower_classes_may_not_fill_is_left_for_those_above() -> None:
    limit = Load().limit

    assert sum(limit.enter("analysis") for _ in range(200)) == 70
    assert sum(limit.enter("automation") for _ in range(200)) == 15
    assert limit.enter("interactive")


def test_lower_classes_that_hold_places_do_not_send_the_first_one_away() -> None:
    limit = Load().limit
    for _ in range(70):
        assert limit.enter("analysis")

    assert sum(limit.enter("interactive") for _ in range(200)) == 50
    assert not limit.enter("analysis")
    for _ in range(70):
        limit.leave("analysis")
    assert sum(limit.enter("interactive") for _ in range(200)) == 50


def test_a_limit_in_use_grows_while_the_latency_stays() -> None:
    load = Load()
    load.run(60)
    load.windows(10, 1.0)

    assert load.limit.limit == pytest.approx(100 + 10 * 0.8)


def test_a_limit_that_nobody_needs_stays() -> None:
    load = Load()
    load.run(20)
    load.windows(10, 1.0)
    load.windows(10, 9.0)

    assert load.limit.limit == 100


def test_a_latency_beyond_the_tolerance_shrinks_the_limit_down_to_its_least() -> None:
    load = Load()
    load.run(20)
    load.windows(10, 1.0)
    load.run(100)
    load.windows(1, 1.0)
    at_first = load.limit.limit
    load.windows(1, 3.0)

    assert load.limit.limit == pytest.approx(at_first * 0.75 + 0.8, rel=0.01)
    load.windows(40, 20.0)
    assert load.limit.limit == pytest.approx(8, abs=3)


def test_a_latency_within_the_tolerance_is_no_reason() -> None:
    load = Load()
    load.run(20)
    load.windows(10, 1.0)
    load.run(100)
    load.windows(5, 1.4)

    assert load.limit.limit > 100


def test_under_load_the_long_average_hardly_follows() -> None:
    load = Load()
    load.run(20)
    load.windows(10, 1.0)
    load.run(100)
    load.windows(30, 1.4)
    load.windows(1, 2.0)

    assert load.limit.limit < 100 + 31 * 0.8
    assert load.limit._kinds[Kind.WHOLE.value].long_s == pytest.approx(1.0, abs=0.05)  # the law that bounds the limit


def test_a_target_that_has_become_slower_for_good_is_believed_in_the_end() -> None:
    load = Load()
    load.run(20)
    load.windows(10, 1.0)
    load.windows(100, 3.0)
    load.run(100)
    load.windows(1, 3.0)

    assert load.limit.limit > 100


def test_streams_and_whole_answers_are_not_compared_with_each_other() -> None:
    load = Load()
    load.run(60)
    for _ in range(5):
        load.windows(1, 0.3, Kind.STREAM)
        load.windows(1, 20.0, Kind.WHOLE)

    assert load.limit.limit > 100


def test_calls_that_end_together_are_one_window() -> None:
    load = Load()
    load.run(60)
    for _ in range(10 * WINDOW_CALLS):
        load.limit.measure(Kind.WHOLE, 1.0, 5.0)
    assert load.limit.limit == 100

    load.limit.measure(Kind.WHOLE, 1.0, 5.0 + 2 * WINDOW_S)
    assert load.limit.limit > 100


def test_what_is_thrown_back_shrinks_the_limit_once_for_all_that_come_together() -> None:
    load = Load()
    for _ in range(50):
        load.limit.drop(1.0)
    assert load.limit.limit == 80

    load.limit.drop(1.0 + CUT_EVERY_S)
    assert load.limit.limit == 64
    for second in range(100):
        load.limit.drop(10.0 + second)
    assert load.limit.limit == 8


def test_a_fixed_limit_follows_nothing() -> None:
    load = Load(is_adaptive=False, most=50)
    load.run(50)
    load.windows(5, 1.0)
    load.windows(5, 9.0)
    load.limit.drop(99.0)

    assert load.limit.limit == 50


def test_other_settings_keep_what_was_found_as_far_as_they_allow() -> None:
    limit = Load().limit
    limit.drop(0.0)

    limit.follow(ConcurrencySettings(first=10, most=200))
    assert limit.limit == 80
    limit.follow(ConcurrencySettings(first=10, most=60))
    assert limit.limit == 60
    limit.follow(ConcurrencySettings(most=7, is_adaptive=False))
    assert limit.limit == 7
    limit.follow(ConcurrencySettings(first=10))
    assert limit.limit == 10


@given(
    events=st.lists(
        st.one_of(
            st.tuples(st.just("measure"), st.sampled_from(Kind), st.floats(0, 1e4)),
            st.tuples(st.just("enter"), st.sampled_from(["interactive", "automation", "analysis", "?"])),
            st.tuples(st.just("leave")),
            st.tuples(st.just("drop")),
        ),
        max_size=300,
    )
)
def test_the_limit_stays_within_its_bounds_and_is_never_overrun(events: list[Any]) -> None:
    limit, now_s = GradientLimit(ConcurrencySettings(first=10, least=4, most=20)), 0.0
    inside: list[str] = []
    for event in events:
        now_s += 0.3
        match event:
            case ("measure", kind, latency_s):
                for _ in range(WINDOW_CALLS):
                    now_s += 0.01
                    limit.measure(kind, latency_s, now_s)
            case ("enter", traffic_class):
                before = limit.in_flight
                if limit.enter(traffic_class):
                    inside.append(traffic_class)
                    assert before < limit.limit * OVERDRAFT
            case ("leave",) if inside:
                limit.leave(inside.pop())
            case ("drop",):
                limit.drop(now_s)
        assert 4 <= limit.limit <= 20
        assert limit.in_flight == len(inside)


ADMISSION = AdmissionSettings(most=100)


@pytest.mark.parametrize(
    ("traffic_class", "in_flight", "lag_s", "is_let_in"),
    [
        pytest.param("interactive", 99, 0.25, True, id="interactive, up to everything"),
        pytest.param("interactive", 100, 0.0, False, id="interactive, full"),
        pytest.param("interactive", 0, 0.26, False, id="interactive, far too late"),
        pytest.param("automation", 84, 0.1, True, id="automation, its share"),
        pytest.param("automation", 85, 0.0, False, id="automation, above its share"),
        pytest.param("automation", 0, 0.11, False, id="automation, too late"),
        pytest.param("analysis", 69, 0.05, True, id="analysis, its share"),
        pytest.param("analysis", 70, 0.0, False, id="analysis, above its share"),
        pytest.param("analysis", 0, 0.06, False, id="analysis, late"),
        pytest.param("", 99, 0.25, True, id="no class counts as the first"),
    ],
)
def test_a_worker_admits_by_class(traffic_class: str, in_flight: int, lag_s: float, is_let_in: bool) -> None:
    verdict = admit(ADMISSION, in_flight, lag_s, traffic_class)

    assert (verdict is ALLOW) is is_let_in
    assert is_let_in or (isinstance(verdict, Refuse) and verdict.code == "overload.shed")


def test_who_can_wait_longest_comes_back_last() -> None:
    waits = [retry_after_s(c) for c in ("interactive", "automation", "analysis")]

    assert waits == sorted(waits)
    assert retry_after_s("?") == waits[0]
