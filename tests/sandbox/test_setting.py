from dataclasses import fields

import pytest

from seawall.sandbox.problem import Problem
from seawall.sandbox.setting import SETTINGS, Settings, changed, from_headers


def test_the_table_names_every_setting_once() -> None:
    assert list(SETTINGS) == [field.name for field in fields(Settings)]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("output_tokens", "0", 0, id="a whole number"),
        pytest.param("first_token_ms", "12.5", 12.5, id="a number"),
        pytest.param("text", "any text", "any text", id="a text"),
        pytest.param("refusal", "midway", "midway", id="a word"),
        pytest.param("enforce_limits", "Yes", True, id="yes"),
        pytest.param("accept_unknown_fields", "false", False, id="no"),
        pytest.param("tokens_per_event", None, 2, id="back to the default"),
    ],
)
def test_a_setting_is_read(name: str, text: str | None, value: object) -> None:
    start = Settings(tokens_per_event=9)

    assert getattr(changed(start, {name: text}), name) == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param("output_tokens", "-1", "expected a whole number from 0 to 200000", id="too small"),
        pytest.param("output_tokens", "9" * 5_000, "expected a whole number", id="absurdly long"),
        pytest.param("tokens_per_second", "nan", "expected a number", id="not a number"),
        pytest.param("tokens_per_second", "fast", "expected a number", id="a word for a number"),
        pytest.param("refusal", "maybe", "expected one of never, before, midway", id="another word"),
        pytest.param("enforce_limits", "2", "expected yes or no", id="neither yes nor no"),
        pytest.param("speed", "9", "valid settings: output_tokens, ", id="no such setting"),
    ],
)
def test_a_bad_setting_is_refused_with_what_was_expected(name: str, text: str, says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        changed(Settings(), {name: text})

    assert caught.value.status == 400


def test_headers_change_the_settings_of_one_request() -> None:
    headers = {"x-sandbox-text": "na%C3%AFve %22text%22", "x-sandbox-output-tokens": "5", "x-sandbox-fault": "stall"}

    settings = from_headers(Settings(first_token_ms=3), headers)

    assert (settings.text, settings.output_tokens, settings.first_token_ms) == ('naïve "text"', 5, 3)


def test_without_such_headers_the_settings_stay_as_they_are() -> None:
    settings = Settings(output_tokens=3)

    assert from_headers(settings, {"x-api-key": "k"}) is settings
