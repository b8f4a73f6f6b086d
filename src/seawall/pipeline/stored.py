"""A stream that is served from a recording, finished or still running."""

import asyncio
from collections.abc import Awaitable, Callable

from seawall.core.error import SeawallError
from seawall.core.usage import NO_USAGE
from seawall.dialects.dialect import Facts
from seawall.pipeline.recording import Recording
from seawall.pipeline.stream import OnEnd, StreamState, is_too_late
from seawall.pipeline.watchdog import Watchdog


class StoredStream:
    """Serve the very bytes of a recording, whose frames are in the client's dialect, as they come.

    Implements `ReplyStream`. Its facts count nothing: what the stream cost, if anything, was somebody else's.
    """

    __slots__ = ("_on_end", "_recording", "_watchdog", "facts", "first_content_s", "state", "terminal_seen")

    def __init__(self, recording: Recording, watchdog: Watchdog) -> None:
        self._recording = recording
        self._watchdog = watchdog
        self._on_end: list[OnEnd] = []
        self.facts = Facts(usage=NO_USAGE, usage_state="none")
        self.first_content_s: float | None = None
        self.state = StreamState.COMMITTED
        self.terminal_seen = False

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how the stream ended: None is complete; the last one registered hears last."""
        self._on_end.append(hear)

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write what is recorded, and what is still to come, waiting while the client does not read.

        Raises:
            SeawallError: the recording ended in it, or the watchdog interrupted.
        """
        try:
            await self._follow(write)
        except BaseException as error:
            if self.terminal_seen and is_too_late(error, self._watchdog):
                self._end(None)
                return
            reason = self._watchdog.take(SeawallError) if isinstance(error, asyncio.CancelledError) else None
            self._end(reason or error)
            if reason is not None:
                raise reason from None
            raise
        self._end(None)

    async def drain(self) -> None:
        """Do nothing: there is nobody behind it."""

    async def _follow(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        recording, at = self._recording, 0
        while True:
            if at < len(recording.pieces):
                pieces = recording.pieces[at:]
                at += len(pieces)
                if self.first_content_s is None:
                    self.first_content_s = self._watchdog.now_s()
                self.terminal_seen = recording.is_over and recording.error is None
                await write(b"".join(pieces))
            elif not recording.is_over:
                await recording.news()
            elif recording.error is not None:
                raise recording.error.with_traceback(None)  # others raise it too, and each would add to its traceback
            else:
                self.terminal_seen = True
                return

    def _end(self, error: BaseException | None) -> None:
        self.state = StreamState.ENDED
        told, self._on_end = self._on_end, []
        for hear in told:
            hear(error)
