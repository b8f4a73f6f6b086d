import pytest

from seawall.core.error import Refused
from seawall.core.reconcile import refuse_misfit

CHARGES = (("team:a@lifetime", 60), ("all@lifetime", 10))


@pytest.mark.parametrize(
    "actual",
    [
        pytest.param({"team:a@lifetime": 60, "all@lifetime": 10}, id="the charge was right"),
        pytest.param({"team:a@lifetime": 0, "all@lifetime": 0}, id="nothing was billed"),
    ],
)
def test_what_fits_the_charge_passes(actual: dict[str, int]) -> None:
    refuse_misfit("a1", CHARGES, actual)


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        pytest.param({"team:a@lifetime": 60}, "a1: no actual cost for all@lifetime", id="an account is missing"),
        pytest.param(
            {"team:a@lifetime": 1, "all@lifetime": 1, "x@lifetime": 1}, "a1: never charged to x@lifetime", id="one more"
        ),
        pytest.param(
            {"team:a@lifetime": 1, "x@lifetime": 1},
            "a1: no actual cost for all@lifetime; never charged to x@lifetime",
            id="another",
        ),
        pytest.param(
            {"team:a@lifetime": 61, "all@lifetime": 1}, "a1: expected 0 to 60 for team:a@lifetime, got 61", id="more"
        ),
        pytest.param(
            {"team:a@lifetime": 1, "all@lifetime": -1}, "a1: expected 0 to 10 for all@lifetime, got -1", id="negative"
        ),
    ],
)
def test_what_does_not_fit_is_named(actual: dict[str, int], message: str) -> None:
    with pytest.raises(Refused) as caught:
        refuse_misfit("a1", CHARGES, actual)

    assert (str(caught.value), caught.value.code) == (message, "ledger.misfit")
