from hypothesis import given
from hypothesis import strategies as st

from seawall.guards.degraded.store import LARGEST, LastGood
from seawall.testing.clock import FakeClock


def test_the_last_answer_is_found_while_it_is_young_enough() -> None:
    clock = FakeClock()
    store = LastGood(clock)
    store.keep(b"q", b"old")
    clock.advance(5.0)
    store.keep(b"q", b"new")
    clock.advance(10.0)

    assert store.find(b"q", 10.0) == b"new"
    assert store.find(b"q", 9.9) is None
    assert store.find(b"another", 10.0) is None
    assert (len(store), store.size) == (1, 3)


def test_what_was_not_used_for_longest_goes_first() -> None:
    store = LastGood(FakeClock(), max_entries=2)
    store.keep(b"1", b"one")
    store.keep(b"2", b"two")
    store.find(b"1", 1.0)

    store.keep(b"3", b"three")

    assert [store.find(question, 1.0) for question in (b"1", b"2", b"3")] == [b"one", None, b"three"]


def test_one_huge_answer_is_not_kept_at_the_cost_of_all_others() -> None:
    store = LastGood(FakeClock())
    store.keep(b"1", b"one")

    store.keep(b"2", bytes(LARGEST + 1))

    assert (len(store), store.size) == (1, 3)


@given(st.lists(st.tuples(st.integers(0, 9).map(lambda n: bytes([n])), st.binary(max_size=9)), max_size=50))
def test_it_never_grows_beyond_its_bounds(kept: list[tuple[bytes, bytes]]) -> None:
    store = LastGood(FakeClock(), max_entries=4, max_bytes=20)

    for question, body in kept:
        store.keep(question, body)

        assert len(store) <= 4
        assert store.size <= 20
        assert store.find(question, 1.0) == body
    assert store.size == sum(len(store.find(bytes([n]), 1.0) or b"") for n in range(10))
