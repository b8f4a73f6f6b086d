import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.spend_forecast import exhausted_at_s, linear_forecast
from seawall.core.window import LIFETIME, Window

DAY = Window("2026-11-21/UTC", 0.0, 86_400.0)


def test_the_pace_so_far_goes_on_to_the_end_of_the_window() -> None:
    assert linear_forecast(10, DAY, 21_600.0) == 40
    assert linear_forecast(1, DAY, 86_399.0) == 2, "rounded up"


@pytest.mark.parametrize(
    ("window", "now_s"),
    [
        pytest.param(DAY, 299.0, id="too young"),
        pytest.param(DAY, 86_400.0, id="over"),
        pytest.param(DAY, -5.0, id="to come, for a clock that jumped back"),
        pytest.param(LIFETIME, 1e9, id="without end"),
        pytest.param(Window("m", 0.0, 60.0), 59.0, id="a minute"),
    ],
)
def test_nothing_is_said_where_nothing_can_be(window: Window, now_s: float) -> None:
    assert linear_forecast(10, window, now_s) is None
    assert exhausted_at_s(10, 1, window, now_s) is None


def test_the_moment_of_the_cap_is_named_where_it_comes_before_the_end() -> None:
    assert exhausted_at_s(10, 20, DAY, 21_600.0) == 43_200.0
    assert exhausted_at_s(10, 40, DAY, 21_600.0) is None, "exactly the cap at the end"
    assert exhausted_at_s(10, 5, DAY, 21_600.0) == 21_600.0, "reached already"


@given(spent=st.integers(0, 10**18), now_s=st.floats(300, 86_399))
def test_a_forecast_is_never_below_what_is_spent(spent: int, now_s: float) -> None:
    forecast = linear_forecast(spent, DAY, now_s)

    assert forecast is not None
    assert forecast >= spent
