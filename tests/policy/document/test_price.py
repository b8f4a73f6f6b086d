import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.policy.document.price import PriceDocument, PriceList

PRICES: TypeAdapter[tuple[PriceDocument, ...]] = TypeAdapter(PriceList)


def test_one_price_is_a_list_of_one() -> None:
    (price,) = PRICES.validate_python({"input_usd_per_mtok": 3})

    assert price.input_usd_per_mtok == 3


def test_several_prices_keep_their_order() -> None:
    prices = PRICES.validate_python([{"input_usd_per_mtok": 3}, {"input_usd_per_mtok": 2, "from": "2026-12-01"}])

    assert [price.input_usd_per_mtok for price in prices] == [3, 2]


@pytest.mark.parametrize("value", [[], 5, "3", [5], {"input_usd_per_mtok": -1}, {"bands": [{}]}, {"bands": 5}])
def test_what_is_no_price_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        PRICES.validate_python(value)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (("2026-12-01", "2026-12-01"), "one price from 2026-12-01 on"),
        ((None, "2026-12-01", None), "one price without `from`, and `from` at every other"),
    ],
)
def test_two_prices_that_begin_together_are_refused(days: tuple[str | None, ...], expected: str) -> None:
    prices = [{"input_usd_per_mtok": number} | ({"from": day} if day else {}) for number, day in enumerate(days)]

    with pytest.raises(ValidationError, match=expected):
        PRICES.validate_python(prices)
