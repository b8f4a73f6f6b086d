"""Pieces of a stream, handed from the task that pumps it to whoever reads it."""

import asyncio


class Channel:
    """Keep two pieces at most, so that a reader who does not come back stops the pump, and with it the provider.

    One task puts, one takes; both belong to the same event loop.
    """

    __slots__ = ("_fault", "_is_closed", "_loop", "_news", "_piece", "_room")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._piece = b""
        self._is_closed = False
        self._fault: Exception | None = None
        self._room: asyncio.Future[None] | None = None
        self._news: asyncio.Future[None] | None = None

    async def put(self, piece: bytes) -> None:
        """Leave a piece at once, and wait while the one before it is not taken; cancelling takes nothing back.

        A closed channel takes pieces and loses them: its reader is gone.
        """
        if self._is_closed:
            return
        is_ahead = bool(self._piece)
        self._piece += piece
        _wake(self._news)
        while is_ahead and self._piece and not self._is_closed:
            self._room = self._loop.create_future()
            try:
                await self._room
            finally:
                self._room = None

    def close(self, last: bytes = b"", fault: Exception | None = None) -> None:
        """Say that nothing more comes but `last`; a reader who has taken all of it meets the `fault`, if there is one.

        Does not wait. Closing twice changes nothing.
        """
        if self._is_closed:
            return
        self._piece += last
        self._is_closed = True
        self._fault = fault
        _wake(self._news)
        _wake(self._room)

    async def take(self) -> bytes:
        """Wait for the next piece; `b""` is the end. Cancelling loses nothing.

        Raises:
            RuntimeError: another task waits already.
            Exception: the fault of a stream that broke.
        """
        while not self._piece:
            if self._is_closed:
                if self._fault is not None:
                    raise self._fault
                return b""
            if self._news is not None:
                raise RuntimeError("one stream has one reader")
            self._news = self._loop.create_future()
            try:
                await self._news
            finally:
                self._news = None
        piece, self._piece = self._piece, b""
        _wake(self._room)
        return piece


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
