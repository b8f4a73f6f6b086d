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


@pytest.mark.parametrize("said", [{}, {"time_zone": "Europe/Berlin"}])
@pytest.mark.parametrize("document", [BudgetDocument, LimitDocument])
def test_a_cap_that_says_nothing_is_refused(
    document: type[BudgetDocument] | type[LimitDocument], said: dict[str, object]
) -> None:
    with pytest.raises(ValidationError, match="expected at least one of"):
        document.model_validate(said)


def test_a_cap_of_nothing_is_a_cap() -> None:
    assert BudgetDocument.model_validate({"per_day_usd": 0}).per_day_usd == 0
    assert LimitDocument.model_validate({"calls_per_day": 0}).calls_per_day == 0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"calls_per_day": 1, "burst": 5}, "requests_per_minute beside burst"),
        ({"requests_per_minute": 1, "burst_tokens": 5}, "tokens_per_minute beside burst_tokens"),
    ],
)
def test_a_burst_without_its_rate_is_refused(said: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        LimitDocument.model_validate(said)


@pytest.mark.parametrize("key", ["requests_per_minute", "tokens_per_minute"])
def test_a_rate_of_nothing_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        LimitDocument.model_validate({key: 0})


@pytest.mark.parametrize("usd", [1e-10, 9.99e-10])
def test_a_cap_below_what_is_counted_is_refused(usd: float) -> None:
    with pytest.raises(ValidationError, match="smallest amount that is counted"):
        BudgetDocument.model_validate({"usd": usd})


def test_the_smallest_amount_that_is_counted_is_a_cap() -> None:
    assert BudgetDocument.model_validate({"usd": 1e-9}).usd == 1e-9
