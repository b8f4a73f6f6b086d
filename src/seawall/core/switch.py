"""What an operator has switched off: a level, until when, by whom and why."""

import difflib
from dataclasses import dataclass
from typing import Final

ALL: Final = "all"
KINDS: Final = ("provider", "model", "route", "feature", "team", "tool", "key")
MAX_NAME: Final = 256
MAX_WHY: Final = 500
MAX_BY: Final = 100
_CLOSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Level:
    """What a switch reaches: everything (`all`), or what bears a name in one of the `KINDS`."""

    kind: str
    name: str = ""

    @property
    def text(self) -> str:
        """The way commands, files and messages write it: `all`, `model:claude-haiku-5-5`."""
        return f"{self.kind}:{self.name}" if self.name else self.kind


EVERYTHING: Final = Level(ALL)


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that is off. Times are wall time in seconds since 1970; `until_s` None lasts until somebody revives it.

    `trouble` says what could not be read where a switch stands for something unreadable, which counts as `all`.
    """

    level: Level
    until_s: float | None = None
    by: str = ""
    at_s: float | None = None
    why: str = ""
    trouble: str = ""

    def is_on(self, now_s: float) -> bool:
        """Say whether it still counts at this moment."""
        return self.until_s is None or now_s < self.until_s


def parse_level(text: str) -> Level:
    """Read a level as people write it.

    Raises:
        ValueError: it is none; the message says what was expected, and the nearest level.
    """
    kind, colon, name = text.strip().partition(":")
    if kind == ALL and not colon:
        return EVERYTHING
    if kind not in KINDS:
        raise ValueError(_no_level(text, kind, name))
    if not name or len(name) > MAX_NAME or not name.isprintable() or name != name.strip() or '"' in name:
        raise ValueError(f"{shown(text)} is no level: expected a name of at most {MAX_NAME} characters after {kind}:")
    if kind == "route" and not name.startswith("/"):
        raise ValueError(f"{shown(text)} is no level: a route begins with a slash; did you mean route:/{name}?")
    return Level(kind, name)


def _no_level(text: str, kind: str, name: str) -> str:
    expected = "expected all, or one of " + ", ".join(f"{each}:NAME" for each in KINDS)
    if text.startswith("/"):
        return f"{shown(text)} is no level: {expected}; did you mean route:{text}?"
    near = difflib.get_close_matches(kind.lower(), (ALL, *KINDS), 1, _CLOSE)
    if not near:
        return f"{shown(text)} is no level: {expected}"
    meant = ALL if near[0] == ALL else f"{near[0]}:{name or 'NAME'}"
    return f"{shown(text)} is no level: {expected}; did you mean {meant}?"


def shown(text: str) -> str:
    """Quote a text for a message: short, and without what a terminal would obey."""
    clean = "".join(c if c.isprintable() else "�" for c in text)
    return f'"{clean}"' if len(clean) <= MAX_BY else f'"{clean[:MAX_BY]}…"'
