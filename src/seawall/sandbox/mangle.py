"""What the faults do to an answer before any of it is sent; the rest they do on the way, see `deliver`."""

from dataclasses import replace
from typing import Final

from seawall.sandbox.call import Dialect
from seawall.sandbox.clock import http_date
from seawall.sandbox.fault import ErrorAt, Faults
from seawall.sandbox.problem import Problem
from seawall.sandbox.reply import Event, Reply

_GARBAGE_AFTER: Final = 2  # events of a stream that are still good
_NOT_JSON: Final = b"upstream connect error or disconnect/reset before headers {\xff\x00"
_HTML: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


def html_error() -> Reply:
    """Answer as a proxy in front of the provider would when it cannot reach it."""
    return Reply(502, (("content-type", "text/html"),), (Event(_HTML),))


def status_problem(status: int, faults: Faults) -> Problem:
    """Make the error that the fault `status` asks for."""
    return Problem(status, f"The sandbox was told to answer {status}.", code=faults.error_code)


def retry_headers(faults: Faults, wall_s: float) -> tuple[tuple[str, str], ...]:
    """Give the headers that tell a client when to come back."""
    headers: list[tuple[str, str]] = []
    if faults.retry_after is not None:
        headers.append(("retry-after", f"{faults.retry_after:g}"))
    if faults.retry_after_ms is not None:
        headers.append(("retry-after-ms", str(faults.retry_after_ms)))
    if faults.retry_after_date is not None:
        headers.append(("retry-after", http_date(wall_s + faults.retry_after_date)))
    return tuple(headers)


def mangled(reply: Reply, faults: Faults, dialect: Dialect, request_id: str) -> Reply:
    """Give the answer with the faults that change its events; tokens generated for a changed event still count."""
    events = list(reply.events)
    if faults.garbage and not reply.is_stream:
        events = [Event(_NOT_JSON, sum(event.tokens for event in events))]
    if reply.is_stream:
        events = _mangled_stream(events, faults, dialect, request_id)
    return replace(reply, events=events)


def _mangled_stream(events: list[Event], faults: Faults, dialect: Dialect, request_id: str) -> list[Event]:
    if faults.garbage:
        rest = [Event(dialect.garbage, event.tokens) for event in events[_GARBAGE_AFTER:]]
        events = [*events[:_GARBAGE_AFTER], *rest]
    if faults.duplicate_event is not None:
        first = next((number for number, event in enumerate(events) if event.tokens), 0)
        number = first if faults.duplicate_event < 0 else min(faults.duplicate_event, len(events) - 1)
        events.insert(number + 1, replace(events[number], tokens=0))
    if faults.no_terminal == 0:
        events = [event for event in events if not event.is_terminal]
    elif faults.no_terminal is not None:
        events = events[: -faults.no_terminal]
    if faults.error_in_stream is not None:
        events = _with_error(events, faults.error_in_stream, dialect, request_id)
    return events


def _with_error(events: list[Event], error: ErrorAt, dialect: Dialect, request_id: str) -> list[Event]:
    end = next((number for number, event in enumerate(events) if event.is_terminal), len(events))
    message = "Overloaded" if error.kind == "overloaded_error" else f"The sandbox was told to send {error.kind}."
    frame = dialect.frame(Problem(500, message, kind=error.kind), request_id)
    return [*events[: min(error.event, end)], Event(frame, is_terminal=True)]
