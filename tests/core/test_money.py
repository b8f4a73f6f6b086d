from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.money import NUSD_PER_USD, nusd_from_usd, usd_from_nusd, usd_text

AMOUNTS = st.integers(1 - 10**24, 10**24 - 1)


@pytest.mark.parametrize(
    ("usd", "expected"),
    [
        pytest.param(20, 20_000_000_000, id="whole dollars"),
        pytest.param(0.1, 100_000_000, id="a float means what it prints"),
        pytest.param("3.75", 3_750_000_000, id="text"),
        pytest.param(Decimal("0.0000000001"), 1, id="less than a nano-dollar rounds up"),
        pytest.param(Decimal("-0.0000000001"), 0, id="up is towards more, also below zero"),
        pytest.param("1e-9", 1, id="with an exponent"),
        pytest.param(0, 0, id="nothing"),
    ],
)
def test_dollars_become_whole_nano_dollars(usd: Decimal | float | str, expected: int) -> None:
    assert nusd_from_usd(usd) == expected


@pytest.mark.parametrize("usd", ["", "ten", "1,5", "nan", "inf", float("nan"), float("-inf"), Decimal("Infinity")])
def test_what_is_no_amount_is_refused_and_shown(usd: Decimal | float | str) -> None:
    with pytest.raises(ValueError, match="is not an amount of dollars; expected a finite decimal number"):
        nusd_from_usd(usd)


@pytest.mark.parametrize("usd", ["1e15", "-1e15", 1e300, Decimal("1e999999")])
def test_an_amount_too_large_to_be_meant_is_refused(usd: Decimal | float | str) -> None:
    with pytest.raises(ValueError, match=r"expected a finite decimal number below 10\^15"):
        nusd_from_usd(usd)


def test_more_digits_than_decimal_arithmetic_keeps_still_round_up() -> None:
    assert nusd_from_usd("1.0000000000000000000000000000000000000001") == NUSD_PER_USD + 1
    assert nusd_from_usd("1e-999999") == 1


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        pytest.param(4_200_000, "0.0042", id="no needless zeros"),
        pytest.param(12_500_000_000, "12.5", id="no padding"),
        pytest.param(20_000_000_000, "20", id="whole dollars keep their zeros"),
        pytest.param(0, "0", id="nothing"),
        pytest.param(1, "0.000000001", id="no exponent"),
        pytest.param(-1_500_000_000, "-1.5", id="owed"),
        pytest.param(-2_000_000_000, "-2", id="whole dollars owed"),
    ],
)
def test_dollars_are_written_plainly(nusd: int, text: str) -> None:
    assert usd_text(nusd) == text


@given(nusd=AMOUNTS)
def test_writing_an_amount_loses_nothing(nusd: int) -> None:
    assert nusd_from_usd(usd_text(nusd)) == nusd


@given(nusd=st.integers(-(10**18), 10**18))
def test_dollars_and_nano_dollars_are_the_same_amount(nusd: int) -> None:
    assert usd_from_nusd(nusd) * NUSD_PER_USD == nusd
    assert nusd_from_usd(usd_from_nusd(nusd)) == nusd


@given(usd=st.decimals(-(10**14), 10**14, allow_nan=False))
def test_rounding_goes_up_and_by_less_than_one(usd: Decimal) -> None:
    assert 0 <= nusd_from_usd(usd) - Fraction(usd) * NUSD_PER_USD < 1
