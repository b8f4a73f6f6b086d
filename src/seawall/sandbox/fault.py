"""What can be made to go wrong, each by one name, for one request or for many.

A request asks for faults in the header `x-sandbox-fault: <name>[=value][,…]`; `Incidents` holds those set over the
control endpoint. A request's own header comes before every incident.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from msgspec import structs

from seawall.core.usage import NO_USAGE, Usage
from seawall.sandbox.draw import fraction
from seawall.sandbox.problem import BAD_REQUEST, Problem


@dataclass(frozen=True, slots=True)
class ErrorAt:
    """An error event of this kind in place of the stream's event number `event` (the first is 0) and what follows."""

    kind: str
    event: int


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one answer; a field's name is the fault's name, its default means that nothing goes wrong."""

    status: int | None = None
    retry_after: float | None = None
    retry_after_ms: int | None = None
    retry_after_date: int | None = None
    error_code: str | None = None
    html_error: bool = False
    echo_key: bool = False
    stall: bool = False
    stall_after: int | None = None
    slow_bytes: float | None = None
    cut: int | None = None
    cut_headers: bool = False
    no_terminal: int | None = None
    garbage: bool = False
    duplicate_event: int | None = None
    usage: str = ""
    wrong_length: int | None = None
    error_in_stream: ErrorAt | None = None

    @property
    def error_status(self) -> int | None:
        """The status to answer with in place of an answer; a bare retry-after means 429."""
        if self.status is None and (self.retry_after, self.retry_after_ms, self.retry_after_date) != (None, None, None):
            return 429
        return 400 if self.status is None and self.error_code is not None else self.status

    def reported(self, usage: Usage) -> Usage | None:
        """Give the usage that the answer shows for the real one; None shows none."""
        match self.usage:
            case "missing":
                return None
            case "zero":
                return NO_USAGE
            case "double":
                buckets = {name: 2 * value for name, value in structs.asdict(usage).items()}
                return Usage(**buckets)
            case _:
                return usage


NO_FAULTS: Final = Faults()


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the table of faults: how its value is read, an example, and what it means."""

    read: Callable[[str], Any]  # gives the type of the field of the same name in Faults
    example: str
    meaning: str


def _match(pattern: str, convert: Callable[[str], Any], expected: str, default: Any = None) -> Callable[[str], Any]:
    """Read a value that matches `pattern`; an empty one means `default`, where there is one."""

    def read(text: str) -> Any:
        if not text and default is not None:
            return default
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"expected {expected}")
        return convert(text)

    return read


def _error_at(text: str) -> ErrorAt:
    kind, _, event = text.partition("@")
    return ErrorAt(kind or "overloaded_error", int(event or 1))


_on: Final = _match("", bool, "no value", default=True)
_events: Final = r"\d{1,7}"

FAULTS: Final[Mapping[str, Fault]] = {
    "status": Fault(_match("[45][0-9]{2}", int, "a status from 400 to 599"), "status=529",
                    "an error with this status in the dialect's shape; not billed"),
    "retry_after": Fault(_match(r"\d{1,7}(\.\d{1,3})?", float, "seconds"), "retry_after=2",
                         "a `retry-after` header in seconds on the error; alone it means status 429"),
    "retry_after_ms": Fault(_match(r"\d{1,10}", int, "milliseconds"), "retry_after_ms=500",
                            "a `retry-after-ms` header on the error; alone it means status 429"),
    "retry_after_date": Fault(_match(r"\d{1,7}", int, "seconds from now"), "retry_after_date=30",
                              "a `retry-after` header as an HTTP date so far ahead; alone it means status 429"),
    "error_code": Fault(_match("[a-z_]{1,64}", str, "a code, such as no_quota"), "error_code=insufficient_quota",
                        "the error's code, in the place where the dialect puts it; alone it means status 400"),
    "html_error": Fault(_on, "html_error", "a proxy's 502 page in HTML; not billed"),
    "echo_key": Fault(_on, "echo_key", "a 401 whose message repeats the key that came; not billed"),
    "stall": Fault(_on, "stall", "the request is taken and never answered; not billed"),
    "stall_after": Fault(_match(_events, int, "a number of events"), "stall_after=3",
                         "the answer stops after so many events and stays open (a whole body is one event)"),
    "slow_bytes": Fault(_match(r"[1-9]\d{0,8}", float, "bytes a second"), "slow_bytes=200",
                        "the body trickles at so many bytes a second"),
    "cut": Fault(_match(r"\d{1,9}", int, "a number of bytes"), "cut=100",
                 "the connection is reset after so many bytes of the body, before chunked coding"),
    "cut_headers": Fault(_on, "cut_headers", "the connection is reset inside the headers; billed all the same"),
    "no_terminal": Fault(_match(r"[1-9]\d{0,6}", int, "a number of events", default=0), "no_terminal",
                         "the stream ends cleanly without what says it is complete, or without so many events"),
    "garbage": Fault(_on, "garbage", "200 with a body that is not JSON; in a stream, broken frames after two events"),
    "duplicate_event": Fault(_match(_events, int, "the number of an event", default=-1), "duplicate_event",
                             "an event of the stream comes twice: the first with content, or that number (from 0)"),
    "usage": Fault(_match("missing|zero|double", str, "missing, zero or double"), "usage=missing",
                   "the usage in the answer is missing, zero or double; what is billed stays right"),
    "wrong_length": Fault(_match(r"[+-]\d{1,7}", int, "+n or -n"), "wrong_length=+10",
                          "the Content-Length is wrong by so many bytes, and the connection closes after the body"),
    "error_in_stream": Fault(_match(rf"[a-z_]{{0,64}}(@{_events})?", _error_at, "<type>@<event>"),
                             "error_in_stream=overloaded_error@4",
                             "the dialect's error event in place of that event (from 0), and the end of the stream"),
}  # fmt: skip  # a table, one fault a row


def parse(text: str) -> Faults:
    """Read a list of faults as the header has it.

    Raises:
        Problem: 400, naming the valid faults, or what a value should have been.
    """
    values: dict[str, Any] = {}  # by field of Faults
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if name not in FAULTS:
            raise Problem(BAD_REQUEST, f"unknown sandbox fault {name[:80]!r}; valid faults: {', '.join(FAULTS)}")
        try:
            values[name] = FAULTS[name].read(value)
        except ValueError as error:
            raise Problem(BAD_REQUEST, f"sandbox fault {name}: found {value[:80]!r}, {error}") from error
    return Faults(**values)


@dataclass(frozen=True, slots=True)
class Incident:
    """Faults for some of the requests that come.

    `count` bounds how many it may still hit (None is no bound); each matching request is hit with `probability`, drawn
    from the series that `seed` decides; `model` and `path` narrow it to one model or one endpoint.
    """

    fault: str
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    model: str | None = None
    path: str | None = None


@dataclass(slots=True)
class _State:
    incident: Incident
    faults: Faults
    matched: int = field(default=0)


class Incidents:
    """The incidents in force, in the order in which they were set; the first that hits decides."""

    def __init__(self) -> None:
        self._states: list[_State] = []

    def add(self, incident: Incident) -> None:
        """Put an incident behind those in force.

        Raises:
            Problem: 400, as `parse`.
        """
        self._states.append(_State(incident, parse(incident.fault)))

    def replace(self, incidents: Iterable[Incident]) -> None:
        """Put these incidents in place of all others, or raise `Problem` and change nothing."""
        self._states = [_State(incident, parse(incident.fault)) for incident in incidents]

    def clear(self) -> None:
        """Let everything go well again."""
        self._states = []

    def all(self) -> list[Incident]:
        """List the incidents in force; `count` is what is left."""
        return [state.incident for state in self._states]

    @property
    def needs_model(self) -> bool:
        """Say whether any incident is for one model, so that only then bodies need be read."""
        return any(state.incident.model is not None for state in self._states)

    def draw(self, path: str, model: str | None) -> Faults:
        """Decide what goes wrong with one request, and count it."""
        for state in self._states:
            incident = state.incident
            if (incident.model not in {None, model}) or (incident.path not in {None, path}) or incident.count == 0:
                continue
            state.matched += 1
            if fraction(incident.seed, state.matched) >= incident.probability:
                continue
            if incident.count is not None:
                state.incident = replace(incident, count=incident.count - 1)
            return state.faults
        return NO_FAULTS
