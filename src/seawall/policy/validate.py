"""From a tree to a document: every fault in the words of the policy, with its place and the nearest valid key."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from seawall.policy.document import PolicyDocument
from seawall.policy.document.section import ERROR_TYPE
from seawall.policy.document.zone import UNKNOWN as UNKNOWN_ZONE
from seawall.policy.document.zone import near_zones
from seawall.policy.fault import Fault, Path, Place, shown
from seawall.policy.schema import expectation, is_mapping, schema_at, valid_keys
from seawall.policy.secret_shape import assignments, names_secret, secret_kind, sightings
from seawall.policy.yaml_tree import Tree, Value

_KEY: Final = "[key]"
_SLIP: Final = 0.9  # so like the word that nothing else can be meant
_NEAR: Final = 0.66
_MEND_SECRET: Final = "put the secret into the environment or a file and name that"  # noqa: S105 - advice


@dataclass(frozen=True, slots=True)
class Validated:
    """What could be read, and what is wrong with it.

    With faults, `document` is what remains when everything faulty is taken out, so that the rest can be judged too; it
    must not be used for anything else. None means that too little remains.
    """

    document: PolicyDocument | None
    faults: tuple[Fault, ...]


def validate(tree: Tree, text: str) -> Validated:
    """Judge a tree; `text` is the document it was read from, searched for credentials in comments too."""
    faults = [*tree.faults, *_literal_secrets(tree, text)]
    if not isinstance(tree.value, dict):
        if not faults:
            found = "an empty document" if tree.value is None else shown(tree.value)
            faults.append(Fault(tree.places.of_value(()), (), found, "a mapping with routes"))
        return Validated(None, tuple(faults))
    value = _without_nulls(tree, faults)
    try:
        return Validated(PolicyDocument.model_validate(value), tuple(faults))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    known = {fault.path for fault in faults}
    paths = [_tree_path(detail["loc"], tree) for detail in details]
    faults += [
        _fault(detail, path, tree) for detail, path in zip(details, paths, strict=True) if path not in known or not path
    ]
    try:
        return Validated(PolicyDocument.model_validate(_pruned(value, paths)), tuple(faults))
    except ValidationError:
        return Validated(None, tuple(faults))


def nearest(word: str, choices: Iterable[str]) -> str:
    """Give the choice that a misspelt word most likely means; empty when none is near."""
    by_plain = {_plain(choice): choice for choice in choices}
    plain = _plain(word)
    same_words = [choice for choice in by_plain if sorted(choice.split("_")) == sorted(plain.split("_"))]
    unit_lost = [choice for choice in by_plain if choice.rsplit("_", 1)[0] == plain.rsplit("_", 1)[0]]
    found = (
        same_words
        or get_close_matches(plain, by_plain, n=1, cutoff=_SLIP)
        or get_close_matches(plain, unit_lost, n=1, cutoff=0)
        or get_close_matches(plain, by_plain, n=1, cutoff=_NEAR)
    )
    return by_plain[found[0]] if found else ""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Ask back with the nearest choice; empty when none is near."""
    found = nearest(word, choices)
    return f'did you mean "{found}"?' if found else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(" ", "_")


def _tree_path(loc: tuple[str | int, ...], tree: Tree) -> Path:
    # The location that pydantic gives also names list positions that we made up (one price is a list of one) and marks
    # keys; only the parts that lead somewhere in the document count, and a key that is missing at the end.
    path: Path = ()
    for index, part in enumerate(loc):
        if (*path, part) in tree.places.values or (index == len(loc) - 1 and isinstance(part, str) and part != _KEY):
            path = (*path, part)
    return path


def _fault(detail: ErrorDetails, path: Path, tree: Tree) -> Fault:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, tree)
    if detail["loc"][-1:] == (_KEY,):
        expected = str(context.get("expected", "another name"))
        return Fault(tree.places.of_key(path), path, f"the key {shown(path[-1])}", expected)
    is_there = path in tree.places.values
    value = _at(tree.value, path) if is_there else None
    found = _found(path, value) if is_there else "nothing"
    # A value that was left out stands, for a parser, before whatever comes next: a line that nobody would look at.
    place = tree.places.of_key(path) if is_there and value is None else tree.places.of_value(path)
    if kind == ERROR_TYPE:
        code = str(context["code"])
        hint = _MEND_SECRET if code == "secret.literal" else ""
        if code == UNKNOWN_ZONE and isinstance(value, str):
            hint = _zone_hint(value)
        return Fault(place, path, found, str(context["expected"]), hint, code=code)
    hint = ""
    words = (schema_at(path) or {}).get("enum")
    if isinstance(value, str):
        hint = did_you_mean(value, map(str, words)) if words else ""
        found = found if words else f"the text {found}"
    return Fault(place, path, found, expectation(path), hint)


def _zone_hint(name: str) -> str:
    zones = near_zones(name)
    found = nearest(name, zones)
    return f'did you mean "{zones[found]}"?' if found else ""


def _found(path: Path, value: Value) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if isinstance(value, str) and names_secret(key):
        return f"a literal of {len(value)} characters"
    return shown(value)


def _unknown_key(path: Path, tree: Tree) -> Fault:
    choices = valid_keys(path[:-1])
    key = str(path[-1])
    hint = did_you_mean(key, choices)
    expected = "a known key" if hint else "one of " + ", ".join(choices)
    return Fault(tree.places.of_key(path), path, "an unknown key", expected, hint, code="key.unknown")


def _at(value: Value, path: Path) -> Value:
    found: Any = value  # the path was made from this value: each part fits what it is a part of
    for part in path:
        found = found[part]
    return cast("Value", found)


def _without_nulls(tree: Tree, faults: list[Fault]) -> Value:
    """Read a null as an empty mapping where one is expected, and refuse it elsewhere: its value was forgotten."""
    told = {fault.path for fault in faults}

    def clean(value: Value, path: Path) -> Value:
        if isinstance(value, list):
            return [clean(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        kept: dict[str, Value] = {}
        for key, item in value.items():
            here = (*path, key)
            if item is not None:
                kept[key] = clean(item, here)
            elif is_mapping(schema_at(here)):
                kept[key] = {}
            elif schema_at(here) is None:
                kept[key] = None  # an unknown key: that is said elsewhere
            elif here not in told:
                hint = "write the value, or remove the key"
                faults.append(Fault(tree.places.of_key(here), here, "nothing", expectation(here), hint))
        return kept

    return clean(tree.value, ())


def _pruned(value: Value, paths: Iterable[Path]) -> Value:
    gone = {path for path in paths if path}

    def keep(value: Value, path: Path) -> Value:
        if isinstance(value, dict):
            return {k: keep(v, (*path, k)) for k, v in value.items() if (*path, k) not in gone}
        if isinstance(value, list):
            return [keep(v, (*path, i)) for i, v in enumerate(value) if (*path, i) not in gone]
        return value

    return keep(value, ())


def _literal_secrets(tree: Tree, text: str) -> list[Fault]:
    """Find credentials in values, in keys, and, line by line, in everything else that is written down."""
    faults = [
        _secret_fault(tree, path, kind)
        for path in tree.places.values
        if (kind := _secret_at(path, _at(tree.value, path)))
    ]
    lines = {fault.place.line for fault in faults}
    first_on = {place.line: path for path, place in reversed(tree.places.values.items()) if len(path) > 1}
    at = {place: path for path, place in tree.places.values.items()}
    for number, line in enumerate(text.splitlines(), 1):
        seen = [*sightings(line), *assignments(line)]
        if seen and number not in lines:
            place = Place(number, seen[0].start + 1)
            path = at.get(place) or first_on.get(number, ())
            found = f"what looks like a credential ({seen[0].kind})"
            faults.append(Fault(place, path, found, "none in a policy", _MEND_SECRET, code="secret.literal"))
    return faults


def _secret_at(path: Path, value: Value) -> str:
    key = path[-1] if path else ""
    return (secret_kind(value) if isinstance(value, str) else "") or (secret_kind(key) if isinstance(key, str) else "")


def _secret_fault(tree: Tree, path: Path, kind: str) -> Fault:
    value = _at(tree.value, path)
    where = tree.places.of_value(path) if isinstance(value, str) and secret_kind(value) else tree.places.of_key(path)
    size = f" of {len(value)} characters" if isinstance(value, str) else ""
    found = f"a literal{size} that looks like a credential ({kind})"
    return Fault(where, path, found, "none in a policy", _MEND_SECRET, code="secret.literal")
