"""Fit a JSON Schema into the part of JSON Schema that the Messages endpoint can hold an answer to."""

import re
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

# platform.claude.com/docs/en/build-with-claude/structured-outputs
MAX_OPTIONAL: Final = 24
MAX_UNIONS: Final = 16
MAX_STRICT_TOOLS: Final = 20

_KEPT: Final = frozenset(
    {"type", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "definitions", "properties", "required", "items"}
    | {"additionalProperties", "title", "description", "default"}
)
# Nothing that an answer could go against.
_REMARKS: Final = frozenset(
    {"$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly", "contentMediaType"}
)
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
# What its regular expressions lack: looking around, back references, word boundaries.
_BEYOND_PATTERN: Final = re.compile(r"\(\?[^:]|\\[1-9bB]")
_OF_SCHEMAS: Final = ("anyOf", "allOf", "oneOf")
_BY_NAME: Final = ("properties", "$defs", "definitions")


@dataclass(slots=True)
class Fitted:
    """A schema made to fit. `fault` says why it cannot be, and is empty where it can."""

    schema: dict[str, Any] = field(default_factory=dict)
    is_changed: bool = False
    fault: str = ""
    optional: int = 0
    unions: int = 0


def fitted(schema: dict[str, Any]) -> Fitted:
    """Strip what the endpoint would refuse from a schema; the schema itself stays as it is.

    What is stripped only narrows the answer (a least length, a greatest number), so that nothing that was allowed
    becomes forbidden. Where more would be lost there is a `fault`.
    """
    found = Fitted()
    found.schema = _fit(schema, found)
    found.fault = found.fault or _reference_fault(schema)
    if not found.fault and (found.optional > MAX_OPTIONAL or found.unions > MAX_UNIONS):
        found.fault = (
            f"it has {found.optional} optional properties and {found.unions} unions; expected {MAX_OPTIONAL} and "
            f"{MAX_UNIONS} at most"
        )
    return found


def _fit(schema: Any, found: Fitted) -> Any:  # any JSON value, an object unless the schema is wrong
    if type(schema) is not dict:
        found.fault = found.fault or "it has something else than an object where a schema is expected"
        return {}
    kept: dict[str, Any] = {}
    for name, value in schema.items():
        if name in _OF_SCHEMAS and type(value) is list:
            kept["allOf" if name == "allOf" else "anyOf"] = [_fit(each, found) for each in value]
            found.is_changed |= name == "oneOf"
        elif name in _BY_NAME and type(value) is dict:
            kept[name] = {key: _fit(each, found) for key, each in value.items()}
        elif name == "items":
            kept[name] = _fit(value, found)
        elif name in _KEPT or _is_taken(name, value):
            kept[name] = value
        elif name not in _REMARKS:
            found.is_changed = True
    _count(kept, found)
    _close(kept, found)
    return kept


def _is_taken(name: str, value: Any) -> bool:  # any JSON value
    if name == "format":
        return type(value) is str and value in _FORMATS
    if name == "minItems":
        return value in (0, 1)
    return name == "pattern" and type(value) is str and not _BEYOND_PATTERN.search(value)


def _count(schema: dict[str, Any], found: Fitted) -> None:
    properties, required = schema.get("properties"), schema.get("required")
    if type(properties) is dict:
        needed = {name for name in required if type(name) is str} if type(required) is list else set()
        found.optional += len(properties.keys() - needed)
    found.unions += "anyOf" in schema or type(schema.get("type")) is list


def _close(schema: dict[str, Any], found: Fitted) -> None:
    """Forbid properties that are not named, which the endpoint wants said."""
    kind = schema.get("type")
    if kind != "object" and "object" not in (kind if type(kind) is list else ()) and "properties" not in schema:
        return
    if schema.get("additionalProperties") is False:
        return
    if not schema.get("properties") or type(schema.get("additionalProperties")) is dict:
        found.fault = found.fault or "it has an object with names of any kind, which the endpoint does not take"
    found.is_changed = True
    schema["additionalProperties"] = False


def _reference_fault(schema: dict[str, Any]) -> str:
    """Say whether a definition leads back to itself, or a reference to anything else than a definition."""
    edges = {
        f"#/{group}/{name}": _references(each)
        for group in ("$defs", "definitions")
        if type(schema.get(group)) is dict
        for name, each in schema[group].items()
    }
    if _references(schema) - edges.keys():
        return "it refers to something else than a definition of its own, which the endpoint does not take"
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        return "it refers to itself, which the endpoint does not take"
    return ""


def _references(value: Any) -> set[str]:  # any JSON value
    if type(value) is list:
        return set().union(*(_references(each) for each in value))
    if type(value) is not dict:
        return set()
    own = value.get("$ref")
    below = set().union(*(_references(each) for each in value.values()))
    return below | {own} if type(own) is str else below
