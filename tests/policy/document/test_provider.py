import pytest
from pydantic import ValidationError

from seawall.policy.document.provider import ProviderDocument


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
