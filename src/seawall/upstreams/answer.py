"""A provider's answer as its one reader sees it."""

import asyncio
from typing import Protocol

from seawall.core.error import UpstreamBroken
from seawall.upstreams.decoding import Inflater, UndecodableError


class Source(Protocol):
    """The connection that an answer still comes over."""

    def take(self) -> bytes:
        """Give the bytes of the body that arrived since the last call."""

    def drop(self) -> None:
        """Close at once; harmless when repeated."""


class Answer:
    """One answer, from the moment its request is written until its body has been read.

    The connection fills it in: first `status` and `headers`, then `rest`, what was still unread when the body ended or
    broke; `source` is None from then on, and `fault` says what broke, if anything did. `is_unprocessed` tells that the
    request cannot have reached a server whole. `arrival` is done when the headers are there, or a fault.
    """

    __slots__ = (
        "_loop",
        "_waiter",
        "arrival",
        "fault",
        "headers",
        "inflater",
        "is_unprocessed",
        "rest",
        "source",
        "status",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, source: Source) -> None:
        self._loop = loop
        self.source: Source | None = source
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.rest = b""
        self.fault = ""
        self.is_unprocessed = False
        self.inflater: Inflater | None = None
        self.arrival: asyncio.Future[None] = loop.create_future()
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Let whoever waits look again."""
        if not self.arrival.done():
            self.arrival.set_result(None)
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def read(self) -> bytes:
        """Wait for the next bytes of the body; `b""` is its clean end.

        Raises:
            UpstreamBroken: the connection ended before the body did, or what came is not HTTP.
            RuntimeError: another task reads already.
        """
        while True:
            source = self.source
            # Plain bytes on their way are what streams are made of, and have a short one here.
            data = self._take() if source is None or self.inflater is not None else source.take()
            if data:
                return data
            if self.source is None:
                if self.fault:
                    raise UpstreamBroken(self.fault)
                if self.inflater is not None and not self.inflater.is_complete:
                    raise UpstreamBroken("the provider's compressed answer ended in the middle")
                return b""
            if self._waiter is not None:
                raise RuntimeError("one answer has one reader")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def read_all(self, limit: int) -> bytes:
        """Wait for the whole body.

        Raises:
            UpstreamBroken: as `read`, or the body is longer than `limit` bytes.
        """
        if self.source is None and not self.fault and self.inflater is None:  # it was there with its headers
            body, self.rest = self.rest, b""
            if len(body) > limit:
                raise UpstreamBroken(f"the provider's answer is longer than {limit} bytes")
            return body
        pieces: list[bytes] = []
        size = 0
        while data := await self.read():
            size += len(data)
            if size > limit:
                self.abort()
                raise UpstreamBroken(f"the provider's answer is longer than {limit} bytes")
            pieces.append(data)
        return b"".join(pieces)

    def abort(self) -> None:
        """Stop at once: closes the connection unless the body has ended, which gave it back to the pool already."""
        source = self.source
        if source is not None:
            self.source = None
            self.fault = "the answer was given up"
            source.drop()
        self.rest = b""

    def _take(self) -> bytes:
        inflater = self.inflater
        if inflater is None:
            return self._take_raw()
        try:
            if piece := inflater.take():
                return piece
            inflater.feed(self._take_raw())
            return inflater.take()
        except UndecodableError as error:
            self.abort()
            self.inflater = None
            self.fault = f"the provider's answer cannot be decoded: {error}"
            return b""

    def _take_raw(self) -> bytes:
        if self.source is not None:
            return self.source.take()
        raw, self.rest = self.rest, b""
        return raw
