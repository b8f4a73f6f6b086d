"""How a client's bytes are cut into reads decides nothing: the same requests get the same answers in the same order."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.gateway.connection import MAX_PIPELINED, Connection
from seawall.gateway.request import Request
from seawall.testing.virtual_loop import run_virtual
from tests.gateway.conftest import OK, Answer, Served, get, turns

LIMIT: Final = 1 << 20
BROKEN: Final = (
    b"nonsense\r\n\r\n",
    b"\0\0\0\0",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /a HTTP/3.0\r\nHost: a\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
)


@dataclass(frozen=True)
class Sent:
    """One request as a client sends it, and what the echo answers."""

    data: bytes
    url: bytes
    body: bytes
    label: bytes
    is_last: bool  # the client, or its version, ends the connection after it


def _echo(url: bytes, body: bytes, label: bytes) -> bytes:
    return b"%b %b %b" % (url, label, sha256(body).hexdigest().encode())


def _chunked(body: bytes, cuts: Iterable[int], trailer: bytes) -> bytes:
    marks = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    pieces = [body[i:j] for i, j in pairwise(marks)]
    return b"".join(b"%x;x=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Draw a request that HTTP/1.1 allows, in one of its many forms."""
    url = b"/" + draw(st.text("abc/%?=", max_size=8)).encode()
    label = draw(st.text("xyz", max_size=5)).encode()
    body = draw(st.binary(max_size=40) | st.integers(1, 3).map(lambda size: b"\r\n" * size * 40_000))
    framing = draw(st.sampled_from(("none", "length", "chunked")))
    version = draw(st.sampled_from((b"1.1", b"1.1", b"1.1", b"1.0")))
    extra = draw(st.sampled_from((b"", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n")))
    if extra.startswith(b"Upgrade"):
        extra += b"Connection: upgrade\r\n"
    if framing == "chunked" and version == b"1.0":
        framing = "length"
    fields = b"Host: a\r\nX-Label: %b\r\n%b" % (label, extra)
    if framing == "none":
        body, rest = b"", b"\r\n"
    elif framing == "length":
        rest = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    else:
        trailer = draw(st.sampled_from((b"", b"X-Label: forged\r\nX-Api-Key: forged\r\n")))
        cuts = draw(st.lists(st.integers(0, 1000), max_size=3))
        rest = b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(body, cuts, trailer)
    data = b"POST %b HTTP/%b\r\n%b%b" % (url, version, fields, rest)
    return Sent(data, url, body, label, is_last=version == b"1.0" or b"close" in extra)


async def _answer(connection: Connection, request: Request) -> None:
    body = await request.read_body(LIMIT)
    await turns(len(body) % 3)
    text = _echo(bytes(request.url), body, request.headers.get(b"x-label", b""))
    if len(body) % 2:
        connection.begin(request, OK)
        await connection.write(text)
        connection.end(request)
    else:
        connection.respond(request, OK, text)


async def _quiet_answer(connection: Connection, request: Request) -> None:
    try:
        await _answer(connection, request)
    except Exception:  # noqa: BLE001  # a broken body; the connection has answered for it
        assert request.is_lost


async def _converse(data: bytes, cuts: list[int], pauses: list[int]) -> Served:
    """Send bytes in pieces, whenever the server reads, with a few turns of the loop between them."""
    served = Served(_quiet_answer)
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for number, (i, j) in enumerate(pairwise(marks)):
        for _ in range(100):
            if served.wire.is_reading_now or served.wire.is_lost:
                break
            await asyncio.sleep(0)
        if served.wire.is_closing():
            break
        served.feed(data[i:j])
        await turns(pauses[number % len(pauses)] if pauses else 0)
    await turns(400)
    return served


def _heard(served: Served) -> list[bytes]:
    """Give the status and body of every answer, whole or streamed."""
    text, found = bytes(served.wire.sent).replace(b"HTTP/1.1 100 Continue\r\n\r\n", b""), []
    while text:
        head, _, text = text.partition(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        if b"chunked" in head:
            size, _, text = text.partition(b"\r\n")
            body, text = text[: int(size, 16)], text[int(size, 16) + len(b"\r\n0\r\n\r\n") :]
        elif b"content-length" in head:
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body, text = text[:length], text[length:]
        else:
            body, text = text, b""
        found.append(status + b" " + (body if status == b"200" else b""))
    return found


def _expected(sent: list[Sent], broken: bytes) -> list[bytes]:
    answers = []
    for request in sent:
        answers.append(b"200 " + _echo(request.url, request.body, request.label))
        if request.is_last:
            return answers
    return [*answers, b"400 "] if broken else answers


@settings(max_examples=300)
@given(
    sent=st.lists(requests(), max_size=6),
    broken=st.just(b"") | st.sampled_from(BROKEN),
    cuts=st.lists(st.integers(0, 1 << 20), max_size=12),
    pauses=st.lists(st.integers(0, 8), max_size=4),
)
def test_cuts_decide_nothing(sent: list[Sent], broken: bytes, cuts: list[int], pauses: list[int]) -> None:
    async def main() -> Served:
        return await _converse(b"".join(request.data for request in sent) + broken, cuts, pauses)

    served = run_virtual(main())

    assert _heard(served) == _expected(sent, broken)
    ends = bool(broken) or any(request.is_last for request in sent)
    assert (served.wire.is_closing() or served.wire.has_sent_end) == ends
    assert served.tasks == set()


@settings(max_examples=200)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_no_bytes_are_taken_for_a_fault_of_ours(data: bytes, cuts: list[int]) -> None:
    async def main() -> list[Answer]:
        return (await _converse(data, cuts, [1])).answers

    assert all(answer.status in {200, 400} for answer in run_virtual(main()))


@settings(max_examples=100)
@given(
    count=st.integers(1, 3 * MAX_PIPELINED),
    cuts=st.lists(st.integers(0, 1 << 20), max_size=40),
    leave_after=st.integers(0, 60),
)
def test_client_that_leaves_at_any_moment_leaves_nothing_behind(count: int, cuts: list[int], leave_after: int) -> None:
    async def main() -> Served:
        served = Served(_quiet_answer)
        data = b"".join(get(f"/{number}") for number in range(count))
        marks = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
        for step, (i, j) in enumerate(pairwise(marks)):
            if step == leave_after:
                break
            if served.wire.is_reading_now:
                served.feed(data[i:j])
            await turns(1)
        served.wire.hang_up()
        await turns(200)
        return served

    served = run_virtual(main())

    assert served.tasks == set()
    assert served.port.open == set()


@settings(max_examples=50)
@given(count=st.integers(1, 3 * MAX_PIPELINED), cuts=st.lists(st.integers(0, 1 << 20), max_size=60))
def test_many_requests_at_once_are_answered_from_the_first_on(count: int, cuts: list[int]) -> None:
    async def main() -> Served:
        return await _converse(b"".join(get(f"/{number}") for number in range(count)), cuts, [2])

    served = run_virtual(main())
    heard = _heard(served)

    assert heard == [b"200 " + _echo(b"/%d" % number, b"", b"") for number in range(len(heard))]
    assert len(heard) >= min(count, MAX_PIPELINED + 1)
    assert len(heard) == count or served.wire.is_lost


async def _large_answer(connection: Connection, request: Request) -> None:
    text = bytes(request.url) * 20_000
    if b"stream" in request.url:
        connection.begin(request, OK)
        for start in range(0, len(text), 30_000):
            await connection.write(text[start : start + 30_000])
        connection.end(request)
    else:
        connection.respond(request, OK, text)


@settings(max_examples=60)
@given(
    urls=st.lists(st.sampled_from(("/a", "/stream")), min_size=1, max_size=8),
    takes=st.lists(st.integers(2_000, 200_000), min_size=1, max_size=8),
    at_once=st.booleans(),
)
def test_client_that_reads_when_it_likes_gets_everything_in_order(
    urls: list[str], takes: list[int], *, at_once: bool
) -> None:
    async def main() -> tuple[Served, int]:
        served = Served(_large_answer)
        served.wire.is_taken = False
        left, most = [get(url) for url in urls], 0
        if at_once:
            left = [b"".join(left)]
        for step in range(2000):
            if left and served.wire.is_reading_now:
                served.feed(left.pop(0))
            await turns(2)
            most = max(most, served.wire.get_write_buffer_size())
            served.wire.take(takes[step % len(takes)])
            if not left and not served.tasks and not served.wire.get_write_buffer_size():
                break
        await turns(5)
        return served, most

    served, most = run_virtual(main())

    text = bytes(served.wire.sent).replace(b"\r\n", b"")
    assert [text.count(b"/a" * 20_000), text.count(b"HTTP/1.1 200")] == [urls.count("/a"), len(urls)]
    assert served.tasks == set()
    assert not served.wire.is_lost
    assert most < 200_000, "an answer, and what was under the mark before it"
