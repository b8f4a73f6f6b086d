"""Which JSON Schemas OpenAI's strict mode takes (platform.openai.com/docs/guides/structured-outputs)."""

from typing import Any, Final

_LISTS: Final = ("anyOf", "prefixItems")
_TABLES: Final = ("properties", "$defs", "definitions")
_NOT_TAKEN: Final = frozenset(
    {
        "allOf",
        "dependentRequired",
        "dependentSchemas",
        "else",
        "if",
        "not",
        "oneOf",
        "patternProperties",
        "then",
        "unevaluatedProperties",
    }
)


def takes_strict(schema: dict[str, Any]) -> bool:
    """Say whether strict mode takes a schema: an object at its root, every object closed, each property required."""
    return schema.get("type") == "object" and "anyOf" not in schema and _is_closed(schema)


def _is_closed(schema: Any) -> bool:  # any JSON value, since clients write it
    if type(schema) is not dict:
        return type(schema) is not bool
    if not _NOT_TAKEN.isdisjoint(schema):
        return False
    kind = schema.get("type")
    is_object = kind == "object" or (type(kind) is list and "object" in kind) or "properties" in schema
    if is_object and not _has_all_required(schema):
        return False
    below = [schema["items"]] if "items" in schema else []
    for name in _LISTS:
        parts = schema.get(name, [])
        if type(parts) is not list:
            return False
        below += parts
    for name in _TABLES:
        parts = schema.get(name, {})
        if type(parts) is not dict:
            return False
        below += parts.values()
    return all(_is_closed(part) for part in below)


def _has_all_required(schema: dict[str, Any]) -> bool:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    return (
        schema.get("additionalProperties") is False
        and type(properties) is dict
        and type(required) is list
        and all(name in required for name in properties)
    )
