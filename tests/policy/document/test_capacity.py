import pytest
from pydantic import ValidationError

from seawall.policy.document import ConcurrencyDocument, IdempotencyDocument, KillDocument, OverloadDocument


@pytest.mark.parametrize("shares", [{"analysis": 0.9}, {"automation": 0.6}, {"automation": 0}, {"interactive": 1}])
def test_shares_that_turn_the_classes_round_are_refused(shares: object) -> None:
    with pytest.raises(ValidationError):
        OverloadDocument.model_validate({"shares": shares})


def test_shares_may_be_equal() -> None:
    shares = OverloadDocument.model_validate({"shares": {"automation": 0.7}}).shares

    assert (shares.automation, shares.analysis) == (0.7, 0.7)


@pytest.mark.parametrize("limits", [{"least": 5, "most": 4}, {"first": 5, "most": 4}, {"least": 6, "first": 5}])
def test_limits_out_of_order_are_refused(limits: object) -> None:
    with pytest.raises(ValidationError, match="least to be at most first"):
        ConcurrencyDocument.model_validate(limits)


@pytest.mark.parametrize("limits", [{}, {"most": 1}, {"least": 1, "first": 1, "most": 1}, {"adaptive": False}])
def test_limits_in_order_are_taken(limits: object) -> None:
    ConcurrencyDocument.model_validate(limits)


def test_other_words_are_refused() -> None:
    with pytest.raises(ValidationError):
        KillDocument.model_validate({"in_flight": "wait"})
    with pytest.raises(ValidationError):
        IdempotencyDocument.model_validate({"keep_hours": 0})
