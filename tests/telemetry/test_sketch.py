import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.sketch import RELATIVE_ERROR, Sketch

values = st.lists(st.floats(1e-8, 1e9) | st.just(0.0), min_size=1, max_size=300)
shares = st.floats(0, 1)


def sketch_of(numbers: list[float]) -> Sketch:
    sketch = Sketch()
    for number in numbers:
        sketch.add(number)
    return sketch


def exact(numbers: list[float], share: float) -> float:
    return sorted(numbers)[max(math.ceil(share * len(numbers)), 1) - 1]


@given(numbers=values, share=shares)
def test_every_percentile_is_right_to_within_its_error(numbers: list[float], share: float) -> None:
    found = sketch_of(numbers).quantile(share)

    assert found is not None
    assert abs(found - exact(numbers, share)) <= RELATIVE_ERROR * 1.000_001 * exact(numbers, share)


@given(first=values, second=values, share=shares)
def test_merging_is_counting_together(first: list[float], second: list[float], share: float) -> None:
    merged, together = sketch_of(first), sketch_of(first + second)
    merged.merge(sketch_of(second))

    assert merged.quantile(share) == together.quantile(share)
    assert (merged.count, merged.minimum, merged.maximum) == (together.count, together.minimum, together.maximum)
    assert merged.total == pytest.approx(together.total)


@given(numbers=values, one=shares, other=shares)
def test_percentiles_rise(numbers: list[float], one: float, other: float) -> None:
    sketch = sketch_of(numbers)
    low, high = sketch.quantile(min(one, other)), sketch.quantile(max(one, other))

    assert low is not None
    assert high is not None
    assert low <= high


def test_the_error_is_what_is_promised() -> None:
    assert RELATIVE_ERROR < 0.011


def test_an_empty_sketch_has_no_percentiles() -> None:
    assert Sketch().quantile(0.5) is None


def test_the_ends_are_exact() -> None:
    sketch = sketch_of([0.123, 4.56, 7.89])

    assert sketch.quantile(0) == 0.123
    assert sketch.quantile(1) == 7.89


@pytest.mark.parametrize("value", [5e-324, 1e-30, 1e30, 1.7e308])
def test_values_beyond_all_sense_are_counted_in_the_last_bucket(value: float) -> None:
    assert sketch_of([value, value]).quantile(0.5) == value


@pytest.mark.parametrize("value", [-1.0, math.inf, -math.inf, math.nan])
def test_what_is_no_length_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number of zero or more"):
        Sketch().add(value)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="expected a share between 0 and 1"):
        Sketch().quantile(share)


def test_memory_is_bounded() -> None:
    sketch = sketch_of([10 ** (i / 1000) for i in range(-12_000, 15_000)])

    assert sketch.count == 27_000
    assert len(sketch._buckets) <= 2241  # the bound that the docstring gives
