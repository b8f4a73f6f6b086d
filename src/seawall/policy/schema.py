"""The document's JSON Schema: for editors, for the reference page, and for saying what was expected somewhere."""

from functools import cache
from typing import Any, Final, TypeAlias

from seawall.policy.document import PolicyDocument
from seawall.policy.document.section import EXPECTED_DAY
from seawall.policy.fault import Path

# A JSON Schema is JSON: what a node holds is known only by looking, hence Any.
Node: TypeAlias = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
# What holds the next part of a path: a position is in a list, a key in a mapping.
_FOLLOWED_BY: Final = {int: "array", str: "object"}
_KINDS: Final = {"integer": "a whole number", "number": "a number", "string": "a text", "array": "a list"}


@cache
def policy_schema() -> Node:
    """Give the JSON Schema of a policy (draft 2020-12). It is shared: nobody changes it."""
    schema: Node = {"$schema": DRAFT, **_tidy(PolicyDocument.model_json_schema(by_alias=True, mode="validation"))}
    schema["title"] = "Seawall policy"
    return schema


def _tidy(node: Any) -> Any:
    # Pydantic says that a key that may be left out may also be null. In a policy it may not: a null is a key whose
    # value was forgotten. Its titles are the Python names, which say less than the keys.
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    choices = [choice for choice in node.get("anyOf", ()) if choice != {"type": "null"}]
    if choices:
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        node = {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}
    if "patternProperties" in node:
        node = {**node, "additionalProperties": False}
    return {
        key: _tidy_names(value) if key in {"properties", "$defs"} else _tidy(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value in (None, [], {}))
    }


def _tidy_names(named: Node) -> Node:
    return {name: _tidy(node) for name, node in named.items()}


def schema_at(path: Path) -> Node | None:
    """Find the part of the schema that holds for a place in the document; None where nothing may be."""
    node = _node_at(path)
    return None if node is None else _choice(node, "")


def _node_at(path: Path) -> Node | None:
    node = policy_schema()
    for part in path:
        child = _child(_choice(node, _FOLLOWED_BY[type(part)]), part)
        if child is None:
            return None
        node = child
    return node


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(part, int):
        found: Node | None = node.get("items")
        return found
    named: Node | None = node.get("properties", {}).get(part)
    if named is not None:
        return named
    patterns: Node = node.get("patternProperties", {})
    return next(iter(patterns.values()), None)


def _choice(node: Node, kind: str) -> Node:
    """Choose what stands for a node where it can be more than one thing: of this kind if any is, else the first."""
    choices = [_resolved(choice) for choice in node.get("anyOf", (node,))]
    return next((choice for choice in choices if choice.get("type") == kind), choices[0])


def _resolved(node: Node) -> Node:
    reference = node.get("$ref")
    if reference is None:
        return node
    return {**policy_schema()["$defs"][reference.rsplit("/", 1)[-1]], **{k: v for k, v in node.items() if k != "$ref"}}


def is_mapping(node: Node | None) -> bool:
    """Say whether a mapping is expected here."""
    return node is not None and node.get("type") == "object"


def valid_keys(path: Path) -> list[str]:
    """List the keys that may stand in the mapping at this place; empty where names are free."""
    node = _node_at(path)
    return list(_choice(node, "object").get("properties", ())) if node is not None else []


def expectation(path: Path) -> str:
    """Say in words what is expected at this place."""
    node = schema_at(path) or {}
    if "const" in node:
        return f"{node['const']}"
    if "enum" in node:
        return "one of " + ", ".join(str(word) for word in node["enum"])
    kind = node.get("type", "")
    if node.get("format") == "date":
        return EXPECTED_DAY
    if kind == "boolean":
        return "true or false"
    if kind not in _KINDS:
        return "a mapping" if kind == "object" else "a value"
    return _KINDS[kind] + _bounds(node)


def _bounds(node: Node) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if "exclusiveMinimum" in node:
        return f" above {node['exclusiveMinimum']:g} and at most {high}"
    if low is not None and high is not None:
        return f" from {low} to {high}"
    most = node.get("maxItems")
    if most is not None:
        return f" of at most {most}"
    fewest, longest = node.get("minLength"), node.get("maxLength")
    return f" of {fewest or 0} to {longest:,} characters" if longest is not None else ""
