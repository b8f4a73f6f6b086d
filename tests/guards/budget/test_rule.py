import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.price import Band, Price, Rates
from seawall.core.record import AttemptRecord
from seawall.core.worst_case import Bound
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.rule import Answer, Booking, Ending, Left, clamped, settlement, shortened, worst_case

RATES = Rates(
    input=3_000_000_000,
    output=15_000_000_000,
    cache_read=300_000_000,
    cache_write_short=3_750_000_000,
    cache_write_long=6_000_000_000,
)
PRICE = Price((Band(0, RATES),), "policy.yaml:7")
BOUND = Bound(1000, 500)
HELD = worst_case(PRICE, BOUND)
ANSWER = Answer(500, 1)


def record(usage: str, **more: object) -> AttemptRecord:
    return AttemptRecord("a", "m", 0.0, 1.0, usage=usage, **more)  # type: ignore[arg-type]  # fields by name


def ending(of: AttemptRecord | None, *, complete: bool = False, hung_up: bool = False) -> Ending:
    return Ending(was_dispatched=True, is_complete=complete, is_hung_up=hung_up, record=of)


def test_worst_case_counts_what_goes_in_and_what_may_come_out() -> None:
    assert Amounts(1000 * 3000 + 500 * 15_000, 1500) == HELD


def test_without_a_price_only_tokens_are_counted() -> None:
    assert worst_case(None, BOUND) == Amounts(0, 1500)


def test_a_call_without_a_bound_has_no_worst_case() -> None:
    with pytest.raises(ValueError, match="a document"):
        worst_case(None, Bound(None, 500, why="a document behind an address"))


REPORTED = record("reported", cost_nusd=40, input_tokens=7, output_tokens=3, thinking_tokens=2, cache_read_tokens=1)
TOLD = record("partial", cost_nusd=40, input_tokens=100, cache_read_tokens=50, output_tokens=1)
IN_A_TIER = record("partial", cost_nusd=40, input_tokens=100, cache_read_tokens=50, service_tier="standard")
UNSOUND = record("unsound", cost_nusd=HELD.nusd + 5, input_tokens=9)


@pytest.mark.parametrize(
    ("end", "booking"),
    [
        pytest.param(
            Ending(was_dispatched=False, is_complete=False, is_hung_up=True, record=None),
            Booking(Amounts(0)),
            id="never sent",
        ),
        pytest.param(ending(None), Booking(HELD, "unknown"), id="no record"),
        pytest.param(ending(record("none", cost_nusd=0)), Booking(Amounts(0)), id="refused with an error status"),
        pytest.param(ending(REPORTED, complete=True), Booking(Amounts(40, 13)), id="counted"),
        pytest.param(
            ending(record("reported", cost_nusd=0), complete=True), Booking(Amounts(0, 0)), id="an explicit zero"
        ),
        pytest.param(
            ending(record("reported", cost_nusd=HELD.nusd * 2, input_tokens=9), complete=True),
            Booking(Amounts(HELD.nusd * 2, 9)),
            id="more than was held",
        ),
        pytest.param(
            ending(record("reported", input_tokens=9), complete=True), Booking(Amounts(HELD.nusd, 9)), id="not priced"
        ),
        pytest.param(
            ending(record("reported", cost_nusd=40, input_tokens=9, stop_reason="end_turn"), hung_up=True),
            Booking(Amounts(40, 9)),
            id="counted to the end, and then the client left",
        ),
        pytest.param(
            ending(record("reported", cost_nusd=40, input_tokens=9)),
            Booking(Amounts(9 * 3000 + 500 * 15_000, 509), "unknown"),
            id="counted before its end",
        ),
        pytest.param(
            ending(TOLD), Booking(Amounts(150 * 3000 + 500 * 15_000, 650), "unknown"), id="told its input, in no mode"
        ),
        pytest.param(
            ending(IN_A_TIER, hung_up=True),
            Booking(Amounts(100 * 3000 + 50 * 300 + 500 * 15_000, 650), "hung_up"),
            id="told its input and its tier",
        ),
        pytest.param(ending(record("partial")), Booking(HELD, "unknown"), id="told nothing"),
        pytest.param(ending(record("missing"), complete=True), Booking(HELD, "unknown"), id="left its count out"),
        pytest.param(ending(record("missing"), hung_up=True), Booking(HELD, "hung_up"), id="hung up"),
        pytest.param(
            ending(UNSOUND, complete=True), Booking(Amounts(HELD.nusd + 5, 1500), "unknown"), id="does not add up"
        ),
    ],
)
def test_what_is_booked(end: Ending, booking: Booking) -> None:
    assert settlement(HELD, PRICE, BOUND, end) == booking


def test_a_prompt_that_may_be_read_again_costs_more_than_its_first_reading() -> None:
    bound = Bound(3000, 1500, searches=2, rounds=3)
    held = worst_case(PRICE, bound)

    assert settlement(held, PRICE, bound, ending(IN_A_TIER, hung_up=True)) == Booking(held, "hung_up")


def test_without_a_price_a_broken_stream_is_booked_in_tokens() -> None:
    assert settlement(Amounts(0, 1500), None, BOUND, ending(TOLD)) == Booking(Amounts(0, 650), "unknown")


def test_a_call_is_clamped_to_exactly_what_fits() -> None:
    left = Left(nusd=1000 * 3000 + 100 * 15_000 + 14_999)

    assert clamped(PRICE, BOUND, ANSWER, left) == 100


def test_the_scarcer_unit_decides() -> None:
    assert clamped(PRICE, BOUND, ANSWER, Left(nusd=HELD.nusd, tokens=1040)) == 40


def test_below_the_floor_nothing_fits() -> None:
    assert clamped(PRICE, BOUND, Answer(500, 1, floor=200), Left(tokens=1199)) is None
    assert clamped(PRICE, BOUND, Answer(500, 1, floor=200), Left(tokens=1200)) == 200


def test_an_answer_shorter_than_its_floor_is_not_clamped() -> None:
    assert clamped(PRICE, BOUND, Answer(10, 1), Left(tokens=10_000)) is None


@given(st.integers(0, 10_000_000), st.integers(0, 5000), st.integers(1, 5), st.integers(1, 600), st.integers(0, 2000))
def test_a_clamped_call_fits_and_one_token_more_does_not(
    nusd: int, tokens: int, choices: int, most: int, prompt: int
) -> None:
    bound, answer, left = Bound(prompt, most * choices), Answer(most, choices), Left(nusd, tokens)

    found = clamped(PRICE, bound, answer, left)

    def fits(max_tokens: int) -> bool:
        worst = worst_case(PRICE, shortened(bound, answer, max_tokens))
        return worst.nusd <= nusd and worst.tokens <= tokens

    if found is None:
        assert most <= answer.floor or not fits(answer.floor)
    else:
        assert answer.floor <= found < most
        assert fits(found)
        assert found == most - 1 or not fits(found + 1)
