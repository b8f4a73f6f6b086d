import asyncio

import pytest

from seawall.gateway.reader import MAX_FIELDS, MAX_HEAD, NotRequest, RequestReader
from seawall.gateway.request import Request
from tests.gateway.conftest import get, post


class Queue:
    """Takes requests, and counts how many began."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.close()
        self.begins = 0
        self.requests: list[Request] = []

    def pause_reading(self) -> None:
        """Nobody reads here."""

    def resume_reading(self) -> None:
        """Nobody reads here."""

    def write_now(self, data: bytes) -> None:
        """Nobody writes here."""

    def begun(self) -> None:
        self.begins += 1

    def put(self, request: Request) -> None:
        self.requests.append(request)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def reader(queue: Queue) -> RequestReader:
    return RequestReader(queue)


def _body(request: Request) -> bytes:
    """Give what came of the body, without an event loop."""
    assert request.is_whole
    reading = request.read_body(1 << 30)
    with pytest.raises(StopIteration) as done:
        reading.send(None)
    return bytes(done.value.value)


def _feed(reader: RequestReader, data: bytes, size: int) -> None:
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])


def test_request_is_read_with_its_fields_in_lower_case(reader: RequestReader, queue: Queue) -> None:
    reader.feed(post(b"{}", "X-Label:  one \t", "X-Label: two", path="/a?b=c"))

    (request,) = queue.requests
    assert (request.method, request.url, request.is_old, request.keep_alive) == ("POST", b"/a?b=c", False, True)
    assert request.headers == {b"host": b"gateway", b"content-length": b"2", b"x-label": b"one, two"}
    assert _body(request) == b"{}"
    assert not reader.is_amid


def test_head_that_is_not_complete_is_no_request_yet(reader: RequestReader, queue: Queue) -> None:
    reader.feed(get()[:-1])
    assert reader.is_amid
    assert queue.requests == []

    reader.feed(get()[-1:])

    assert not reader.is_amid
    assert len(queue.requests) == queue.begins == 1


def test_chunks_are_put_together_and_their_extensions_ignored(reader: RequestReader, queue: Queue) -> None:
    head = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \r\n\r\n"

    reader.feed(head + b"3;name=value\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    assert _body(queue.requests[0]) == b"abcde"


@pytest.mark.parametrize("trailer", [b"X-Seawall-User: victim", b"Authorization: Bearer x", b"Host: elsewhere"])
def test_trailer_never_becomes_a_field(reader: RequestReader, queue: Queue, trailer: bytes) -> None:
    chunked = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    reader.feed(chunked + b"1\r\nx\r\n0\r\n" + trailer + b"\r\n\r\n" + get("/b"))

    first, second = queue.requests
    assert set(first.headers) == {b"host", b"transfer-encoding"}
    assert second.headers == {b"host": b"gateway"}


@pytest.mark.parametrize(
    "body", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_upgrade_is_declined_and_the_request_answered(reader: RequestReader, queue: Queue, body: bytes) -> None:
    head = (
        b"POST /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
    )

    reader.feed(head + body + get("/b"))

    first, second = queue.requests
    assert (first.method, first.url, _body(first), first.keep_alive) == ("POST", b"/a", b"abc", True)
    assert b"upgrade" not in first.headers
    assert second.url == b"/b"


def test_old_client_needs_no_host_and_is_not_kept(reader: RequestReader, queue: Queue) -> None:
    reader.feed(b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert queue.requests[0].is_old
    assert not queue.requests[0].keep_alive


@pytest.mark.parametrize("host", ["a", "a.example:8080", "127.0.0.1", "[::1]:80", "under_score"], ids=str)
def test_plain_host_is_taken(reader: RequestReader, queue: Queue, host: str) -> None:
    reader.feed(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    assert len(queue.requests) == 1


REFUSED = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/admin?\r\n\r\n",
    "host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "length and coding": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "coding and length": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "list of lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
    "length with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    "length in hex": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
    "length of 5,000 zeros and a digit": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %b5\r\n\r\n" % (b"0" * 5_000),
    "length beyond 64 bits": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "unknown coding": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "coding before chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "coding after chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked in 1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "signed chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n",
    "chunk without its end": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    "chunk with a bare line feed": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "folded field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "bare line feed": b"GET / HTTP/1.1\nHost: a\n\n",
    "line feed in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n",
    "carriage return in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "NUL in a field": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "space in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
    "two credentials": b"GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\r\nX-Api-Key: b\r\n\r\n",
    "two authorisations": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n",
    "control character in the target": b"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "byte beyond ASCII in the target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "tunnel": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a1030300"),
    "unknown method": b"FETCH / HTTP/1.1\r\nHost: a\r\n\r\n",
    "nonsense": b"nonsense\r\n\r\n",
    "data after the last request": b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n",
    "long target": b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "long field": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * MAX_HEAD + b"\r\n\r\n",
    "field without an end": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 2 * MAX_HEAD,
    "many fields": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(MAX_FIELDS)) + b"\r\n",
    "one field many times": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X:\r\n" * MAX_FIELDS + b"\r\n",
    "endless trailer": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 200,
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("size", [1 << 20, 1000, 1], ids=["whole", "in pieces", "byte by byte"])
def test_what_can_be_read_in_two_ways_is_refused(reader: RequestReader, data: bytes, size: int) -> None:
    with pytest.raises(NotRequest):
        _feed(reader, data, size)


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 16,
    ],
    ids=["field", "extension", "trailer", "size"],
)
def test_what_has_no_end_is_not_gathered(reader: RequestReader, begin: bytes) -> None:
    reader.feed(begin)

    with pytest.raises(NotRequest):
        _feed(reader, b"0" * (MAX_HEAD + 1000), 1000)


def test_long_body_in_small_chunks_is_read(reader: RequestReader, queue: Queue) -> None:
    reader.feed(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(MAX_HEAD):
        reader.feed(b"2\r\nab\r\n")
    reader.feed(b"0\r\n\r\n")

    assert _body(queue.requests[0]) == b"ab" * MAX_HEAD
