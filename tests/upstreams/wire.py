"""The loop's side of a connection, played by hand: what arrives, and in which pieces, is the test's choice alone."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from seawall.upstreams.answer import Answer
from seawall.upstreams.connection import BUFFER, Connection


class Wire(asyncio.Transport):
    """A transport that goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_aborted = False
        self.is_paused = False
        self.unsent = 0

    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


class Owner:
    """Counts what comes back."""

    def __init__(self) -> None:
        self.released_count = 0
        self.lost_count = 0

    def released(self, connection: Connection) -> None:
        del connection
        self.released_count += 1

    def lost(self, connection: Connection) -> None:
        del connection
        self.lost_count += 1


class Bench:
    """A connection between a wire and an owner."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.owner = Owner()
        self._buffer = memoryview(bytearray(BUFFER))
        self.connection = Connection(asyncio.get_running_loop(), self.owner, self._buffer)
        self.connection.connection_made(self.wire)

    def ask(self, *, may_have_body: bool = True) -> Answer:
        return self.connection.begin(b"GET / HTTP/1.1\r\n\r\n", b"", may_have_body=may_have_body)

    def arrive(self, *pieces: bytes) -> None:
        for whole in pieces:
            for start in range(0, len(whole), BUFFER):
                piece = whole[start : start + BUFFER]
                if not self.connection.is_gone:
                    buffer = self.connection.get_buffer(-1)
                    buffer[: len(piece)] = piece
                    self.connection.buffer_updated(len(piece))

    def end(self) -> None:
        if not self.connection.is_gone:
            self.connection.eof_received()
        self.connection.connection_lost(None)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return (data[start:end] for start, end in pairwise(marks))
