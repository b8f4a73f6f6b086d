"""What a rule may look at, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

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


@dataclass(frozen=True, slots=True)
class Route:
    """A route under judgement: what it says, what holds for it, and its models in order with where each is named."""

    name: str
    said: RouteDocument
    settings: Effective
    models: tuple[tuple[Path, Found], ...]

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
