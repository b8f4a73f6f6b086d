from datetime import date
from typing import Final

import pytest
from pydantic import ValidationError

from seawall.policy.document.provider import ConsoleCapDocument, ProviderDocument


@pytest.mark.parametrize("enabled", [True, False, "env:FLAG"])
def test_a_switch_is_a_flag_or_a_variable(enabled: object) -> None:
    assert ProviderDocument.model_validate({"enabled": enabled}).enabled == enabled


@pytest.mark.parametrize("enabled", ["yes", 1, "file:/x", "env:", None])
def test_what_is_no_switch_is_refused(enabled: object) -> None:
    with pytest.raises(ValidationError, match="expected true, false or env:NAME"):
        ProviderDocument.model_validate({"enabled": enabled})


@pytest.mark.parametrize("key", ["env:K", "file:/run/secrets/k", "none"])
def test_a_key_is_a_reference(key: str) -> None:
    assert ProviderDocument.model_validate({"api_key": key}).api_key == key


@pytest.mark.parametrize("key", ["hunter2", "", "None", 5, ["env:K"]])
def test_a_literal_key_is_refused(key: object) -> None:
    with pytest.raises(ValidationError, match="expected a reference"):
        ProviderDocument.model_validate({"api_key": key})


CAP: Final = {"usd_per_day": 250, "attested_by": "finance", "on": "2026-11-02", "expires": "2027-02-01"}


def test_a_console_cap_is_an_amount_with_a_witness_and_two_days() -> None:
    cap = ConsoleCapDocument.model_validate(CAP)

    assert (cap.usd_per_day, cap.usd_per_month, cap.attested_by) == (250, None, "finance")
    assert (cap.on, cap.expires) == (date(2026, 11, 2), date(2027, 2, 1))


@pytest.mark.parametrize("key", ["attested_by", "on", "expires"])
def test_a_console_cap_without_a_witness_or_a_day_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        ConsoleCapDocument.model_validate({name: value for name, value in CAP.items() if name != key})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({"usd_per_day": None}, "usd_per_day or usd_per_month", id="no amount"),
        pytest.param({"expires": "2026-11-02"}, "expires to be later than on", id="over at once"),
        pytest.param({"on": "2.11.2026"}, "a date such as 2026-11-01", id="no date"),
    ],
)
def test_a_console_cap_that_attests_nothing_is_refused(said: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        ConsoleCapDocument.model_validate({**CAP, **said})
