"""What is wrong with a policy, where, and how to mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self, TypeAlias

from seawall.core.error import PolicyError
from seawall.policy.secret_shape import masked, secret_kind

Path: TypeAlias = tuple[str | int, ...]

_LONGEST_SHOWN: Final = 80


class Place(NamedTuple):
    """A position in the document; both numbers count from 1."""

    line: int
    column: int

    @property
    def source(self) -> str:
        """The file that it is in, where that is not the policy's own."""
        return ""


class PlaceElsewhere(Place):
    """A position in another file that belongs to the policy."""

    def __new__(cls, line: int, column: int, source: str) -> Self:
        """Name a position in `source`."""
        place = super().__new__(cls, line, column)
        place._source = source
        return place

    _source: str

    @property
    def source(self) -> str:
        """The file that it is in."""
        return self._source


START: Final = Place(1, 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that makes the document unusable.

    `path` leads to it through the document's keys; empty means the document itself. `leans_on` names the sections that
    this judgement takes for granted: while one of them is faulty itself, the fault may be only its echo.
    """

    place: Place
    path: Path
    found: str
    expected: str
    hint: str = ""
    code: str = "value.invalid"
    leans_on: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """Say what was found, what was expected, and how to mend it."""
        return f"found {self.found}, expected {self.expected}" + (f"; {self.hint}" if self.hint else "")


def path_text(path: Path) -> str:
    """Write a path as people name it: `routes./ai/chat.fallback[0]`. A credential used as a key is not repeated."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + _key_text(part)
    return text


def _key_text(key: str) -> str:
    if secret_kind(key):
        return f"[{secret_kind(key)}]"
    key = "".join(c if c.isprintable() else "�" for c in key)
    return key if len(key) <= _LONGEST_SHOWN else f"{key[:_LONGEST_SHOWN]}…"


def fault_line(source: str, fault: Fault) -> str:
    """Write one fault as `file:line:column path: found …, expected …`."""
    where = f"{fault.place.source or source}:{fault.place.line}:{fault.place.column}"
    path = path_text(fault.path)
    return masked(f"{where} {path}: {fault.sentence}" if path else f"{where}: {fault.sentence}")


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Sort faults by their place, each once."""
    return tuple(sorted(dict.fromkeys(faults), key=lambda fault: (fault.place, path_text(fault.path), fault.sentence)))


def policy_error(source: str, faults: Iterable[Fault]) -> PolicyError:
    """Make the one error that says everything that is wrong, a line for each fault."""
    return PolicyError("\n".join(fault_line(source, fault) for fault in in_order(faults)))


@dataclass(frozen=True, slots=True)
class Places:
    """Where keys and values stand. A value that an alias repeats stands where it was written first."""

    keys: dict[Path, Place]
    values: dict[Path, Place]

    def of_key(self, path: Path) -> Place:
        """Find where a key stands; for a key that is not there, where its nearest parent is."""
        return self._nearest(path, self.keys)

    def of_value(self, path: Path) -> Place:
        """Find where a value stands; for a value that is not there, where its nearest parent is."""
        return self._nearest(path, self.values)

    def _nearest(self, path: Path, first: Mapping[Path, Place]) -> Place:
        while path:
            place = first.get(path) or self.keys.get(path) or self.values.get(path)
            if place is not None:
                return place
            path = path[:-1]
        return START


def shown(value: object) -> str:
    """Describe a value for a message: its kind, and itself where it is short and no credential."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value}"
        case str():
            return _shown_text(value)
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a mapping" if value else "an empty mapping"


def _shown_text(text: str) -> str:
    kind = secret_kind(text)
    if kind:
        return f"a text of {len(text)} characters that looks like a credential ({kind})"
    if len(text) > _LONGEST_SHOWN or not text.isprintable():
        return f"a text of {len(text)} characters"
    return f'"{text}"'
