"""Bytes to the gateway and back: a client that sends anything and takes nothing but correct HTTP/1.1 for an answer."""

import contextlib
import json
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

PATIENCE_S: Final = 8.0  # no request here, whatever it is, may take longer to be answered
QUIET_S: Final = 0.15  # after which a client that may get no answer gives up
LEAVE: Final = b"GET /healthz HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n"
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]{1,60}")
_FIELD: Final = re.compile(rb"([a-z0-9-]+): ([ -~]*)")
_CHUNK: Final = re.compile(rb"[0-9a-f]{1,8}")


class MalformedError(Exception):
    """What came back is not HTTP/1.1, or cannot be read in one way only."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, its framing taken off."""

    status: int
    fields: dict[str, str]
    body: bytes

    def json(self) -> Any:  # whatever it is
        """Read the body as JSON."""
        return json.loads(self.body)

    @property
    def is_stream(self) -> bool:
        """Whether it is a stream of events."""
        return self.fields.get("content-type", "").startswith("text/event-stream")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back over one connection: whole answers, what came behind them, and how long it took.

    `is_cut` says that the connection ended in the middle of an answer, `is_closed` that the gateway ended it at all.
    """

    answers: tuple[Answer, ...]
    rest: bytes
    is_cut: bool
    is_closed: bool
    took_s: float


def read_answer(data: bytes, *, has_body: bool = True) -> tuple[Answer, bytes] | None:
    """Read one answer and give what follows it; None as long as it is not complete. Interim answers are passed over.

    Raises:
        MalformedError: no HTTP/1.1 answer begins like this.
    """
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    status_line, *lines = head.split(b"\r\n")
    found = _STATUS_LINE.fullmatch(status_line)
    if found is None:
        raise MalformedError(status_line)
    status = int(found[1])
    if status == 100:
        return read_answer(rest, has_body=has_body)
    fields = _fields(lines)
    if not has_body:
        return Answer(status, fields, b""), rest
    if "transfer-encoding" in fields:
        if fields["transfer-encoding"] != "chunked" or "content-length" in fields:
            raise MalformedError(head)
        return _chunked(status, fields, rest)
    length = int(fields["content-length"])
    return (Answer(status, fields, rest[:length]), rest[length:]) if len(rest) >= length else None


def _fields(lines: Sequence[bytes]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None or found[1].decode() in fields:
            raise MalformedError(line)
        fields[found[1].decode()] = found[2].decode()
    if not {"content-length", "transfer-encoding"} & set(fields):
        raise MalformedError(b"\r\n".join(lines))
    return fields


def begun_stream(data: bytes) -> bytes:
    """Give what came of a chunked body before the connection ended, its framing taken off."""
    rest = data.partition(b"\r\n\r\n")[2]
    pieces: list[bytes] = []
    while _CHUNK.fullmatch(rest.partition(b"\r\n")[0]):
        line, _, rest = rest.partition(b"\r\n")
        pieces.append(rest[: int(line, 16)])
        rest = rest[int(line, 16) + 2 :]
    return b"".join(pieces)


def _chunked(status: int, fields: dict[str, str], rest: bytes) -> tuple[Answer, bytes] | None:
    pieces: list[bytes] = []
    while True:
        line, end, rest = rest.partition(b"\r\n")
        if not end:
            return None
        if not _CHUNK.fullmatch(line):
            raise MalformedError(line)
        size = int(line, 16)
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            raise MalformedError(rest[: size + 2])
        if not size:
            return Answer(status, fields, b"".join(pieces)), rest[2:]
        pieces.append(rest[:size])
        rest = rest[size + 2 :]


@dataclass(frozen=True, slots=True)
class Case:
    """Bytes to send over one connection, in pieces, and how many requests they may at most be taken for.

    `method` is the first request's. `may_be_silent` says that the bytes need not hold a whole request: the client
    then closes its sending half after a while without an answer, and need not get one. One that `leaves` closes it at
    once.
    """

    name: str
    pieces: tuple[bytes, ...]
    at_most: int = 1
    method: str = "POST"
    may_be_silent: bool = False
    leaves: bool = False

    def then_leave(self) -> "Case":
        """Give the case with one more good request behind it, after which the gateway has to close the connection.

        So it is known when the conversation is over, and what was taken for the end of the request before.
        """
        return replace(self, pieces=(*self.pieces[:-1], self.pieces[-1] + LEAVE), at_most=self.at_most + 1)


def converse(port: int, case: Case) -> Heard:
    """Send a case and hear what comes back, until the gateway ends the connection or owes nothing more.

    Raises:
        MalformedError: what comes is not HTTP/1.1.
        TimeoutError: nothing more comes, and it is not over.
    """
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _send(line, case)
        if case.leaves:
            _close_half(line)
        if case.may_be_silent:
            line.settimeout(QUIET_S)
        answers, rest, is_closed = _listen(line, case)
    return Heard(tuple(answers), rest, is_closed and rest != b"", is_closed, time.monotonic() - began_s)


def _listen(line: socket.socket, case: Case) -> tuple[list[Answer], bytes, bool]:
    answers: list[Answer] = []
    data, is_closing = b"", case.leaves or case.pieces[-1].endswith(LEAVE)
    while True:
        while (read := read_answer(data, has_body=case.method != "HEAD" or answers != [])) is not None:
            answers.append(read[0])
            data = read[1]
            is_closing |= answers[-1].fields.get("connection") == "close"  # it has to keep its word
        if not is_closing and len(answers) >= case.at_most:
            return answers, data, False
        try:
            piece = line.recv(65536)
        except ConnectionError:
            piece = b""
        except TimeoutError:
            if line.gettimeout() != QUIET_S:
                raise
            line.settimeout(PATIENCE_S)
            _close_half(line)
            is_closing = True
            continue
        if not piece:
            return answers, data, True
        data += piece


def _close_half(line: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the gateway may have closed all of it
        line.shutdown(socket.SHUT_WR)


def _send(line: socket.socket, case: Case) -> None:
    with contextlib.suppress(ConnectionError):  # it has heard enough; what it said is still there to read
        for piece in case.pieces:
            line.sendall(piece)
