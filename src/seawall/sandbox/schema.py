"""Build a value that a JSON schema allows, as a function of a seed.

Understood: types, enum, const, properties, required, additionalProperties, items, prefixItems, bounds of numbers,
lengths and items, multipleOf, simple patterns, the usual formats, anyOf, oneOf, allOf, and `$ref` within the schema.
Not understood, and so perhaps not met: not, if/then/else, dependent…, patternProperties, contains.
"""

import math
from collections.abc import Iterator
from typing import Any, Final, TypeGuard

from seawall.sandbox.draw import Draw
from seawall.sandbox.pattern import sample
from seawall.sandbox.problem import Json
from seawall.sandbox.words import phrase

_BUDGET: Final = 2_000  # values in one instance; beyond it everything is null, so that no schema takes for ever
_DEEP: Final = 6  # from here on only what is required is built
_DEEPEST: Final = 40  # from here on everything is null
_STEPS: Final = 32  # references and choices that one value may go through
_LONGEST: Final = 4_000  # characters of a text, items of a list
_SPREAD: Final = 1_000  # numbers are drawn from at most this many
_UNIQUE_TRIES: Final = 20
_FORMATS: Final = {
    "date-time": "2026-11-21T08:15:00Z",
    "date": "2026-11-21",
    "time": "08:15:00Z",
    "duration": "P1DT2H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.10",
    "ipv6": "2001:db8::10",
    "uuid": "3f2b8c1e-6a4d-4e0b-9c57-1d2e3f4a5b6c",
    "uri": "https://example.com/sandbox",
}


def build(schema: Any, seed: bytes) -> Any:  # a schema is any JSON value, and so is what it allows
    """Give a value that the schema allows; for the same seed always the same."""
    return _Builder(schema, Draw(seed)).value(schema, 0)


def build_object(schema: Any, seed: bytes) -> Json:
    """Give an object, as the arguments of a tool must be, whatever the schema is."""
    value = build(schema, seed)
    return value if isinstance(value, dict) else {}


def children(schema: Json) -> Iterator[tuple[str, Any]]:
    """Give the schemas inside a schema, each with its place in it."""
    for name in ("properties", "$defs", "definitions", "anyOf", "oneOf", "allOf", "prefixItems"):
        inner = schema.get(name)
        pairs = inner.items() if isinstance(inner, dict) else enumerate(inner) if isinstance(inner, list) else ()
        for key, part in pairs:
            yield f"{name}.{key}", part
    for name in ("items", "additionalProperties", "not"):
        if name in schema:
            yield name, schema[name]


class _Builder:
    def __init__(self, root: Any, draw: Draw) -> None:
        self._root = root
        self._draw = draw
        self._left = _BUDGET

    def value(self, schema: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST or schema is False:
            return None
        schema = self._plain(schema, depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][self._draw.below(len(schema["enum"]))]
        match _type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return _integer(schema, self._draw)
            case "number":
                return _number(schema, self._draw)
            case "boolean":
                return bool(self._draw.below(2))
            case "null":
                return None
            case _:
                return _string(schema, self._draw)

    def _plain(self, schema: Any, depth: int) -> Json:
        """Resolve references and choices until only a plain schema is left."""
        for _ in range(_STEPS):
            if not isinstance(schema, dict):
                return {}
            if isinstance(schema.get("$ref"), str):
                schema = _merged(_without(schema, "$ref"), self._resolved(schema["$ref"]))
            elif _is_list(schema.get("allOf")):
                parts = schema["allOf"]
                schema = _without(schema, "allOf")
                for part in parts:
                    schema = _merged(schema, part)
            elif _is_list(schema.get("anyOf")):
                schema = _merged(_without(schema, "anyOf"), self._chosen(schema["anyOf"], depth))
            elif _is_list(schema.get("oneOf")):
                schema = _merged(_without(schema, "oneOf"), self._chosen(schema["oneOf"], depth))
            else:
                return schema
        return {"type": "null"}

    def _chosen(self, options: list[Any], depth: int) -> Any:
        if depth >= _DEEP:
            return next((option for option in options if option == {"type": "null"}), options[0])
        useful = [option for option in options if option != {"type": "null"}] or options
        return useful[self._draw.below(len(useful))]

    def _resolved(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return {}
        found = self._root
        for step in filter(None, reference[1:].split("/")):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return {}
            found = found[name]
        return found

    def _object(self, schema: Json, depth: int) -> Json:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        built = {
            name: self.value(part, depth + 1) for name, part in properties.items() if depth < _DEEP or name in names
        }
        extra = schema.get("additionalProperties", True)
        for name in names:
            if name not in built:
                built[name] = self.value(extra, depth + 1)
        if not built and isinstance(extra, dict) and depth < _DEEP:
            built["item"] = self.value(extra, depth + 1)
        return built

    def _array(self, schema: Json, depth: int) -> list[Any]:
        prefix = schema.get("prefixItems")
        built = [self.value(part, depth + 1) for part in prefix] if isinstance(prefix, list) else []
        least, most = _bound(schema, "minItems", 0), _bound(schema, "maxItems", _BUDGET)
        wanted = min(max(least, 0 if depth >= _DEEP else 2), max(most, least), _BUDGET)
        items = schema.get("items", prefix is None)
        tries = wanted + _UNIQUE_TRIES
        while items is not False and len(built) < wanted and tries > 0 and self._left > 0:
            tries -= 1
            item = self.value(items, depth + 1)
            if schema.get("uniqueItems") is not True or item not in built:
                built.append(item)
        return built


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _without(schema: Json, name: str) -> Json:
    return {key: value for key, value in schema.items() if key != name}


def _merged(schema: Json, other: Any) -> Json:
    """Put two schemas that both hold into one; of two bounds of the same name the other's wins."""
    if not isinstance(other, dict):
        return schema
    merged = {**schema, **other}
    for name in ("properties", "$defs"):
        if isinstance(schema.get(name), dict) and isinstance(other.get(name), dict):
            merged[name] = {**schema[name], **other[name]}
    if isinstance(schema.get("required"), list) and isinstance(other.get("required"), list):
        merged["required"] = [*schema["required"], *other["required"]]
    return merged


def _type(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((part for part in kind if part != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bound(schema: Json, name: str, default: int) -> int:
    value = schema.get(name)
    return min(int(value), _LONGEST) if _is_number(value) and value >= 0 else default


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _string(schema: Json, draw: Draw) -> str:
    if isinstance(schema.get("format"), str) and schema["format"] in _FORMATS:
        return _FORMATS[schema["format"]]
    if isinstance(schema.get("pattern"), str):
        found = sample(schema["pattern"], draw)
        if found is not None:
            return found
    text = phrase(draw, draw.between(2, 4))
    least, most = _bound(schema, "minLength", 0), _bound(schema, "maxLength", _LONGEST)
    while len(text) < least:
        text += " " + phrase(draw, 4)
    return text[: max(most, least)] if len(text) > most or least > most else text


def _limits(schema: Json) -> tuple[float, float, bool, bool]:
    """Give the bounds of a number, and whether each is itself forbidden."""
    low, high = schema.get("minimum"), schema.get("maximum")
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    least = max((float(value) for value in (low, over) if _is_number(value)), default=-math.inf)
    most = min((float(value) for value in (high, under) if _is_number(value)), default=math.inf)
    if math.isinf(least):
        least = 1.0 if most > 1 else most - 100.0
    if math.isinf(most):
        most = least + 100.0
    return least, most, over == least, under == most


def _integer(schema: Json, draw: Draw) -> int:
    least, most, over, under = _limits(schema)
    low = math.floor(least) + 1 if over else math.ceil(least)
    high = math.ceil(most) - 1 if under else math.floor(most)
    step = schema.get("multipleOf")
    if not _is_number(step) or step < 1 or int(step) != step:
        return draw.between(low, min(high, low + _SPREAD)) if high >= low else low
    first = -(-low // int(step))
    last = min(high // int(step), first + _SPREAD)
    return int(step) * (draw.between(first, last) if last >= first else first)


def _number(schema: Json, draw: Draw) -> float:
    least, most, over, under = _limits(schema)
    step = schema.get("multipleOf")
    if _is_number(step) and step > 0:
        first = math.floor(least / step) + 1 if over else math.ceil(least / step)
        last = math.ceil(most / step) - 1 if under else math.floor(most / step)
        return float(step) * (draw.between(first, min(last, first + _SPREAD)) if last >= first else first)
    whole = math.floor(least) + 1
    if whole < most:
        return float(draw.between(whole, min(math.ceil(most) - 1, whole + _SPREAD)))
    return (least + most) / 2 if over or under or least < most else least
