"""The models that operators have pinned, in a file beside the policy: read, judged, and laid over the policy.

`seawall.yaml` has its pins in `seawall.pins.yaml`, under version control like the policy itself. A pin goes before the
model that the policy names for the route. `history` is the record of every change, newest last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final, Literal, TypeAlias

from pydantic_core import PydanticCustomError

from seawall.policy.document import PolicyDocument
from seawall.policy.document.section import EXPECTED_MODEL, check_model
from seawall.policy.fault import Fault, Path, Place, PlaceElsewhere, Places, shown
from seawall.policy.yaml_tree import Tree, Value, read_tree

VERSION: Final = 1
MAX_HISTORY: Final = 1000
MAX_TEXT: Final = 500
_SECTIONS: Final = ("version", "pins", "history")
_PIN: Final = ("model", "by", "at", "why")
_CHANGE: Final = ("did", "route", "model", "was", "by", "at", "why")
Did: TypeAlias = Literal["pin", "rollback"]


@dataclass(frozen=True, slots=True)
class Pin:
    """The model that a route is pinned to; `at` is a moment in UTC as it is written."""

    model: str
    by: str = ""
    at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the record: `model` was put in force in the place of `was`; empty is the policy's own model."""

    did: Did
    route: str
    model: str
    was: str = ""
    by: str = ""
    at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pins:
    """A pins file as it was read; with faults it is good for telling them and for nothing else."""

    source: str = ""
    pins: Mapping[str, Pin] = field(default_factory=dict)
    history: tuple[Change, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def pins_path(policy: FilePath) -> FilePath:
    """Name the pins file of a policy file."""
    return policy.with_name(f"{policy.stem}.pins.yaml")


def read_pins(data: bytes, source: str) -> Pins:
    """Read a pins file from its bytes; never fails, every fault is in the result, with its place in `source`."""
    if not data.strip():
        return Pins(source)
    return _Reader(read_tree(data), source).pins()


def lay_over(document: PolicyDocument, places: Places, pins: Pins) -> PolicyDocument:
    """Give the document with its pinned models, whose places become those of the pins; pins of no route stay unused."""
    routes = dict(document.routes)
    for route, pin in pins.pins.items():
        place = pins.places[route]
        places.keys["pins", route] = place
        if route in routes:
            routes[route] = routes[route].model_copy(update={"model": pin.model})
            path: Path = ("routes", route, "model")
            places.keys[path] = places.values[path] = place
    return document.model_copy(update={"routes": routes})


class _Reader:
    def __init__(self, tree: Tree, source: str) -> None:
        self._tree = tree
        self._source = source
        self._faults = [Fault(self._at(f.place), f.path, f.found, f.expected, f.hint, code=f.code) for f in tree.faults]

    def pins(self) -> Pins:
        document = self._tree.value
        if self._faults or not isinstance(document, dict):
            if not self._faults:
                self._fault((), shown(document), "a mapping with version, pins and history")
            return Pins(self._source, faults=tuple(self._faults))
        self._only(document, (), _SECTIONS)
        if document.get("version") != VERSION:
            self._fault(("version",), shown(document.get("version")), f"{VERSION}")
        pins: dict[str, Pin] = {}
        for route, said in self._mapping(document.get("pins"), ("pins",)).items():
            entry = self._entry(said, ("pins", route), _PIN)
            pins[route] = Pin(entry.pop("model", ""), **entry)
            self._need_model(pins[route].model, ("pins", route, "model"))
        history = document.get("history")
        if history is not None and not isinstance(history, list):
            self._fault(("history",), shown(history), "a list")
        changes = [self._change(said, i) for i, said in enumerate(history if isinstance(history, list) else ())]
        places = {route: self._at(self._tree.places.of_value(("pins", route, "model"))) for route in pins}
        return Pins(self._source, pins, tuple(changes), places, tuple(self._faults))

    def _change(self, said: Value, number: int) -> Change:
        path: Path = ("history", number)
        entry = self._entry(said, path, _CHANGE)
        did, route, model = entry.pop("did", ""), entry.pop("route", ""), entry.pop("model", "")
        if did not in {"pin", "rollback"}:
            self._fault((*path, "did"), shown(did), "pin or rollback")
        self._need(route, (*path, "route"), "a route")
        return Change("rollback" if did == "rollback" else "pin", route, model, **entry)

    def _entry(self, said: Value, path: Path, keys: tuple[str, ...]) -> dict[str, str]:
        fields = self._mapping(said, path)
        self._only(fields, path, keys)
        texts: dict[str, str] = {}
        for key, value in fields.items():
            if not isinstance(value, str) or len(value) > MAX_TEXT:
                self._fault((*path, key), shown(value), f"a text of at most {MAX_TEXT} characters")
            elif key in keys:
                texts[key] = value
        return texts

    def _mapping(self, value: Value, path: Path) -> dict[str, Value]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self._fault(path, shown(value), "a mapping")
        return {}

    def _only(self, fields: Mapping[str, Value], path: Path, keys: tuple[str, ...]) -> None:
        for key in fields:
            if key not in keys:
                self._fault((*path, key), "an unknown key", "one of " + ", ".join(keys), code="key.unknown")

    def _need_model(self, model: str, path: Path) -> None:
        if not model:
            self._need(model, path, "a model")
            return
        try:
            check_model(model)  # as a model of the policy itself, which is what it becomes
        except PydanticCustomError:
            self._fault(path, shown(model), EXPECTED_MODEL)

    def _need(self, text: str, path: Path, what: str) -> None:
        if not text and not any(fault.path == path for fault in self._faults):
            self._fault(path, "nothing", what)

    def _fault(self, path: Path, found: str, expected: str, code: str = "value.invalid") -> None:
        self._faults.append(Fault(self._at(self._tree.places.of_value(path)), path, found, expected, code=code))

    def _at(self, place: Place) -> Place:
        return PlaceElsewhere(place.line, place.column, self._source)
