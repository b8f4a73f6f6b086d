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
