from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from seawall.sandbox.schema import build, build_object, children

SEEDS = [b"%d" % number for number in range(20)]


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: Annotated[int, Field(ge=-5, lt=5)]
    y: Annotated[float, Field(gt=0, lt=1)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=3, max_length=12)]
    colour: Colour
    kind: Literal["open", "closed"]
    points: Annotated[list[Point], Field(min_length=1, max_length=4)]
    label: str | None
    tags: Annotated[set[str], Field(min_length=3)]
    weights: dict[str, float]
    when: date
    id: UUID
    pair: tuple[int, str]
    either: int | list[str]
    code: Annotated[str, Field(pattern="^[A-Z]{2}[0-9]{3}$")]
    ratio: Annotated[float, Field(multiple_of=0.25, ge=1, le=2)]
    step: Annotated[int, Field(multiple_of=7, gt=100)]


class Tree(BaseModel):
    name: str
    children: list["Tree"]
    parent: "Tree | None" = None


TYPES: list[Any] = [  # whatever TypeAdapter takes
    Shape,
    Tree,
    Point,
    bool,
    None,
    Annotated[int, Field(le=-10)],
    Annotated[int, Field(gt=5, lt=7)],
    Annotated[float, Field(ge=2, le=2)],
    Annotated[float, Field(gt=2, lt=2.5)],
    Annotated[float, Field(multiple_of=0.5, gt=1, lt=3)],
    Annotated[str, Field(max_length=2)],
    Annotated[str, Field(min_length=500)],
    Annotated[list[int], Field(min_length=9, max_length=9)],
    Annotated[list[str], Field(max_length=0)],
    Literal["a", 1] | None,
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_what_is_built_is_valid(kind: Any) -> None:
    adapter = TypeAdapter(kind)
    schema = adapter.json_schema()

    for seed in SEEDS:
        adapter.validate_json(orjson.dumps(build(schema, seed)))


def test_the_same_seed_builds_the_same_value() -> None:
    schema = Shape.model_json_schema()

    assert build(schema, b"a") == build(schema, b"a")
    assert build(schema, b"a") != build(schema, b"b")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({"const": [1, 2]}, [1, 2], id="const"),
        pytest.param({"enum": ["only"]}, "only", id="enum"),
        pytest.param({"type": ["null", "boolean"], "const": True}, True, id="const before type"),
        pytest.param(False, None, id="nothing is allowed"),
        pytest.param(
            {"$ref": "https://elsewhere.example/s.json", "const": 1}, 1, id="no foreign reference is followed"
        ),
        pytest.param({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, None, id="a circle"),
        pytest.param({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 2}}}, 2, id="an escaped reference"),
        pytest.param({"$ref": "#/nowhere", "const": 3}, 3, id="a reference to nothing"),
        pytest.param(
            {
                "allOf": [{"properties": {"a": {"const": 1}}}, {"required": ["b"]}, True],
                "required": [],
                "properties": {"b": {"const": 2}},
            },
            {"b": 2, "a": 1},
            id="all of several",
        ),
        pytest.param({"oneOf": [{"type": "null"}, {"const": 4}]}, 4, id="one of several"),
        pytest.param({"required": ["x"], "additionalProperties": {"const": 5}}, {"x": 5}, id="required, not described"),
        pytest.param({"type": "object", "additionalProperties": {"const": 6}}, {"item": 6}, id="open object"),
        pytest.param({"prefixItems": [{"const": 1}, {"const": 2}]}, [1, 2], id="a tuple"),
        pytest.param({"items": {"const": 1}, "uniqueItems": True}, [1], id="no more different items than there are"),
    ],
)
def test_a_schema_is_understood_like_this(schema: Any, expected: Any) -> None:
    assert build(schema, b"seed") == expected


def test_arguments_are_always_an_object() -> None:
    assert build_object({"type": "array"}, b"seed") == {}
    assert build_object({"properties": {"a": {"const": 1}}}, b"seed") == {"a": 1}


def test_no_schema_takes_for_ever() -> None:
    branches = {f"b{number}": {"$ref": "#"} for number in range(50)}

    build({"type": "object", "properties": branches, "required": list(branches)}, b"seed")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.sampled_from(["string", "#", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "required",
                    "items",
                    "enum",
                    "anyOf",
                    "allOf",
                    "oneOf",
                    "$ref",
                    "minItems",
                    "maxItems",
                    "minLength",
                    "maximum",
                    "minimum",
                    "multipleOf",
                    "pattern",
                    "format",
                    "prefixItems",
                    "exclusiveMinimum",
                    "exclusiveMaximum",
                    "additionalProperties",
                    "uniqueItems",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(schema=JSON)
def test_any_json_is_taken_as_a_schema(schema: Any) -> None:
    orjson.dumps(build(schema, b"seed"))


def test_the_schemas_inside_a_schema_have_places() -> None:
    schema = {"properties": {"a": 1}, "anyOf": [2], "items": 3, "not": 4, "$defs": {"b": 5}, "oneOf": "no list"}

    assert dict(children(schema)) == {"properties.a": 1, "anyOf.0": 2, "items": 3, "not": 4, "$defs.b": 5}
