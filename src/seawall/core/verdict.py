"""What a rule can decide: a closed set."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Degrade:
    """Go on with less; `code` is stable and ends in records and metrics."""

    code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Stop here; `code` is stable, `note` is for the person who reads the error."""

    code: str
    note: str


Verdict: TypeAlias = Allow | Degrade | Refuse

ALLOW = Allow()
