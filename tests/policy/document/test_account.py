import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.policy.document.account import KINDS, Account, BudgetDocument, LimitDocument

ACCOUNT: TypeAdapter[str] = TypeAdapter(Account)


@pytest.mark.parametrize(
    "account", ["all", *(f"{kind}:*" for kind in KINDS), "route:/ai/chat", "team:a-b", "model:x/y"]
)
def test_an_account_names_one_or_each_of_a_kind(account: str) -> None:
    assert ACCOUNT.validate_python(account) == account


@pytest.mark.parametrize("account", ["", "All", "team", "team:", "nobody:x", "team:a b", 5])
def test_what_is_no_account_is_refused(account: object) -> None:
    with pytest.raises(ValidationError, match="kind:name"):
        ACCOUNT.validate_python(account)


@pytest.mark.parametrize("document", [BudgetDocument, LimitDocument])
def test_a_cap_that_says_nothing_is_refused(document: type[BudgetDocument] | type[LimitDocument]) -> None:
    with pytest.raises(ValidationError, match="expected at least one of"):
        document.model_validate({})


def test_a_cap_of_nothing_is_a_cap() -> None:
    assert BudgetDocument.model_validate({"per_day_usd": 0}).per_day_usd == 0
    assert LimitDocument.model_validate({"calls_per_day": 0}).calls_per_day == 0
