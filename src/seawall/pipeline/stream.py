"""The one state machine of every stream: held, committed, ended exactly once.

```
          content, or the hold-back is over               terminal event
   HELD ───────────────────────────────────▶ COMMITTED ───────────────────▶ ENDED, complete
     │ error event, cut, timeout                 │ error event, cut, timeout, hang-up
     ▼                                           ▼
   ENDED: raised, nothing was promised yet     ENDED: raised; the client gets one error event and an unclean end
```

Bytes go on frame by frame, never half a frame, so that an error event can follow at any moment. A clean end of file
without the dialect's terminal event is an error. Taps are synchronous and run in one loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeAlias

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamError
from seawall.dialects.dialect import Facts, Mark, StreamReader
from seawall.dialects.sse import FrameSplitter
from seawall.pipeline.watchdog import HungUp, Watchdog
from seawall.ports.upstream import UpstreamReply

MAX_HELD: Final = 64 * 1024
DRAIN_S: Final = 1.0

Tap: TypeAlias = Callable[[list[bytes]], list[bytes]]
OnEnd: TypeAlias = Callable[[BaseException | None], None]


class StreamState(Enum):
    """Where a stream stands."""

    HELD = auto()
    COMMITTED = auto()
    ENDED = auto()


class StreamReply:
    """A provider's stream on its way to the client: one task opens it, then pumps it, then it has ended.

    `idle_s` bounds the wait between two reads once content has come. `first_content_s` is on the loop's clock.
    """

    __slots__ = (
        "_failure",
        "_held",
        "_idle_s",
        "_on_end",
        "_reader",
        "_splitter",
        "_taps",
        "_upstream",
        "_watchdog",
        "first_content_s",
        "state",
        "terminal_seen",
    )

    def __init__(
        self, upstream: UpstreamReply, reader: StreamReader, taps: list[Tap], watchdog: Watchdog, idle_s: float
    ) -> None:
        self._upstream = upstream
        self._reader = reader
        self._taps = taps
        self._watchdog = watchdog
        self._idle_s = idle_s
        self._splitter = FrameSplitter()
        self._held = b""
        self._failure: UpstreamError | None = None
        self._on_end: list[OnEnd] = []
        self.first_content_s: float | None = None
        self.state = StreamState.HELD
        self.terminal_seen = False

    @property
    def facts(self) -> Facts:
        """What the stream has said of itself so far."""
        return self._reader.facts

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how the stream ended: None is complete; the last one registered hears last."""
        self._on_end.append(hear)

    async def open(self, hold_back_s: float) -> None:
        """Hold the stream back until its first content, its end, `hold_back_s` or 64 KB, whichever comes first.

        Raises:
            UpstreamError: the stream failed before anything was promised; it has ended.
        """
        try:
            async with asyncio.timeout(hold_back_s):
                while self._is_opening():
                    self._held += self._take(await self._upstream.read())
        except TimeoutError:
            pass
        except BaseException as error:  # noqa: BLE001  # it goes on, as itself or as its reason
            raise self._broken(error) from None
        if self._failure is not None:
            raise self._broken(self._failure)
        self.state = StreamState.COMMITTED

    def _is_opening(self) -> bool:
        if self.first_content_s is not None or self.terminal_seen or self._failure is not None:
            return False
        return len(self._held) <= MAX_HELD

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the stream to the client, from what was held to the terminal event.

        `write` takes its bytes at once, and then waits while the client does not read, which stops the reading from the
        provider. Who interrupts its wait after the terminal event comes too late: the client has been sent everything.

        Raises:
            SeawallError: the stream broke; the caller owes the client an error event and an unclean end.
        """
        read, watchdog = self._upstream.read, self._watchdog
        data = self._held
        try:
            while True:
                # No phase runs while the client is written to: a slow reader is no idle provider.
                if self.first_content_s is not None:
                    if data:
                        watchdog.end_phase()
                        await write(data)
                    watchdog.extend()  # for half a frame too, which is not written yet
                elif data:
                    left_s = watchdog.pause()  # the first token is due at the same time, whatever comes before it
                    await write(data)
                    watchdog.resume(left_s)
                if self.terminal_seen or self._failure is not None:
                    break
                data = self._take(await read())
        except BaseException as error:  # noqa: BLE001  # it goes on, as itself or as its reason, unless it is too late
            if not (self.terminal_seen and is_too_late(error, watchdog)):
                raise self._broken(error) from None
        if self._failure is not None:
            raise self._broken(self._failure)
        self._end(None)

    async def drain(self) -> None:
        """Read the provider's body to its clean end, which follows the terminal event, so that its connection lives on.

        A body that does not end within a second is cut off, and so is one whose exchange is interrupted meanwhile: the
        client has its whole answer, and nobody needs to hear of it.
        """
        try:
            async with asyncio.timeout(DRAIN_S):
                while await self._upstream.read():
                    pass
        except (TimeoutError, SeawallError):
            self._upstream.abort()
        except asyncio.CancelledError:
            self._upstream.abort()
            if self._watchdog.take(SeawallError) is None:
                raise

    def _take(self, chunk: bytes) -> bytes:
        """Read the frames that a chunk completes and give what goes on to the client.

        What comes before an error event, or before a frame that is not of the dialect, goes on; the error is kept for
        whoever writes it.

        Raises:
            UpstreamBroken: the body ended without a terminal event, or in a frame without end.
        """
        if not chunk:
            raise UpstreamBroken("the provider ended the stream without its terminal event")
        frames = self._splitter.feed(chunk)
        if not frames:
            return b""
        try:
            for i, frame in enumerate(frames):
                mark = self._reader.feed(frame)
                if mark is Mark.CONTENT:
                    if self.first_content_s is None:
                        self.first_content_s = self._watchdog.now_s()
                        self._watchdog.phase("idle", self._idle_s)
                elif mark is Mark.TERMINAL:
                    self.terminal_seen = True
                    del frames[i + 1 :]
                    break
                elif mark is Mark.ERROR:
                    raise self._reader.error or UpstreamBroken("the provider sent an error event")
        except UpstreamError as error:
            self._failure = error
            del frames[i:]
        for tap in self._taps:
            frames = tap(frames)
        frames.append(b"")
        return b"\n\n".join(frames) if len(frames) > 1 else b""

    def _broken(self, error: BaseException) -> BaseException:
        """End the stream by an error, and give the one to raise: a cancellation's reason, where it has one."""
        if isinstance(error, asyncio.CancelledError):
            error = self._watchdog.take(SeawallError) or error
        self._upstream.abort()
        self._end(error)
        return error

    def _end(self, error: BaseException | None) -> None:
        """Tell everybody, once, how it ended."""
        self.state = StreamState.ENDED
        self._watchdog.end_phase()
        told, self._on_end = self._on_end, []
        for hear in told:
            hear(error)


def is_too_late(error: BaseException, watchdog: Watchdog) -> bool:
    """Say whether this is the watchdog's interruption of a client that is still there, and end the cancellation if so.

    A stream whose last bytes are handed over is complete then, and no error may follow its terminal event.
    """
    if not isinstance(error, asyncio.CancelledError) or isinstance(watchdog.reason, HungUp):
        return False
    return watchdog.take(SeawallError) is not None
