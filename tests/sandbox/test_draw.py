from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.draw import Draw, digest, fraction


@given(seed=st.binary(max_size=40), limits=st.lists(st.integers(1, 10**6), max_size=200))
def test_the_same_seed_deals_the_same_numbers(seed: bytes, limits: list[int]) -> None:
    first, second = Draw(seed), Draw(seed)

    dealt = [first.below(limit) for limit in limits]

    assert dealt == [second.below(limit) for limit in limits]
    assert all(0 <= number < limit for number, limit in zip(dealt, limits, strict=True))


@given(low=st.integers(-100, 100), size=st.integers(0, 100))
def test_between_includes_both_ends(low: int, size: int) -> None:
    draw = Draw(b"seed")

    assert all(low <= draw.between(low, low + size) <= low + size for _ in range(50))


def test_numbers_are_spread_evenly() -> None:
    draw = Draw(b"spread")

    tally = Counter(draw.below(4) for _ in range(4_000))

    assert all(900 < times < 1_100 for times in tally.values())


def test_parts_are_not_the_same_as_their_concatenation() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")


def test_a_fraction_follows_from_its_seed_and_number() -> None:
    series = [fraction(7, number) for number in range(1_000)]

    assert series == [fraction(7, number) for number in range(1_000)]
    assert series != [fraction(8, number) for number in range(1_000)]
    assert all(0 <= value < 1 for value in series)
    assert 0.45 < sum(series) / len(series) < 0.55
