"""A stream that goes on at the next target when the one that it came from breaks."""

from collections.abc import Awaitable, Callable

from seawall.core.error import SeawallError
from seawall.dialects.dialect import Facts
from seawall.guards.fallback.splice import Partial, Splice
from seawall.pipeline.reply_stream import ReplyStream
from seawall.pipeline.stream import OnEnd, StreamState


class ContinuedStream:
    """Pump a stream, and the rest of it from elsewhere if it breaks; implements `ReplyStream`.

    `go_on` gives the rest's stream for a failure, or raises what the client is to hear; `wants_usage` says whether the
    client asked to be told its usage.
    """

    __slots__ = ("_go_on", "_now", "_on_end", "_partial", "_wants_usage")

    def __init__(
        self,
        first: ReplyStream,
        partial: Partial,
        go_on: Callable[[SeawallError], Awaitable[ReplyStream]],
        *,
        wants_usage: bool,
    ) -> None:
        self._now = first
        self._partial = partial
        self._go_on = go_on
        self._wants_usage = wants_usage
        self._on_end: list[OnEnd] = []

    @property
    def facts(self) -> Facts:
        """What the stream in hand has said of itself."""
        return self._now.facts

    @property
    def first_content_s(self) -> float | None:
        """When the first content of the stream in hand came."""
        return self._now.first_content_s

    @property
    def state(self) -> StreamState:
        """Where it stands."""
        return self._now.state

    @property
    def terminal_seen(self) -> bool:
        """Whether the terminal event has come."""
        return self._now.terminal_seen

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how it all ended."""
        self._on_end.append(hear)

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the first stream, then the rest where it has to come from elsewhere.

        Raises:
            SeawallError: it broke, and nothing could continue it.
        """
        try:
            try:
                await self._now.pump(write)
            except SeawallError as error:
                if not self._partial.is_open:
                    raise
                self._now = await self._go_on(error)
                await self._pump_rest(write)
        except BaseException as error:
            self._end(error)
            raise
        self._end(None)

    async def _pump_rest(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write what continues the first stream; it is not continued a second time."""
        splice = Splice(self._partial, wants_usage=self._wants_usage)

        async def write_rest(data: bytes) -> None:
            if written := splice.feed(data):
                await write(written)

        await self._now.pump(write_rest)

    async def drain(self) -> None:
        """Bring the stream in hand to its clean end."""
        await self._now.drain()

    def _end(self, error: BaseException | None) -> None:
        told, self._on_end = self._on_end, []
        for hear in told:
            hear(error)
