from seawall.core.target import Target
from seawall.core.worst_case import Bound
from seawall.dialects.bound.tally import Tally

MODE = ("auto", "", "")


def test_the_first_reason_stands(target: Target) -> None:
    tally = Tally(target, 0)
    tally.refuse("first")
    tally.refuse("second")
    tally.store("a file")
    tally.store("another file")

    assert tally.bound(target, 1, MODE).why == "first"
    assert tally.stored == "a file"


def test_rounds_read_and_write_as_often(target: Target) -> None:
    tally = Tally(target, 0)
    tally.rounds = 3

    assert tally.bound(target, 5, MODE) == Bound(600_000, 15, service_tier="auto", rounds=3)


def test_what_was_sent_in_place_of_a_text_counts_as_json(target: Target) -> None:
    tally = Tally(target, 0)
    tally.text(None)
    tally.text([1, 2])
    tally.field("name", None)

    assert tally.tokens == 6
