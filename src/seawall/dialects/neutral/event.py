"""What a model answers piece by piece.

An answer is `Opened`, then pieces, then `Closed`. A tool call is `CallOpened`, then `CallPiece`s with its number; the
pieces of several calls may come mixed, and writers whose dialect cannot mix them put them in order. A break is no
event: whoever relays the stream writes the dialect's error frame.
"""

from typing import TypeAlias

import msgspec

from seawall.core.usage import NO_USAGE, Usage
from seawall.dialects.neutral.answer import Stop


class Opened(msgspec.Struct, frozen=True):
    """The answer begins. `usage` is what is known of the prompt by now; `at_s` is wall time, 0 where not told."""

    id: str
    model: str
    usage: Usage = NO_USAGE
    at_s: float = 0.0


class TextPiece(msgspec.Struct, frozen=True):
    """More words."""

    text: str


class RefusalPiece(msgspec.Struct, frozen=True):
    """More words of a refusal."""

    text: str


class CallOpened(msgspec.Struct, frozen=True):
    """A tool call begins; `number` counts the calls of the answer from 0."""

    number: int
    id: str
    name: str


class CallPiece(msgspec.Struct, frozen=True):
    """More of the JSON text of a call's arguments."""

    number: int
    arguments: str


class Waiting(msgspec.Struct, frozen=True):
    """The provider is still there: a ping, a thought that nobody is shown."""


class Closed(msgspec.Struct, frozen=True):
    """The answer is complete; nothing comes after it."""

    stop: Stop
    stop_text: str = ""
    explanation: str = ""
    usage: Usage = NO_USAGE


Event: TypeAlias = Opened | TextPiece | RefusalPiece | CallOpened | CallPiece | Waiting | Closed
