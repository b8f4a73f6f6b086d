"""A provider whose answers are written down beforehand, piece by piece; implements the Upstream port.

Every wait is on the running event loop's clock, so that on a virtual loop a script takes no time.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from seawall.core.error import SeawallError, UpstreamBroken, UpstreamUnreachable
from seawall.core.receipt import Receipt
from seawall.ports.upstream import UpstreamRequest

STREAM_HEADERS: Final = ((b"content-type", b"text/event-stream"), (b"request-id", b"req_scripted"))
JSON_HEADERS: Final = ((b"content-type", b"application/json"), (b"request-id", b"req_scripted"))


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for this long; `math.inf` says nothing ever again."""

    length_s: float


@dataclass(frozen=True, slots=True)
class Break:
    """Break the connection."""

    message: str = "the connection broke"


Step: TypeAlias = bytes | Pause | Break


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: its head after `head_after_s`, then its steps; the body's clean end follows the last of them."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: Sequence[tuple[bytes, bytes]] = STREAM_HEADERS
    head_after_s: float = 0.0


@dataclass(slots=True)
class ScriptedReply:
    """One answer on its way; implements UpstreamReply.

    `is_aborted` says whether the reader gave up before the end, `has_ended` whether it read the clean end, `reads` how
    often it asked. A read gives one piece, and nothing is lost when it is cancelled.
    """

    script: Script
    is_aborted: bool = False
    has_ended: bool = False
    reads: int = 0
    _left: deque[Step] = field(default_factory=deque)
    _due_s: float | None = None

    def __post_init__(self) -> None:
        self._left.extend(self.script.steps)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.script.status

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Header fields in order."""
        return list(self.script.headers)

    async def read(self) -> bytes:
        """Wait for the next piece; `b""` is the clean end.

        Raises:
            UpstreamBroken: the script says so, or the answer was given up.
        """
        self.reads += 1
        while True:
            if self.is_aborted:
                raise UpstreamBroken("the answer was given up")
            if not self._left:
                self.has_ended = True
                return b""
            step = self._left[0]
            if isinstance(step, Pause):
                await self._pause(step.length_s)
            elif isinstance(step, Break):
                raise UpstreamBroken(step.message)
            else:
                self._left.popleft()
                return step

    async def read_all(self, limit: int) -> bytes:
        """Wait for the whole body.

        Raises:
            UpstreamBroken: as `read`, or the body is longer than `limit` bytes.
        """
        pieces: list[bytes] = []
        while piece := await self.read():
            pieces.append(piece)
            if sum(map(len, pieces)) > limit:
                self.abort()
                raise UpstreamBroken(f"the provider's answer is longer than {limit} bytes")
        return b"".join(pieces)

    def abort(self) -> None:
        """Give up; harmless after the end."""
        self.is_aborted = self.is_aborted or not self.has_ended

    async def _pause(self, length_s: float) -> None:
        """Wait; what was waited before a cancellation counts."""
        loop = asyncio.get_running_loop()
        if math.isinf(length_s):
            await loop.create_future()
        if self._due_s is None:
            self._due_s = loop.time() + length_s
        await asyncio.sleep(self._due_s - loop.time())
        self._due_s = None
        self._left.popleft()


class ScriptedUpstream:
    """Answer each request with the next script, or raise the next error; without one left, nothing can be reached.

    `requests` and `replies` keep what was sent and what was answered.
    """

    def __init__(self, *answers: Script | SeawallError) -> None:
        self.requests: list[UpstreamRequest] = []
        self.replies: list[ScriptedReply] = []
        self.is_closed = False
        self._answers: deque[Script | SeawallError] = deque(answers)

    def expect(self, answers: Iterable[Script | SeawallError]) -> None:
        """Add more answers."""
        self._answers.extend(answers)

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> ScriptedReply:
        """Take one request and wait for the next script's head.

        Raises:
            SeawallError: the one that was written down.
            UpstreamUnreachable: nothing was written down, or the upstream is closed.
        """
        del receipt  # to have it is what counts
        self.requests.append(request)
        if self.is_closed or not self._answers:
            raise UpstreamUnreachable("no answer is written down for this request")
        answer = self._answers.popleft()
        if isinstance(answer, SeawallError):
            raise answer
        await asyncio.sleep(answer.head_after_s)
        reply = ScriptedReply(answer)
        self.replies.append(reply)
        return reply

    async def aclose(self) -> None:
        """Refuse new requests."""
        self.is_closed = True
