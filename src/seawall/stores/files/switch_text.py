"""The kill switch's file, understood and written: one switch a line, made to be typed by hand on a bad day.

```
# LEVEL [until=ISO8601Z] [by=NAME] [at=ISO8601Z] [why="..."]
provider:openai until=2026-11-21T12:00:00Z by=ada at=2026-11-21T11:30:00Z why="wrong answers since 11:20"
"feature:live chat"
```

What nobody can read means `all`: an empty file, an unknown level, a half-written line.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from seawall.core.switch import EVERYTHING, MAX_BY, MAX_WHY, Switch, parse_level, shown

MAX_BYTES: Final = 256 * 1024
MAX_LINES: Final = 2000
_WORD: Final = re.compile(r'\s*(?:([a-z]+)=)?(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_FIELDS: Final = frozenset({"until", "by", "at", "why"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file as it stands there; `switch` None for a comment or an empty one."""

    text: str
    switch: Switch | None = None


def read_lines(data: bytes) -> tuple[Line, ...]:
    """Understand the file; never fails, since what cannot be understood becomes a switch for all."""
    if len(data) > MAX_BYTES:
        return (_trouble("", f"the file is larger than {MAX_BYTES // 1024} KB"),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return (_trouble("", f"the file is not UTF-8 (byte {error.start})"),)
    if not text.strip():
        return (_trouble("", "the file is empty, which means all; remove it to serve again"),)
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        return (_trouble("", f"the file has more than {MAX_LINES} lines"),)
    return tuple(_line(line, number) for number, line in enumerate(lines, 1))


def _line(text: str, number: int) -> Line:
    words = text.strip()
    if not words or words.startswith("#"):
        return Line(text)
    try:
        return Line(text, _switch(words))
    except ValueError as error:
        return _trouble(text, f"line {number}: {error}; a line that cannot be read means all")


def _trouble(text: str, what: str) -> Line:
    return Line(text, Switch(EVERYTHING, trouble=what))


def _switch(text: str) -> Switch:
    """Read one line.

    Raises:
        ValueError: it is no switch.
    """
    words = _words(text)
    name, level = words[0]
    if name:
        raise ValueError(f"found {name}= before the level")
    said: dict[str, str] = {}
    for name, value in words[1:]:
        if name not in _FIELDS:
            raise ValueError(f"found {shown(f'{name}={value}' if name else value)}, expected until=, by=, at= or why=")
        if name in said:
            raise ValueError(f"found {name}= twice")
        said[name] = value
    return Switch(
        parse_level(level),
        until_s=moment_s(said["until"]) if "until" in said else None,
        by=said.get("by", ""),
        at_s=moment_s(said["at"]) if "at" in said else None,
        why=said.get("why", ""),
    )


def _words(text: str) -> list[tuple[str, str]]:
    words, at = [], 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None:
            raise ValueError(f"found {shown(text[at:].strip())}, expected a level or field=value, quoted as a whole")
        quoted = match[2]
        words.append((match[1] or "", match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)))
        at = match.end()
    return words


def moment_s(text: str) -> float:
    """Read a moment such as `2026-11-21T12:00:00Z`; one without an offset is UTC.

    Raises:
        ValueError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"found {shown(text)}, expected a moment such as 2026-11-21T12:00:00Z") from None


def moment_text(at_s: float) -> str:
    """Write a moment, to the second."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_line(switch: Switch) -> str:
    """Write a switch so that `read_lines` reads the same; control characters become spaces, long texts are cut."""
    level = switch.level.text
    words = [f'"{level.replace(chr(92), chr(92) * 2)}"' if re.search(r"\s|\\", level) else level]
    if switch.until_s is not None:
        words.append(f"until={moment_text(switch.until_s)}")
    if switch.by:
        words.append(f"by={_quoted(switch.by[:MAX_BY])}")
    if switch.at_s is not None:
        words.append(f"at={moment_text(switch.at_s)}")
    if switch.why:
        words.append(f"why={_quoted(switch.why[:MAX_WHY])}")
    return " ".join(words)


def write_lines(lines: Iterable[Line]) -> bytes:
    """Write the file."""
    return "".join(f"{line.text}\n" for line in lines).encode()


def _quoted(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def switch_json(switch: Switch) -> dict[str, str | None]:
    """Give a switch as commands and the admin port say it in JSON."""
    return {
        "level": switch.level.text,
        "until": None if switch.until_s is None else moment_text(switch.until_s),
        "by": switch.by,
        "at": None if switch.at_s is None else moment_text(switch.at_s),
        "why": switch.why,
        "trouble": switch.trouble or None,
    }
