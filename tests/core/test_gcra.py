from hypothesis import given
from hypothesis import strategies as st

from seawall.core.gcra import (
    MOST_UNITS,
    SLACK_US,
    UNIT,
    US,
    Later,
    Level,
    Took,
    charge,
    full_at_us,
    level_at,
    look,
    put_back,
    seconds,
    take,
    whole_us,
)
from seawall.core.rate import Rate

NOW_US = 1_795_000_000 * US
HOUR_US = 3600 * US
EMPTY = Level(0, NOW_US)

rates = st.builds(Rate, per_minute=st.integers(1, 10_000_000), burst=st.integers(1, 10_000_000))
slow_rates = st.builds(Rate, per_minute=st.integers(1, 600), burst=st.integers(1, 30))
levels = st.builds(Level, parts=st.integers(0, 50_000_000 * UNIT), at_us=st.just(NOW_US))


@given(
    rate=slow_rates,
    steps=st.lists(st.tuples(st.integers(0, 3 * US), st.integers(1, 40), st.integers(0, 40)), max_size=60),
    window_us=st.integers(1, 60 * US),
)
def test_no_window_sees_more_than_the_burst_and_what_came_back(
    rate: Rate, steps: list[tuple[int, int, int]], window_us: int
) -> None:
    level, now_us, passed = EMPTY, NOW_US, list[tuple[int, int]]()
    for wait_us, least, more in steps:
        now_us += wait_us
        answer = take(level, rate, least, least + more, now_us)
        level = answer.level
        if isinstance(answer, Took):
            assert least <= answer.units <= least + more
            passed.append((now_us, answer.units))

    for first, (begins_us, _) in enumerate(passed):
        inside = [units for at_us, units in passed[first:] if at_us <= begins_us + window_us]
        # What is larger than the burst passes only a full bucket, so that it is the first of a window or alone in it.
        oversized = max(0, *(units - rate.burst for units in inside))
        assert sum(inside) * UNIT <= (rate.burst + oversized) * UNIT + rate.per_minute * window_us


@given(level=levels, rate=rates, units=st.integers(1, 20_000_000), later_us=st.integers(0, HOUR_US))
def test_the_announced_wait_is_exact(level: Level, rate: Rate, units: int, later_us: int) -> None:
    answer = take(level, rate, units, units, NOW_US + later_us)
    looked_us = look(level, rate, units, NOW_US + later_us)

    if isinstance(answer, Took):
        assert (answer.units, looked_us) == (units, NOW_US + later_us)
    else:
        assert answer.at_us == looked_us > NOW_US + later_us
        assert isinstance(take(answer.level, rate, units, units, answer.at_us - 1), Later)
        assert isinstance(take(answer.level, rate, units, units, answer.at_us), Took)


@given(level=levels, rate=rates, cuts=st.lists(st.integers(0, HOUR_US), max_size=20))
def test_looking_often_changes_nothing(level: Level, rate: Rate, cuts: list[int]) -> None:
    often = level
    for cut_us in sorted(cuts):
        often = level_at(often, rate, NOW_US + cut_us)

    assert level_at(often, rate, NOW_US + HOUR_US) == level_at(level, rate, NOW_US + HOUR_US)


@given(
    rate=rates,
    parts=st.integers(0, 1000 * UNIT),
    back_us=st.integers(SLACK_US + 1, 24 * HOUR_US),
    units=st.integers(1, 100),
)
def test_a_clock_that_is_set_back_locks_no_longer_than_the_bucket_takes_to_fill(
    rate: Rate, parts: int, back_us: int, units: int
) -> None:
    before = Level(parts, NOW_US)
    after = level_at(before, rate, NOW_US - back_us)

    assert after.parts == before.parts, "it does not open either"
    assert full_at_us(after, rate) - after.at_us == full_at_us(before, rate) - before.at_us
    assert look(before, rate, units, NOW_US - back_us) == look(before, rate, units, NOW_US) - back_us


@given(rate=rates, parts=st.integers(0, 1000 * UNIT), back_us=st.integers(0, SLACK_US))
def test_a_time_a_little_out_of_order_counts_as_the_last_one(rate: Rate, parts: int, back_us: int) -> None:
    level = Level(parts, NOW_US)

    assert level_at(level, rate, NOW_US - back_us) == level
    assert look(level, rate, 1, NOW_US - back_us) == take_time(level, rate)


def take_time(level: Level, rate: Rate) -> int:
    answer = take(level, rate, 1, 1, level.at_us)
    return answer.at_us if isinstance(answer, Later) else level.at_us


@given(level=levels, rate=rates, ahead_us=st.integers(0, 100 * HOUR_US))
def test_a_clock_that_jumps_ahead_fills_the_bucket_no_more_than_once(level: Level, rate: Rate, ahead_us: int) -> None:
    answer = take(level_at(level, rate, NOW_US + ahead_us), rate, 1, 2 * rate.burst, NOW_US + ahead_us)

    assert isinstance(answer, Later) or answer.units <= rate.burst


@given(level=levels, rate=rates, units=st.integers(1, 1000), more=st.integers(0, 1000), wait_us=st.integers(0, HOUR_US))
def test_more_to_take_and_less_in_the_bucket_never_pass_sooner(
    level: Level, rate: Rate, units: int, more: int, wait_us: int
) -> None:
    fuller = level_at(level, rate, NOW_US + wait_us)

    assert look(level, rate, units, NOW_US) <= look(level, rate, units + more, NOW_US)
    assert look(fuller, rate, units, NOW_US) <= look(level, rate, units, NOW_US + wait_us)
    assert fuller.parts <= level.parts


@given(level=levels, rate=rates, units=st.integers(1, 20_000_000))
def test_what_was_taken_and_put_back_leaves_the_bucket_as_it_was(level: Level, rate: Rate, units: int) -> None:
    answer = take(level, rate, units, units, NOW_US)

    if isinstance(answer, Took):
        assert put_back(answer.level, rate, units, NOW_US) == level
    assert put_back(charge(level, rate, units, NOW_US), rate, units, NOW_US) == level
    assert put_back(level, rate, 10**9, NOW_US) == EMPTY


@given(level=levels, rate=rates)
def test_a_bucket_is_full_at_the_time_it_says_and_not_before(level: Level, rate: Rate) -> None:
    at_us = full_at_us(level, rate)

    assert level_at(level, rate, at_us).parts == 0
    assert at_us == NOW_US or level_at(level, rate, at_us - 1).parts > 0


@given(at_us=st.integers(0, 2**52))
def test_a_time_goes_through_seconds_unchanged(at_us: int) -> None:
    assert whole_us(seconds(at_us)) == at_us


def test_what_is_larger_than_the_burst_passes_a_full_bucket_and_is_owed() -> None:
    rate = Rate(per_minute=60, burst=10)
    answer = take(EMPTY, rate, 25, 40, NOW_US)

    assert answer == Took(Level(25 * UNIT, NOW_US), 25)
    assert take(answer.level, rate, 25, 25, NOW_US + 25 * US - 1) == Later(answer.level, NOW_US + 25 * US)


def test_asking_in_vain_changes_a_bucket_only_where_the_clock_was_set_back() -> None:
    rate, level = Rate(per_minute=60, burst=1), Level(UNIT, NOW_US)
    later, slack, back = (take(level, rate, 1, 1, NOW_US + gone_us) for gone_us in (US // 2, -SLACK_US, -SLACK_US - 1))

    assert later == slack == Later(level, NOW_US + US)
    assert back == Later(Level(UNIT, NOW_US - SLACK_US - 1), NOW_US + US - SLACK_US - 1)


def test_a_debt_has_an_end_that_a_store_can_keep() -> None:
    owed = charge(EMPTY, Rate(1, 1), 10**18, NOW_US)

    assert owed == Level(MOST_UNITS * UNIT, NOW_US)
    assert full_at_us(owed, Rate(1, 1)) < 2**63


def test_thirds_never_drift() -> None:
    rate, now_us = Rate(per_minute=180, burst=2), NOW_US
    level = charge(EMPTY, rate, 2, now_us)
    for _ in range(3000):
        now_us = look(level, rate, 1, now_us)
        answer = take(level, rate, 1, 1, now_us)
        assert isinstance(answer, Took)
        level = answer.level

    assert now_us - NOW_US == 1000 * US
