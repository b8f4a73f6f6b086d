"""Requests out of bytes: HTTP/1.1 (RFC 9112) over llhttp, and what is added to it for safety; no transport in here.

llhttp refuses what request smuggling is mostly made of: lengths beside transfer codings, doubled or odd lengths, folded
fields, control characters, bare line feeds. Added here: exactly one Host and a plain one, no coding but `chunked`, no
second credential, trailers that never become fields, and bounds on the head and on everything else that is no body.
"""

import re
from typing import Final, Protocol

import httptools

from seawall.gateway.request import Request, Wire

MAX_HEAD: Final = 64 * 1024
MAX_FIELDS: Final = 128
MAX_LENGTH_DIGITS: Final = 20  # those of 2**64; Python reads no number of more than 4,300, and zeros in front count

_HOST: Final = re.compile(rb"[A-Za-z0-9._~-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_SINGLE: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"authorization", b"x-api-key"})
_AROUND: Final = 4  # what a field has beside its name and value: a colon, a space, the line's end


class NotRequest(Exception):
    """Two servers could read these bytes in two ways, or they are too many, or no request at all."""


class Queue(Wire, Protocol):
    """Whoever wants the requests."""

    def begun(self) -> None:
        """Learn that the first byte of a request has come."""

    def put(self, request: Request) -> None:
        """Take a request whose head is complete; its body follows.

        Raises:
            NotRequest: there is no place for it.
        """


class RequestReader:
    """Parse one connection's bytes. Its `on_…` methods are the parser's calls.

    `incoming` is the request that came last, or that is coming; `is_amid` says that its head is not complete.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._parser = httptools.HttpRequestParser(self)
        self._head_size = self._fields = 0
        self._barren = 0  # bytes since the last one that ended a head or belonged to a body
        self.incoming = Request(queue)
        self.is_amid = False

    def feed(self, data: bytes) -> None:
        """Parse what came, however it was cut.

        Raises:
            NotRequest: nothing more can be read; requests that were put before it stand.
        """
        self._barren += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            raise NotRequest from error
        if self._barren > MAX_HEAD:  # a field, a chunk's extension or a trailer without an end
            raise NotRequest

    def _decline_upgrade(self, rest: bytes) -> None:
        """Go on in HTTP/1.1, as RFC 9110 §7.8 allows and as Java's own client expects when it asks for `h2c`.

        llhttp takes such a head for a whole message, whose body would then be read as a request. So `put` waited for
        another parser to read the head once more, without the field.
        """
        asked = self.incoming
        fields = b"".join([b"%b: %b\r\n" % field for field in asked.headers.items() if field[0] != b"upgrade"])
        version = b"1.0" if asked.is_old else b"1.1"
        self._parser = httptools.HttpRequestParser(self)
        self.feed(b"%b %b HTTP/%b\r\n%b\r\n%b" % (asked.method.encode(), asked.url, version, fields, rest))

    # The parser's calls

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.incoming = Request(self._queue)
        self._head_size = self._fields = 0
        self.is_amid = True
        self._queue.begun()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._head_size += len(url)
        if self._head_size > MAX_HEAD:
            raise NotRequest
        self.incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field. One in the trailer is dropped (RFC 9110 §6.5.1): it comes after all that it could decide."""
        self._fields += 1
        self._head_size += len(name) + len(value) + _AROUND
        if self._head_size > MAX_HEAD or self._fields > MAX_FIELDS:
            raise NotRequest
        request = self.incoming
        if request.method:
            return
        name, value = name.lower(), value.rstrip(b" \t")
        headers = request.headers
        if name in headers:
            if name in _SINGLE:
                raise NotRequest
            value = headers[name] + b", " + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Refuse what two servers could read in two ways (RFC 9112 §3.2, §6.1), and put the rest into the queue."""
        request, parser = self.incoming, self._parser
        version, headers = parser.get_http_version(), request.headers
        request.method = parser.get_method().decode("ascii")
        request.is_old = version == "1.0"
        host, coding = headers.get(b"host"), headers.get(b"transfer-encoding")
        if host is None:
            if not request.is_old:
                raise NotRequest
        elif not _HOST.fullmatch(host):
            raise NotRequest
        if coding is not None and (request.is_old or coding.lower() != b"chunked"):
            raise NotRequest
        if len(headers.get(b"content-length", b"")) > MAX_LENGTH_DIGITS:
            raise NotRequest
        if request.method == "CONNECT" or version not in {"1.1", "1.0"}:
            raise NotRequest
        request.keep_alive = not request.is_old and parser.should_keep_alive()
        self._barren = 0
        self.is_amid = False
        if not parser.should_upgrade():
            self._queue.put(request)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._barren = 0
        self.incoming.take(body)

    def on_message_complete(self) -> None:
        """Note that a request is whole."""
        self._barren = 0
        if not self._parser.should_upgrade():
            self.incoming.complete()
