"""YAML 1.2 into plain values, with the place of every key and value.

The tree is built here from the parser's events, and not by the library's own constructor: that one follows tags,
merges keys, expands aliases without a bound and recurses as deep as the document does. Only the scalars of the core
schema (YAML 1.2 §10.3) are known, so `no` is a text and `010` is ten; what could surprise is refused with its place.
"""

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from seawall.policy.fault import START, Fault, Path, Place, Places, shown

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 16
MAX_VALUES: Final = 20_000
MAX_FAULTS: Final = 100

Scalar: TypeAlias = str | int | float | bool | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEX: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS: Final = 18
_TAB: Final = repr("\t")  # as the parser writes it
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Tree:
    """A document as plain values; `value` is None for one that could not be read at all."""

    value: Value
    places: Places
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Node:
    place: Place
    value: "Scalar | list[_Node] | dict[str, _Node]"
    keys: dict[str, Place] = field(default_factory=dict)
    size: int = 1  # values in it, with every alias expanded
    depth: int = 1
    anchor: str | None = None
    pending: tuple[str, Place] | None = None  # a key that waits for its value; an empty name is a refused key


class _Stop(Exception):
    """Ends the reading after a fault that spoils the rest; never leaves this file."""


class _Fatal(Exception):
    """As above, and brings the fault itself."""

    def __init__(self, place: Place, found: str, expected: str, hint: str = "") -> None:
        super().__init__(found)
        self.fault = Fault(place, (), found, expected, hint, code="yaml.invalid")


def read_tree(data: bytes) -> Tree:
    """Read a document; every fault that can be told apart is told, and reading never fails otherwise."""
    builder = _Builder()
    try:
        builder.build(_text(data))
    except _Fatal as fatal:
        builder.faults.append(fatal.fault)
    except _Stop:
        pass
    return builder.tree()


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        # Whoever reads a file stops there, so that its true size is not known here.
        raise _Fatal(START, "a document of more than 1 MB", f"at most {MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _Fatal(place, f"the byte 0x{data[error.start]:02x}", "text in UTF-8") from error


def _events(text: str) -> Iterator[Event]:
    try:
        yield from YAML(typ="safe", pure=True).parse(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = START if mark is None else Place(mark.line + 1, mark.column + 1)
        raise _Fatal(place, "broken YAML", "a YAML 1.2 document", _reason(error)) from error
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _Fatal(place, "a character that cannot be printed", "printable text") from error
    except (YAMLError, ValueError) as error:
        raise _Fatal(START, "broken YAML", "a YAML 1.2 document") from error


def _reason(error: MarkedYAMLError) -> str:
    # Only the parser's own words: its full message repeats a piece of the document, which may be a credential.
    begins = f" that begins in line {error.context_mark.line + 1}" if error.context_mark is not None else ""
    words = [part for part in (error.context and f"{error.context}{begins}", error.problem) if part]
    hint = "; indent with spaces, not with tabs" if _TAB in str(error.problem) else ""
    return ", ".join(words).replace("\n", " ") + hint


class _Builder:
    """Builds nodes from events, and values with their places from nodes."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._open: list[_Node] = []
        self._anchors: dict[str, _Node] = {}
        self._root: _Node | None = None
        self._documents = 0
        self._values = 0

    def build(self, text: str) -> None:
        """Take every event of the text."""
        for event in _events(text):
            self._take(event)

    def tree(self) -> Tree:
        """Give what was built, with the places of everything in it."""
        keys: dict[Path, Place] = {}
        values: dict[Path, Place] = {}
        root = None if self._root is None else _expand(self._root, (), keys, values)
        return Tree(root, Places(keys, values), tuple(self.faults))

    def _take(self, event: Event) -> None:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case DocumentStartEvent():
                self._start_document(event, place)
            case AliasEvent():
                self._add_alias(event.anchor, place)
            case MappingStartEvent() | SequenceStartEvent():
                self._refuse_tag(event, place)
                self._open.append(_Node(place, {} if isinstance(event, MappingStartEvent) else [], anchor=event.anchor))
                if len(self._open) > MAX_DEPTH:
                    self._fault(place, "more levels than a policy has", f"at most {MAX_DEPTH}")
                    raise _Stop
            case MappingEndEvent() | SequenceEndEvent():
                self._close(self._open.pop())
            case ScalarEvent():
                self._refuse_tag(event, place)
                self._add_scalar(event, place)
            case _:
                pass

    def _start_document(self, event: DocumentStartEvent, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fault(place, "a second document", "one document a file")
            raise _Stop
        if event.version is not None and tuple(event.version) != (1, 2):
            self._fault(place, f"%YAML {event.version[0]}.{event.version[1]}", "YAML 1.2")

    def _add_alias(self, anchor: str, place: Place) -> None:
        node = self._anchors.get(anchor)
        if node is None:
            self._fault(place, "an alias to an anchor that is not written before it", "an anchor of that name above")
            node = _Node(place, None)
        if self._is_key():
            if isinstance(node.value, list | dict):
                self._refuse_key(place, "a list or mapping as a key")
            else:
                self._set_key(str(node.value), place)
            return
        if len(self._open) + node.depth > MAX_DEPTH:
            self._fault(place, "more levels than a policy has", f"at most {MAX_DEPTH}")
            raise _Stop
        self._add(node)

    def _add_scalar(self, event: ScalarEvent, place: Place) -> None:
        text, is_plain = event.value, event.style is None
        if _CONTROL.search(text):
            self._fault(place, "a text with a control character or half a surrogate pair", "printable text")
            text = ""
        if self._is_key():
            if is_plain and text == "<<":
                self._refuse_key(place, "a merge key (<<)", "put what routes share into `profiles:`")
            else:
                self._set_key(text, place)
                if event.anchor:
                    self._anchors[event.anchor] = _Node(place, text)
            return
        node = _Node(place, self._scalar(text, place) if is_plain else text, anchor=event.anchor)
        self._add(node)

    def _scalar(self, text: str, place: Place) -> Scalar:
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        number: int | float
        if len(text.lstrip("+-")) > _MAX_DIGITS and (_INT.fullmatch(text) or _HEX.fullmatch(text)):
            self._fault(place, f"a number of {len(text)} digits", f"at most {_MAX_DIGITS}")
            return 0
        if _INT.fullmatch(text):
            number = int(text)
        elif (_OCTAL.fullmatch(text) and len(text) <= _MAX_DIGITS) or _HEX.fullmatch(text):
            number = int(text, 0)
        elif _FLOAT.fullmatch(text):
            number = float(text)
        elif _NOT_FINITE.fullmatch(text):
            number = math.inf
        else:
            return text
        if math.isinf(number):
            self._fault(place, "a number without end", "a finite number")
            return 0
        return number

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].pending is None

    def _set_key(self, name: str, place: Place) -> None:
        parent = self._open[-1]
        first = parent.keys.get(name)
        if first is not None:
            hint = f"it stands in line {first.line} already: keep one of them"
            self._fault(place, f"the key {shown(name)} twice", "each key once", hint, code="key.duplicate")
            parent.pending = ("", place)
        elif not name:
            self._refuse_key(place, "an empty key")
        else:
            parent.pending = (name, place)

    def _refuse_key(self, place: Place, found: str, hint: str = "") -> None:
        self._fault(place, found, "a plain name as a key", hint)
        self._open[-1].pending = ("", place)

    def _close(self, node: _Node) -> None:
        children = node.value.values() if isinstance(node.value, dict) else cast("list[_Node]", node.value)
        node.size += sum(child.size for child in children)
        node.depth += max((child.depth for child in children), default=0)
        if self._is_key():
            self._refuse_key(node.place, "a list or mapping as a key")
            return
        self._add(node)

    def _add(self, node: _Node) -> None:
        if node.anchor is not None:
            self._anchors[node.anchor] = node
        self._values += 1
        if self._values > MAX_VALUES or node.size > MAX_VALUES:
            self._fault(node.place, "more values than a policy has, aliases counted", f"at most {MAX_VALUES}")
            raise _Stop
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        name, place = parent.pending or ("", node.place)
        parent.pending = None
        if name:
            parent.keys[name] = place
            cast("dict[str, _Node]", parent.value)[name] = node

    def _refuse_tag(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent, place: Place) -> None:
        if event.tag is not None:
            self._fault(place, "a tag (!)", "a plain value", "remove the tag; texts may be quoted")

    def _fault(self, place: Place, found: str, expected: str, hint: str = "", code: str = "yaml.invalid") -> None:
        self.faults.append(Fault(place, self._path(), found, expected, hint, code=code))
        if len(self.faults) >= MAX_FAULTS:
            raise _Stop

    def _path(self) -> Path:
        parts: list[str | int] = []
        for node in self._open:
            if isinstance(node.value, list):
                parts.append(len(node.value))
            elif node.pending is not None and node.pending[0]:
                parts.append(node.pending[0])
        return tuple(parts)


def _expand(node: _Node, path: Path, keys: dict[Path, Place], values: dict[Path, Place]) -> Value:
    # Recursion is bounded by MAX_DEPTH and the number of steps by MAX_VALUES: both were checked while building.
    values[path] = node.place
    if isinstance(node.value, dict):
        mapping: dict[str, Value] = {}
        for name, child in node.value.items():
            keys[*path, name] = node.keys[name]
            mapping[name] = _expand(child, (*path, name), keys, values)
        return mapping
    if isinstance(node.value, list):
        return [_expand(child, (*path, index), keys, values) for index, child in enumerate(node.value)]
    return node.value
