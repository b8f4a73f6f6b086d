from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.dialects.openai_schema import takes_strict
from seawall.sandbox.openai.check import check_strict
from seawall.sandbox.problem import Problem


def _closed(**properties: Any) -> dict[str, Any]:  # JSON Schemas
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(_closed(), id="no properties"),
        pytest.param(_closed(a={"type": "string"}), id="every property required"),
        pytest.param(_closed(a=_closed(b={"type": ["string", "null"]})), id="an object in an object"),
        pytest.param(_closed(a={"type": "array", "items": _closed()}), id="a list of objects"),
        pytest.param(_closed(a={"anyOf": [_closed(), {"type": "null"}]}), id="one of several"),
        pytest.param(_closed(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": _closed()}}, id="definitions"),
    ],
)
def test_a_closed_schema_takes_strict_mode(schema: dict[str, Any]) -> None:
    assert takes_strict(schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({}, id="nothing said"),
        pytest.param({"type": "string"}, id="no object"),
        pytest.param({"type": "object"}, id="an open object"),
        pytest.param(_closed() | {"additionalProperties": {}}, id="other properties with a schema"),
        pytest.param(_closed(a={}) | {"required": []}, id="an optional property"),
        pytest.param(_closed(a={}) | {"required": "a"}, id="required is no list"),
        pytest.param(_closed() | {"properties": ["a"]}, id="properties are no object"),
        pytest.param(_closed() | {"anyOf": [_closed()]}, id="one of several at the root"),
        pytest.param(_closed(a={"type": "object"}), id="an open object in it"),
        pytest.param(_closed(a={"type": ["object", "null"]}), id="an open object or null in it"),
        pytest.param(_closed(a={"properties": {}}), id="an open object without a type in it"),
        pytest.param(_closed(a={"type": "array", "items": {"type": "object"}}), id="a list of open objects"),
        pytest.param(_closed(a={"anyOf": [{"type": "object"}]}), id="an open one of several"),
        pytest.param(_closed(a={"anyOf": {}}), id="several that are no list"),
        pytest.param(_closed() | {"$defs": {"b": {"type": "object"}}}, id="an open definition"),
        pytest.param(_closed() | {"$defs": []}, id="definitions that are no object"),
        pytest.param(_closed(a={"allOf": [_closed()]}), id="a keyword that strict mode has not"),
        pytest.param(_closed(a=True), id="anything"),
    ],
)
def test_any_other_schema_does_not(schema: dict[str, Any]) -> None:
    assert not takes_strict(schema)


_LEAVES = st.sampled_from([{"type": "string"}, {"type": "object"}, {"type": "array"}, {}])
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda parts: _closed(**parts), st.dictionaries(st.sampled_from("abc"), inner, max_size=2)),
        st.builds(lambda part: _closed(a=part) | {"required": []}, inner),
    ),
    max_leaves=6,
)


@given(schema=_SCHEMAS)
def test_a_provider_never_refuses_what_we_call_strict(schema: dict[str, Any]) -> None:
    if takes_strict(schema):
        try:
            check_strict(schema, "function 'f'", "tools")
        except Problem as problem:  # pragma: no cover - only where the law is broken
            pytest.fail(str(problem))
