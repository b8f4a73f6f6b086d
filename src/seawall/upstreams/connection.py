"""One HTTP/1.1 connection to a provider."""

import asyncio
from typing import Final, Protocol, cast

import httptools

from seawall.upstreams.acknowledged import surely_incomplete
from seawall.upstreams.answer import Answer
from seawall.upstreams.decoding import Inflater, UndecodableError

HEAD_LIMIT: Final = 64 * 1024
FIELD_LIMIT: Final = 256
HIGH_WATER: Final = 64 * 1024  # unread bytes at which the server is stopped
BUFFER: Final = 64 * 1024  # read at once from the socket
ONE_WRITE: Final = 64 * 1024  # bodies up to this size are copied behind their head, to go out in one system call
_INTERIM: Final = frozenset(range(100, 200)) - {101}  # 101 would answer a request to switch protocols
_CODINGS: Final = frozenset((b"content-encoding", b"transfer-encoding"))


class Owner(Protocol):
    """Whoever lends a connection out."""

    def released(self, connection: "Connection") -> None:
        """Take back a connection whose answer is complete."""

    def lost(self, connection: "Connection") -> None:
        """Learn that a connection is closed, or about to be; called exactly once."""


class _BrokenAnswerError(Exception):
    """Raised inside the parser's callbacks to stop it."""


class Connection(asyncio.BufferedProtocol):
    """Carry one exchange after the other over one transport.

    Everything happens in the event loop's callbacks: no task, no timer, and one wake-up of the reader for all that one
    read of the socket brought. `buffer` may be shared by all connections of a loop, since every read is parsed, and
    its pieces copied, before the loop goes on.
    """

    __slots__ = (
        "_answer",
        "_barren",
        "_buffer",
        "_chunks",
        "_codings",
        "_feed",
        "_headers",
        "_heard",
        "_is_ended",
        "_is_paused",
        "_is_reusable",
        "_is_reused",
        "_loop",
        "_may_have_body",
        "_owner",
        "_parser",
        "_transport",
        "_unread",
        "_was_framed",
        "has_transport",
        "idle_since_s",
        "is_gone",
        "on_body",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Owner, buffer: memoryview) -> None:
        self._loop = loop
        self._owner = owner
        self._buffer = buffer
        self._chunks: list[bytes] = []
        self.on_body = self._chunks.append  # the parser calls it without a Python frame
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._transport: asyncio.Transport  # from `connection_made` on
        self.has_transport = False
        self._answer: Answer | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._codings: list[tuple[bytes, bytes]] = []
        self._barren = 0
        self._unread = 0
        self._may_have_body = True
        self._was_framed = self._heard = self._is_ended = self._is_paused = self._is_reusable = self._is_reused = False
        self.is_gone = False
        self.idle_since_s: float | None = None  # the owner's note; None while it is lent out

    # What the owner calls.

    @property
    def is_open(self) -> bool:
        """Whether a request can be written, as far as we know."""
        return not self.is_gone and self.has_transport and not self._transport.is_closing()

    def begin(self, head: bytes, body: bytes, *, may_have_body: bool = True) -> Answer:
        """Write one request and give the answer to come; `may_have_body` is False for HEAD, whose answers have none."""
        transport = self._transport
        answer = self._answer = Answer(self._loop, self)
        self._headers = []
        self._codings.clear()
        self._heard = self._was_framed = False
        self._barren = self._unread = 0
        self._may_have_body = may_have_body
        if len(body) <= ONE_WRITE:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return answer

    def take(self) -> bytes:
        """Give the bytes of the body that arrived since the last call, and let the server go on."""
        chunks = self._chunks
        if not chunks:
            return b""
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._unread = 0
        if self._is_paused:
            self._resume()
        return data

    def drop(self) -> None:
        """Close at once; whoever reads the answer finds it broken. Harmless when repeated."""
        if not self.is_gone:
            self.is_gone = True
            if self.has_transport:
                self._transport.abort()
            self._owner.lost(self)
        if self._answer is not None:
            self._break("the connection was closed")

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class only looks like it
        self.has_transport = True

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the loop the buffer for the next read."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what has just been read, then wake the reader once for all of it."""
        answer = self._answer
        if answer is None:  # bytes that nobody asked for could be taken for the next answer
            self.drop()
            return
        self._heard = True
        chunks = self._chunks
        had = len(chunks)
        try:
            self._feed(self._buffer[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._is_reusable = False
            if not self._is_ended:
                cause = error.__context__ if isinstance(error.__context__, _BrokenAnswerError) else error
                self._break(f"what the provider sent is not an HTTP/1.1 answer: {cause}")
                return
        if self._is_ended:
            self._detach(answer)
            self._give_back()
        elif len(chunks) > had:
            self._barren = 0
            self._unread += nbytes
            answer.wake()
            if self._unread >= HIGH_WATER and not self._is_paused:
                self._is_paused = True
                self._transport.pause_reading()
        else:
            self._barren += nbytes
            if self._barren > HEAD_LIMIT:  # endless head, interim answers, chunk extensions or trailers
                self._break(f"the provider sent more than {HEAD_LIMIT} bytes without a byte of body")

    def eof_received(self) -> None:
        """End a body that only the connection's end delimits (RFC 9112 §6.3, rule 8); any other is broken."""
        answer = self._answer
        if answer is None:
            self.drop()
        elif answer.status and not (self._was_framed or _is_framed(answer.headers)):
            self._detach(answer)
            self.drop()
        elif answer.status:
            self._break("the provider closed the connection in the middle of its answer")
        else:
            transport = self._transport
            if self._is_reused and not self._heard:
                answer.is_unprocessed = transport.get_write_buffer_size() > 0 or surely_incomplete(
                    transport.get_extra_info("socket")
                )
            self._break("the provider closed the connection before it answered")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell reader and owner, unless we closed the connection ourselves."""
        answer = self._answer
        if answer is not None and isinstance(exc, BrokenPipeError) and self._is_reused and not self._heard:
            # Only a write fails like this, and only after the peer's FIN: the end of the request never left.
            answer.is_unprocessed = True
        self._break(f"the connection to the provider broke: {exc or 'closed'}")
        self._parser = None  # it holds our bound methods, a cycle that only the collector would find
        del self._feed

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Stop at bytes behind the end of the answer."""
        if self._is_ended:
            raise _BrokenAnswerError("bytes behind the end of the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field of head or trailers."""
        name = name.lower()
        self._headers.append((name, value))
        if name in _CODINGS:
            self._codings.append((name, value))

    def on_headers_complete(self) -> None:
        """Publish status and headers; interim answers (1xx) are passed over."""
        parser, answer, headers = self._parser, self._answer, self._headers
        if parser is None or answer is None:
            return
        self._headers = []
        status = parser.get_status_code()
        if len(headers) > FIELD_LIMIT:
            raise _BrokenAnswerError(f"more than {FIELD_LIMIT} header fields")
        if self._barren and sum(len(name) + len(value) + 4 for name, value in headers) > HEAD_LIMIT:
            raise _BrokenAnswerError(f"more than {HEAD_LIMIT} bytes of header fields")
        if status < 200:  # noqa: PLR2004  # RFC 9110 §15.2
            if status not in _INTERIM:
                raise _BrokenAnswerError(f"status {status}, which nobody asked for")
            return
        if self._codings:
            headers = self._decoded(answer, headers)
        answer.headers = headers
        answer.status = status
        self._is_reusable = parser.should_keep_alive()
        if not self._may_have_body:
            # The parser does not know the method and would wait for the body that a HEAD answer describes.
            self._is_ended = True
            self._is_reusable = False
        if not answer.arrival.done():
            answer.arrival.set_result(None)

    def on_message_complete(self) -> None:
        """Note the end of the body; an interim answer has none that counts."""
        answer = self._answer
        if answer is not None and answer.status:
            self._is_ended = True

    # Its own steps.

    def _decoded(self, answer: Answer, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Prepare the decoding that the headers ask for, and take the fields away that it makes untrue."""
        for name, value in self._codings:
            coding = value.strip().lower()
            if name == b"transfer-encoding":
                if coding != b"chunked":
                    raise _BrokenAnswerError("a transfer-encoding other than chunked")
            elif coding not in (b"", b"identity"):
                if answer.inflater is not None:
                    raise _BrokenAnswerError("more than one content-encoding")
                try:
                    answer.inflater = Inflater(coding)
                except UndecodableError as error:
                    raise _BrokenAnswerError(str(error)) from error
        if answer.inflater is None:
            return headers
        self._was_framed = _is_framed(headers)
        return [field for field in headers if field[0] not in (b"content-encoding", b"content-length")]

    def _give_back(self) -> None:
        """Return the connection, whose answer has ended, to its owner."""
        transport = self._transport
        if self._is_paused:
            self._resume()  # an idle connection must notice that the server closes it
        # An answer that came before the whole request was sent leaves a connection that is in the middle of it.
        if self._is_reusable and not transport.is_closing() and not transport.get_write_buffer_size():
            self._is_reused = True
            self._owner.released(self)
        else:
            self.drop()

    def _break(self, fault: str) -> None:
        """End the running answer, if there is one, with what arrived and a fault, and close."""
        answer = self._answer
        if answer is not None:
            answer.fault = answer.fault or fault
            self._detach(answer)
        self.drop()

    def _detach(self, answer: Answer) -> None:
        self._answer = None
        self._is_ended = False
        answer.rest = self.take()
        answer.source = None
        answer.wake()

    def _resume(self) -> None:
        self._is_paused = False
        self._transport.resume_reading()


def _is_framed(headers: list[tuple[bytes, bytes]]) -> bool:
    """Say whether length or chunks delimit the body; asked only when the connection has ended."""
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)
