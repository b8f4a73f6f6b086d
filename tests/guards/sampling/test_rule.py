from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.guards.sampling.rule import FIELDS, NO_CHANGE, SamplingChange, decide, wants_json_object, wants_json_text
from seawall.guards.sampling.settings import SamplingSettings

COLD = SamplingSettings(temperature=0.0)
BOTH = SamplingSettings(temperature=0.2, top_p=0.9)
NONE = SamplingSettings()
NUMBERS = st.one_of(st.none(), st.floats(0, 2), st.integers(0, 2))


@pytest.mark.parametrize(
    ("settings", "fields", "refused", "expected"),
    [
        pytest.param(NONE, {"temperature": 1}, False, NO_CHANGE, id="the policy says nothing"),
        pytest.param(COLD, {}, False, SamplingChange({"temperature": 0.0}, (), "sampling.set"), id="filled in"),
        pytest.param(
            COLD, {"temperature": 1}, False, SamplingChange({"temperature": 0.0}, (), "sampling.set"), id="replaced"
        ),
        pytest.param(COLD, {"temperature": 0}, False, NO_CHANGE, id="the same already"),
        pytest.param(
            BOTH,
            {"temperature": 0.2, "top_p": 1, "top_k": 5},
            False,
            SamplingChange({"top_p": 0.9}, (), "sampling.set"),
            id="only what differs; top_k is the client's own",
        ),
        pytest.param(
            COLD,
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            False,
            SamplingChange({}, (), "sampling.left_to_thinking"),
            id="thinking allows no temperature",
        ),
        pytest.param(
            COLD,
            {"thinking": {"type": "disabled"}},
            False,
            SamplingChange({"temperature": 0.0}, (), "sampling.set"),
            id="thinking that is off",
        ),
        pytest.param(
            COLD, {"thinking": "on"}, False, SamplingChange({"temperature": 0.0}, (), "sampling.set"), id="odd thinking"
        ),
        pytest.param(NONE, {}, True, NO_CHANGE, id="refused, and nothing there"),
        pytest.param(COLD, {}, True, SamplingChange({}, (), "sampling.dropped"), id="refused, the policy's own"),
        pytest.param(
            NONE,
            {"top_k": 5, "model": "m", "temperature": None},
            True,
            SamplingChange({}, ("temperature", "top_k"), "sampling.dropped"),
            id="refused, the client's",
        ),
    ],
)
def test_sampling_changes(
    settings: SamplingSettings, fields: dict[str, Any], refused: bool, expected: SamplingChange
) -> None:
    assert decide(settings, fields, refused=refused) == expected


@given(
    st.builds(SamplingSettings, temperature=NUMBERS, top_p=NUMBERS),
    st.dictionaries(st.sampled_from([*FIELDS, "model", "thinking"]), NUMBERS),
    st.booleans(),
)
def test_after_the_change_the_policy_holds(settings: SamplingSettings, fields: dict[str, Any], refused: bool) -> None:
    change = decide(settings, fields, refused=refused)
    after = {name: value for name, value in {**fields, **change.put}.items() if name not in change.drop}

    if refused:
        assert not set(FIELDS) & set(after)
    else:
        assert settings.temperature is None or after["temperature"] == settings.temperature
        assert settings.top_p is None or after["top_p"] == settings.top_p
    untouched = set(fields) - set(FIELDS)
    assert {name: after[name] for name in untouched} == {name: fields[name] for name in untouched}
    assert bool(change.note) == (change != NO_CHANGE)


@pytest.mark.parametrize(
    ("fields", "wants"),
    [
        pytest.param({"messages": [{"content": "as Json, please"}]}, True, id="asked for"),
        pytest.param({"messages": [{"content": [{"text": "json!"}]}]}, True, id="deep inside"),
        pytest.param({"messages": [{"content": "please"}]}, False, id="the word is missing"),
        pytest.param({"messages": [{"content": "hi"}], "tools": [{"name": "to_json"}]}, False, id="only a tool has it"),
        pytest.param({"messages": [{"url": "data:image/png;base64,jSoN"}]}, False, id="only a picture has it"),
        pytest.param(
            {"messages": [{"content": "json"}], "response_format": {"type": "text"}}, False, id="the client's own"
        ),
    ],
)
def test_a_json_object_is_wished_where_the_provider_grants_it(fields: dict[str, Any], wants: bool) -> None:
    assert wants_json_object(SamplingSettings(json_answer=True), fields) is wants
    assert not wants_json_object(NONE, fields)


@pytest.mark.parametrize(
    ("fields", "wants"),
    [
        pytest.param({"input": "as JSON"}, True, id="a text"),
        pytest.param({"input": [{"role": "user", "content": [{"text": "json!"}]}]}, True, id="deep inside"),
        pytest.param({"input": "as JSON", "text": None}, True, id="null"),
        pytest.param({"input": "as JSON", "text": {"verbosity": "low"}}, True, id="no format"),
        pytest.param({"input": "as JSON", "text": {"format": {"type": "text"}}}, False, id="the client's own format"),
        pytest.param({"input": "as JSON", "text": "odd"}, False, id="no object"),
        pytest.param({"input": [1, "as text"], "instructions": "JSON"}, False, id="the word is not in the input"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_a_json_text_is_wished_where_the_provider_grants_it(fields: dict[str, Any], wants: bool) -> None:
    assert wants_json_text(SamplingSettings(json_answer=True), fields) is wants
    assert not wants_json_text(NONE, fields)
