"""What an endpoint answers: a status, headers, and the events of its body in order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seawall.core.usage import Usage

JSON_TYPE = ("content-type", "application/json")


@dataclass(frozen=True, slots=True)
class Event:
    """One write of a body: the whole of it, or one frame of a stream.

    `tokens` is how many output tokens the model generates for it; `is_terminal` marks what tells a client that the
    stream ended well.
    """

    data: bytes
    tokens: int = 0
    is_terminal: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """What a whole answer uses, for the meter; `permille` scales the model's price, `is_free` makes it nothing."""

    model: str
    usage: Usage
    permille: int = 1000
    is_free: bool = False


def _nothing() -> None:
    """Do nothing when the answer begins."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, decided before its first byte is written; `begun` runs when that happens."""

    status: int
    headers: tuple[tuple[str, str], ...]
    events: Sequence[Event]
    is_stream: bool = False
    charge: Charge | None = None
    begun: Callable[[], None] = _nothing


def whole(status: int, body: bytes, *headers: tuple[str, str]) -> Reply:
    """Answer with one JSON body."""
    return Reply(status, (JSON_TYPE, *headers), (Event(body),))
