"""What a rule may look at, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from seawall.policy.chain import Link
from seawall.policy.document import PolicyDocument, RouteDocument
from seawall.policy.effective import Effective
from seawall.policy.fault import Path, Place
from seawall.policy.pins import Pins
from seawall.policy.reference import References
from seawall.policy.roster import Found, Roster

Level: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a careful operator would want to know."""

    level: Level
    code: str
    place: Place
    path: Path
    message: str
    mend: str = ""


class Model(NamedTuple):
    """One model of a route: where and as what it is named, what the name means, and whether it is switched on."""

    link: Link
    found: Found
    is_on: bool

    @property
    def path(self) -> Path:
        """Where it is named."""
        return self.link.path


@dataclass(frozen=True, slots=True)
class Route:
    """A route under judgement: what it says, what holds for it, and its models in order, switched off or not."""

    name: str
    said: RouteDocument
    settings: Effective
    models: tuple[Model, ...]

    @property
    def path(self) -> Path:
        """Where the route stands in the document."""
        return ("routes", self.name)


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that a rule may look at."""

    document: PolicyDocument
    roster: Roster
    routes: tuple[Route, ...]
    references: References
    today: date
    pins: Pins = field(default_factory=Pins)


@dataclass(frozen=True, slots=True)
class Draft:
    """A finding before its place is looked up."""

    path: Path
    message: str
    mend: str = ""


class Rule(NamedTuple):
    """One rule: how bad it is, its stable code, what it looks for in a few words, and the looking itself."""

    level: Level
    code: str
    what: str
    find: Callable[[Judged], Iterator[Draft]]
