from datetime import date

import pytest
from pydantic import ValidationError

from seawall.policy.document.price import PriceDocument
from seawall.policy.document.route import RouteDocument
from seawall.policy.document.section import ERROR_TYPE, matching, wrong


def test_a_validation_error_says_what_was_expected() -> None:
    error = wrong("a horse", code="animal.wrong")

    assert error.type == ERROR_TYPE
    assert error.message() == "expected a horse"
    assert error.context == {"expected": "a horse", "code": "animal.wrong"}


@pytest.mark.parametrize("value", ["b", "aa", "", 1, None])
def test_a_text_of_another_shape_is_refused(value: object) -> None:
    check = matching("a", "an a")

    assert check("a") == "a"
    with pytest.raises(Exception, match="expected an a"):
        check(value)


def test_a_date_is_a_day_of_the_calendar() -> None:
    assert PriceDocument.model_validate({"from": "2026-11-01"}).starts == date(2026, 11, 1)


@pytest.mark.parametrize("value", ["2026-13-01", "2026-02-30", "1.11.2026", 20261101, 0, True, "2026-11-01T00:00"])
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a date"):
        PriceDocument.model_validate({"from": value})


@pytest.mark.parametrize(
    "model", ["claude-haiku-5-5", "openai/gpt-6-luna", "local/meta-llama/Llama-4:70b", "us.anthropic.x-v1:0", "m@2026"]
)
def test_a_model_is_named_as_its_provider_does(model: str) -> None:
    assert RouteDocument.model_validate({"model": model}).model == model


@pytest.mark.parametrize("model", ["", "a b", "-x", "x" * 201, "a\nb", "ä", 5])
def test_what_is_no_model_is_refused(model: object) -> None:
    with pytest.raises(ValidationError, match="expected a model"):
        RouteDocument.model_validate({"model": model})


def test_nothing_in_a_document_changes() -> None:
    route = RouteDocument.model_validate({})

    with pytest.raises(ValidationError, match="frozen"):
        route.model = "x"
