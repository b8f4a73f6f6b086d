"""A stream that is recorded on its way to its client."""

from collections.abc import Awaitable, Callable

from seawall.dialects.dialect import Facts
from seawall.pipeline.recording import Recording
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.stream import OnEnd, StreamState
from seawall.pipeline.watchdog import Watchdog


class RecordedStream:
    """Pass a stream on and keep its bytes; when its client has left it goes on without one.

    Implements `ReplyStream`. `completed` is awaited after the last byte, `failed` is told of an error that ends it.
    """

    __slots__ = ("_completed", "_failed", "_recording", "_stream", "_watchdog")

    def __init__(
        self,
        stream: ReplyStream,
        recording: Recording,
        watchdog: Watchdog,
        completed: Callable[[], Awaitable[None]],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._stream = stream
        self._recording = recording
        self._watchdog = watchdog
        self._completed = completed
        self._failed = failed

    @property
    def facts(self) -> Facts:
        """What the stream has said of itself so far."""
        return self._stream.facts

    @property
    def first_content_s(self) -> float | None:
        """When its first content came, on the loop's clock; None before that."""
        return self._stream.first_content_s

    @property
    def state(self) -> StreamState:
        """Where it stands."""
        return self._stream.state

    @property
    def terminal_seen(self) -> bool:
        """Whether the terminal event has come."""
        return self._stream.terminal_seen

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how the stream ended: None is complete; the last one registered hears last."""
        self._stream.on_end(hear)

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the stream to its client, and into the recording.

        Raises:
            SeawallError: the stream broke; the caller owes the client an error event and an unclean end.
        """

        async def both(data: bytes) -> None:
            self._recording.add(data)
            if self._stream.terminal_seen and not self._recording.is_too_large:
                self._recording.close(None)  # those who follow it need not wait until this client has read
            if not self._watchdog.is_abandoned:
                await write(data)

        try:
            await self._stream.pump(both)
        except BaseException as error:
            self._failed(error)
            raise
        await self._completed()

    async def drain(self) -> None:
        """Bring what lies behind the stream to its clean end, after `pump` has come to its own."""
        await self._stream.drain()
