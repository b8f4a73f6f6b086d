"""A stream that is served from bytes which are already here."""

import asyncio
from collections.abc import Awaitable, Callable

from seawall.core.error import SeawallError
from seawall.core.usage import NO_USAGE
from seawall.dialects.dialect import Facts
from seawall.pipeline.stream import OnEnd, StreamState
from seawall.pipeline.watchdog import Watchdog


class StoredStream:
    """Serve a whole stream, whose frames are in the client's dialect, in the pieces given; it costs nothing.

    Implements `ReplyStream`. Its facts count nothing: what it cost, if anything, was somebody else's.
    """

    __slots__ = ("_on_end", "_pieces", "_watchdog", "facts", "first_content_s", "state", "terminal_seen")

    def __init__(self, pieces: list[bytes], watchdog: Watchdog) -> None:
        self._pieces = pieces
        self._watchdog = watchdog
        self._on_end: list[OnEnd] = []
        self.facts = Facts(usage=NO_USAGE, usage_state="none")
        self.first_content_s: float | None = None
        self.state = StreamState.COMMITTED
        self.terminal_seen = True

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how the stream ended: None is complete; the last one registered hears last."""
        self._on_end.append(hear)

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the pieces one by one, waiting while the client does not read.

        Raises:
            SeawallError: the watchdog interrupted.
        """
        try:
            self.first_content_s = self._watchdog.now_s()
            for piece in self._pieces:
                await write(piece)
        except BaseException as error:
            reason = self._watchdog.take(SeawallError) if isinstance(error, asyncio.CancelledError) else None
            self._end(reason or error)
            if reason is not None:
                raise reason from None
            raise
        self._end(None)

    async def drain(self) -> None:
        """Do nothing: there is nobody behind it."""

    def _end(self, error: BaseException | None) -> None:
        self.state = StreamState.ENDED
        told, self._on_end = self._on_end, []
        for hear in told:
            hear(error)
