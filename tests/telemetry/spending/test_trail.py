from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.spending.trail import Trail

DAY_S = 86_400.0


def test_nothing_is_known_of_nothing() -> None:
    trail = Trail(DAY_S)

    assert trail.spent_over(60.0, 5.0) == 0


def test_spending_is_even_between_two_points() -> None:
    trail = Trail(DAY_S)
    trail.add(0.0, 7)
    trail.add(100.0, 50)

    assert trail.spent_over(50.0, 100.0) == 25
    assert trail.spent_over(50.0, 120.0) == 15
    assert trail.spent_over(1000.0, 100.0) == 50
    assert trail.spent_over(10.0, 200.0) == 0


def test_a_moment_that_is_not_later_changes_the_last_point() -> None:
    trail = Trail(DAY_S)
    trail.add(0.0, 0)
    trail.add(10.0, 1)
    trail.add(10.0, 1)

    assert trail.spent_over(10.0, 10.0) == 2


def test_what_is_given_back_is_not_spent() -> None:
    trail = Trail(DAY_S)
    trail.add(0.0, 100)
    trail.add(10.0, -40)

    assert trail.spent_over(10.0, 10.0) == 0


@given(
    spends=st.lists(st.integers(0, 1000), min_size=1, max_size=3000),
    lookback_s=st.sampled_from([300.0, 1800.0, 3600.0, 21_600.0]),
)
def test_a_thinned_trail_says_nearly_the_same(spends: list[int], lookback_s: float) -> None:
    trail = Trail(DAY_S)
    trail.add(0.0, 0)
    for place, spent in enumerate(spends, 1):
        trail.add(place * 10.0, spent)

    now_s = len(spends) * 10.0
    said = trail.spent_over(lookback_s, now_s)

    slack = int(lookback_s / 30 / 10) + 2
    exact = len(spends) - int(lookback_s / 10)
    assert sum(spends[max(0, exact + slack) :]) <= said + 1
    assert said <= sum(spends[max(0, exact - slack) :]) + 1


def test_three_days_take_few_points() -> None:
    trail = Trail(3 * DAY_S)
    for place in range(60_000):
        trail.add(place * 10.0, 1)

    assert len(trail) < 400
    assert abs(trail.spent_over(3 * DAY_S, 599_990.0) - 25_920) <= 1
