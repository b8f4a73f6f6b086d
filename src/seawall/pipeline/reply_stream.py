"""What the pipeline's users know of a stream on its way to the client, wherever its bytes come from."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from seawall.dialects.dialect import Facts
from seawall.pipeline.stream import OnEnd, StreamState


class ReplyStream(Protocol):
    """A stream that can begin: one task pumps it, once, and then it has ended."""

    @property
    def facts(self) -> Facts:
        """What the stream has said of itself so far."""

    @property
    def first_content_s(self) -> float | None:
        """When its first content came, on the loop's clock; None before that."""

    @property
    def state(self) -> StreamState:
        """Where it stands."""

    @property
    def terminal_seen(self) -> bool:
        """Whether the terminal event has come."""

    def on_end(self, hear: OnEnd) -> None:
        """Have a function told, once, how the stream ended: None is complete; the last one registered hears last."""

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write the stream to the client, whole frames only, to its terminal event.

        `write` takes its bytes at once, cancelled or not, and then waits while the client does not read.

        Raises:
            SeawallError: the stream broke; the caller owes the client an error event and an unclean end.
        """

    async def drain(self) -> None:
        """Bring what lies behind the stream to its clean end, after `pump` has come to its own."""
