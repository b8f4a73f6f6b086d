import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.guards.concurrency.settings import ConcurrencySettings
from seawall.policy.capacity import concurrency
from seawall.policy.document import ProviderDocument

LIMITS = st.none() | st.integers(1, 3_000)


def _limit(said: object) -> ConcurrencySettings:
    return concurrency({"x": ProviderDocument.model_validate({"concurrency": said})})["x"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, (100, 8, 1000), id="nothing said"),
        pytest.param({"most": 5}, (5, 5, 5), id="fewer than the usual first"),
        pytest.param({"most": 50}, (50, 8, 50), id="more than the usual least"),
        pytest.param({"first": 3}, (3, 3, 1000), id="less than the usual least"),
        pytest.param({"least": 200}, (200, 200, 1000), id="more than the usual first, at least"),
        pytest.param({"first": 2000}, (2000, 8, 2000), id="more than the usual most"),
    ],
)
def test_what_is_not_said_gives_way(said: object, expected: tuple[int, int, int]) -> None:
    limit = _limit(said)

    assert (limit.first, limit.least, limit.most) == expected


def test_a_provider_that_says_nothing_has_no_limits_of_its_own() -> None:
    assert dict(concurrency({"x": ProviderDocument.model_validate({})})) == {}


@given(least=LIMITS, first=LIMITS, most=LIMITS)
def test_limits_are_always_in_order_and_as_said(least: int | None, first: int | None, most: int | None) -> None:
    stated = sorted(each for each in (least, first, most) if each is not None)
    ordered = iter(stated)
    said = {
        name: next(ordered) for name, each in (("least", least), ("first", first), ("most", most)) if each is not None
    }

    limit = _limit(said)

    assert limit.least <= limit.first <= limit.most
    assert {name: getattr(limit, name) for name in said} == said
