"""A client's connection to a simulated worker: it fills the place of the gateway's socket, and reads what it gets."""

import asyncio
from dataclasses import dataclass, field

from seawall.gateway.request import Request
from seawall.pipeline.exchange import Exchange
from tests.laws.grammar import Heard, frames_of, read_chat, read_error, read_messages, read_responses, read_whole
from tests.laws.scenario import Call

_PATHS = {"messages": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses"}


@dataclass(slots=True, eq=False)
class Visit:
    """One call as its client lives it. `how` says how it ended: answered, ended, cut, crashed or left."""

    call: Call
    loop: asyncio.AbstractEventLoop
    worker: str
    is_draining: bool = False
    exchange: Exchange | None = None
    head: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    how: str = ""
    ended_s: float | None = None
    left_s: float | None = None
    worker_died: bool = False
    heard: Heard | None = None
    request: Request = field(init=False)

    def __post_init__(self) -> None:
        self.request = request = Request(self)
        request.method = "POST"
        request.url = f"{self.call.route}{_PATHS[self.call.endpoint]}".encode()
        request.headers = {**self.call.headers, b"content-length": b"%d" % len(self.call.body)}

    # What a request needs of its connection

    def pause_reading(self) -> None:
        """Do nothing: the body is small."""

    def resume_reading(self) -> None:
        """Do nothing: the body comes by itself."""

    def write_now(self, data: bytes) -> None:
        """Take bytes outside any answer."""
        self.pieces.append(data)

    # What the gateway needs of a connection

    def respond(self, request: Request, head: bytes, body: bytes) -> None:
        """Take a whole answer."""
        if request.is_lost or self.how:
            return
        self.head, self.pieces = head, [body]
        self._end("answered")

    def begin(self, request: Request, head: bytes) -> None:
        """Take the head of a stream."""
        del request
        if not self.how:
            self.head = head

    async def write(self, data: bytes) -> None:
        """Take a piece of a stream, and make its writer wait as a slow reader does."""
        if self.how:
            return
        self.pieces.append(data)
        if self.call.reads_every_s:
            await asyncio.sleep(self.call.reads_every_s)

    def end(self, request: Request, last_words: bytes = b"") -> None:
        """Take a stream's clean end."""
        del request
        if not self.how:
            self.pieces.append(last_words)
            self._end("ended")

    def cut(self, request: Request, last_words: bytes = b"") -> None:
        """Take a stream's unclean end."""
        del request
        if not self.how:
            self.pieces.append(last_words)
            self._end("cut")

    # What happens to a client

    def arrive(self) -> None:
        """Have sent the whole body."""
        self.request.take(self.call.body)
        self.request.complete()

    def leave(self) -> None:
        """Hang up."""
        if not self.how:
            self.left_s = self.loop.time()
            self._end("left")
            self.request.lose()

    def lose_worker(self) -> None:
        """See the connection break because the worker is dead."""
        self.worker_died = True
        if not self.how:
            self._end("crashed")

    def _end(self, how: str) -> None:
        self.how, self.ended_s = how, self.loop.time()

    @property
    def status(self) -> int:
        """The answer's status; 0 without an answer."""
        return int(self.head[9:12]) if self.head else 0

    @property
    def is_stream(self) -> bool:
        """Whether the answer came as a stream."""
        return b"content-type: text/event-stream" in self.head

    def read(self) -> Heard:
        """Make sense of what came.

        Raises:
            BrokenGrammar: that is not possible.
        """
        call, data = self.call, b"".join(self.pieces)
        if not self.head:
            return Heard()
        if not self.is_stream:
            return read_whole(call.endpoint, data) if self.status == 200 else read_error(call.endpoint, data)
        frames = frames_of(data, is_cut=self.how in ("left", "crashed"))
        if call.endpoint == "responses":
            return read_responses(frames)
        return read_messages(frames) if call.endpoint == "messages" else read_chat(frames, wants_usage=call.wants_usage)
