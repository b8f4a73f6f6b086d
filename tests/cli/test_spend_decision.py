import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.spend_decision import AS_CHARGED, NOTHING, Known, actual_amounts, known_from_usage
from seawall.core.error import Refused
from seawall.core.reconcile import refuse_misfit
from seawall.core.usage import Usage
from seawall.ports.books import Charge
from seawall.ports.ledger import Unsettled

ATTEMPT = (("all@lifetime", 50), ("team:a@lifetime", 50), ("team:a#tokens@lifetime", 700))
LEASES = (("all@lifetime", 50), ("team:a@lifetime", 9), ("team:a#calls@lifetime", 3))


def charge(charges: tuple[tuple[str, int], ...]) -> Charge:
    return Charge(Unsettled("req_1-1", 0.0, "unknown", "p/m", charges), "w", None, ())


@pytest.mark.parametrize(
    ("charges", "known", "actual"),
    [
        pytest.param(ATTEMPT, NOTHING, [0, 0, 0], id="nothing was billed"),
        pytest.param(ATTEMPT, AS_CHARGED, [50, 50, 700], id="as charged"),
        pytest.param(ATTEMPT, Known(20), [20, 20, 700], id="money is known, tokens are not"),
        pytest.param(ATTEMPT, Known(20, 0), [20, 20, 0], id="both are known"),
        pytest.param(LEASES, Known(20), [20, 9, 3], id="a dead worker's leases: no account has more than the whole"),
        pytest.param(LEASES, Known(50, 5), [50, 9, 3], id="tokens of an account that counts none"),
    ],
)
def test_what_is_known_is_settled_on_every_account(
    charges: tuple[tuple[str, int], ...], known: Known, actual: list[int]
) -> None:
    assert list(actual_amounts(charge(charges), known).values()) == actual


@pytest.mark.parametrize("known", [Known(51), Known(20, 701)])
def test_more_than_the_worst_case_is_refused(known: Known) -> None:
    with pytest.raises(ValueError, match=r"req_1-1 was charged .*, its worst case, and cannot have been "):
        actual_amounts(charge(ATTEMPT), known)


@given(
    nusd=st.none() | st.integers(0, 60),
    tokens=st.none() | st.integers(0, 800),
    charges=st.sampled_from([ATTEMPT, LEASES, ()]),
)
def test_whatever_is_not_refused_here_fits_the_ledger(
    nusd: int | None, tokens: int | None, charges: tuple[tuple[str, int], ...]
) -> None:
    try:
        actual = actual_amounts(charge(charges), Known(nusd, tokens))
    except ValueError:
        return
    try:
        refuse_misfit("req_1-1", charges, actual)
    except Refused as error:  # the failure of this law
        raise AssertionError from error


def test_a_line_with_counts_knows_the_tokens_too() -> None:
    assert known_from_usage(5, Usage(1, 2, 3, 4, 5, 6)) == Known(5, 21)
    assert known_from_usage(5, None) == Known(5)
