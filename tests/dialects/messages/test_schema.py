from copy import deepcopy
from typing import Any

import pytest

from seawall.dialects.messages.schema import fitted


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
        pytest.param(_closed(a={"type": "string", "format": "date", "description": "d"}), id="a known format"),
        pytest.param(_closed(a={"type": "array", "items": {"enum": [1, 2]}, "minItems": 1}), id="a list of one"),
        pytest.param(_closed(a={"anyOf": [{"type": "string"}, {"type": "null"}]}), id="a union"),
        pytest.param(_closed(a={"type": "string", "pattern": "^(?:a|b)[0-9]+$"}), id="a simple pattern"),
        pytest.param(
            _closed(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"$ref": "#/$defs/B"}, "B": _closed()}},
            id="definitions",
        ),
        pytest.param(_closed(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"type": "null"}}}, id="a definition"),
        pytest.param(_closed(properties={"type": "string"}, items={"type": "string"}), id="names like keywords"),
    ],
)
def test_what_fits_stays_as_it_is(schema: dict[str, Any]) -> None:
    found = fitted(schema)

    assert (found.schema, found.is_changed, found.fault) == (schema, False, "")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"type": "string", "minLength": 3, "maxLength": 4}, {"type": "string"}, id="lengths"),
        pytest.param({"type": "number", "minimum": 0, "multipleOf": 2}, {"type": "number"}, id="bounds"),
        pytest.param({"type": "string", "format": "iri"}, {"type": "string"}, id="an unknown format"),
        pytest.param({"type": "string", "format": ["date"]}, {"type": "string"}, id="a list as format"),
        pytest.param({"type": "string", "pattern": "(?=a)"}, {"type": "string"}, id="a pattern that looks ahead"),
        pytest.param({"type": "string", "pattern": r"(a)\1"}, {"type": "string"}, id="a pattern that looks back"),
        pytest.param(
            {"type": "array", "items": {"type": "null"}, "minItems": 2, "uniqueItems": True},
            {"type": "array", "items": {"type": "null"}},
            id="a list of two",
        ),
        pytest.param({"oneOf": [{"type": "null"}]}, {"anyOf": [{"type": "null"}]}, id="one of"),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "null"}}},
            {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False},
            id="an open object",
        ),
    ],
)
def test_what_only_narrows_is_stripped(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    before = deepcopy(schema)

    found = fitted(schema)

    assert (found.schema, found.is_changed, found.fault) == (expected, True, "")
    assert schema == before


def test_remarks_go_without_a_word() -> None:
    found = fitted({"$schema": "x", "type": "string", "examples": ["a"]})

    assert (found.schema, found.is_changed) == ({"type": "string"}, False)


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        pytest.param({"$ref": "https://example.com/a.json"}, "something else", id="another document"),
        pytest.param(_closed(a={"$ref": "#"}), "something else", id="the whole within itself"),
        pytest.param(
            _closed(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": _closed(b={"$ref": "#/$defs/A"})}}, "itself", id="a tree"
        ),
        pytest.param({"type": "object"}, "names of any kind", id="any object"),
        pytest.param({"type": ["object", "null"]}, "names of any kind", id="any object or none"),
        pytest.param(
            {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            "names of any kind",
            id="a table",
        ),
        pytest.param({"items": True}, "something else than an object", id="a schema that is no object"),
        pytest.param(
            {"type": "object", "properties": {str(n): {} for n in range(25)}, "required": [{}]},
            "25 optional properties",
            id="many optional properties",
        ),
        pytest.param({"anyOf": [{"type": ["string", "null"]}] * 16}, "17 unions", id="many unions"),
    ],
)
def test_what_cannot_be_held_to_is_a_fault(schema: dict[str, Any], fault: str) -> None:
    assert fault in fitted(schema).fault
