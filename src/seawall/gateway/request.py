"""One request on the data port, and how its body is read."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from seawall.core.error import BodyTooLarge
from seawall.pipeline.watchdog import HungUp

HIGH_WATER: Final = 64 * 1024
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(Protocol):
    """What a request needs of its connection."""

    loop: asyncio.AbstractEventLoop

    def pause_reading(self) -> None:
        """Stop taking bytes from the client."""

    def resume_reading(self) -> None:
        """Take bytes from the client again."""

    def write_now(self, data: bytes) -> None:
        """Write bytes outside any answer."""


class Request:
    """What a client sent. Field names are lower case; repeated fields are joined by commas (RFC 9110 §5.3).

    `url` is the request target's bytes, `on_lost` is called when the client is gone before its answer is complete.
    """

    __slots__ = (
        "_body",
        "_limit",
        "_size",
        "_waiter",
        "headers",
        "is_lost",
        "is_old",
        "is_whole",
        "keep_alive",
        "method",
        "on_lost",
        "url",
        "wire",
    )

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.method = ""
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.is_old = False  # HTTP/1.0
        self.keep_alive = False
        self.is_whole = False
        self.is_lost = False
        self.on_lost: Callable[[], None] | None = None
        self._body: bytes | bytearray = b""
        self._size = 0
        self._limit = HIGH_WATER
        self._waiter: asyncio.Future[None] | None = None

    def take(self, piece: bytes) -> None:
        """Keep a piece of the body; once more has come than anybody asked for, stop reading."""
        if not self._size:
            self._body = piece
        else:  # in one place: a body in chunks of a few bytes would take ten times its size as a list of them
            if type(self._body) is bytes:
                self._body = bytearray(self._body)
            self._body += piece
        self._size += len(piece)
        if self._size > self._limit:
            self.wire.pause_reading()
            self._wake()

    def complete(self) -> None:
        """Say that the whole body has come; what is read from now on only tells whether the client is still there."""
        self.is_whole = True
        if self._size > HIGH_WATER:
            self.wire.resume_reading()
        self._wake()

    def lose(self) -> None:
        """Say that the client is gone."""
        self.is_lost = True
        self._wake()
        if self.on_lost is not None:
            self.on_lost()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read_body(self, limit: int) -> bytes:
        """Give the whole body, once; an oversized one is refused by its announced length, before it is read.

        Cancelling loses nothing that has come.

        Raises:
            BodyTooLarge: it is longer than `limit` bytes.
            HungUp: the client left before its end.
        """
        announced = int(self.headers.get(b"content-length", b"0"))
        if announced > limit:
            raise BodyTooLarge(f"the body has {announced} bytes; expected at most {limit}")
        self._limit = limit
        if not self.is_whole:
            await self._rest(limit)
        if self._size > limit:
            raise BodyTooLarge(f"the body is longer than {limit} bytes")
        body, self._body = self._body, b""
        return bytes(body)

    async def _rest(self, limit: int) -> None:
        if not self.is_old and not self._size and self.headers.get(b"expect", b"").lower() == b"100-continue":
            self.wire.write_now(_CONTINUE)
        while not self.is_whole and self._size <= limit:
            if self.is_lost:
                raise HungUp("the client closed its connection in the middle of its body")
            self.wire.resume_reading()
            self._waiter = self.wire.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
