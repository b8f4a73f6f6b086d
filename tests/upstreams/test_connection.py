import asyncio
import gzip
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken
from seawall.upstreams.answer import Answer
from seawall.upstreams.connection import BUFFER, FIELD_LIMIT, HEAD_LIMIT
from tests.upstreams.wire import Bench, cut


class Outcome(NamedTuple):
    """What a reader sees of an answer in the end."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    is_clean: bool
    is_reusable: bool


async def outcome(*pieces: bytes, eof: bool, may_have_body: bool = True) -> Outcome:
    bench = Bench()
    answer = bench.ask(may_have_body=may_have_body)
    bench.arrive(*pieces)
    if eof:
        bench.end()
    body = b""
    if not answer.arrival.done():
        return Outcome(0, [], b"", is_clean=False, is_reusable=False)
    try:
        while answer.status and (data := await answer.read()):
            body += data
    except UpstreamBroken:
        return Outcome(answer.status, answer.headers, body, is_clean=False, is_reusable=False)
    assert bench.owner.released_count + bench.owner.lost_count >= 1
    is_clean = bool(answer.status) and not answer.fault
    return Outcome(answer.status, answer.headers, body, is_clean, is_reusable=bench.owner.released_count == 1)


async def read_on(answer: Answer) -> None:
    while await answer.read():
        pass


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as one:
        yield one


_GZIPPED = gzip.compress(b'{"text": "squeezed"}', mtime=0)
_ANSWERS = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello world",
    "without a body": b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n",
    "with an empty body": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "in chunks": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nt: u\r\n\r\n"
    ),
    "after interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok"
    ),
    "compressed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b"
    % (len(_GZIPPED), _GZIPPED),
    "then closed": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
    "without a change": b'HTTP/1.1 304 Not Modified\r\netag: "x"\r\ncontent-length: 99\r\n\r\n',
}


@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS)
@given(places=st.lists(st.integers(0, 10_000), max_size=12))
@example(places=list(range(400)))
def test_every_way_of_cutting_an_answer_reads_the_same(
    answer: bytes, places: list[int], runner: asyncio.Runner
) -> None:
    whole = runner.run(outcome(answer, eof=False))

    assert whole.is_clean
    assert runner.run(outcome(*cut(answer, places), eof=False)) == whole


@pytest.mark.parametrize("answer", _ANSWERS.values(), ids=_ANSWERS)
def test_an_answer_cut_off_anywhere_is_broken_and_never_short(answer: bytes, runner: asyncio.Runner) -> None:
    whole = runner.run(outcome(answer, eof=False))

    for length in range(len(answer)):
        cut_off = runner.run(outcome(answer[:length], eof=True))
        assert not cut_off.is_clean, length
        assert whole.body.startswith(cut_off.body)


@given(places=st.lists(st.integers(0, 200), max_size=6))
def test_body_without_a_frame_ends_with_the_connection(places: list[int], runner: asyncio.Runner) -> None:
    answer = b"HTTP/1.1 200 OK\r\nserver: old\r\n\r\nhello world"

    read = runner.run(outcome(*cut(answer, places), eof=True))

    assert (read.body, read.is_clean, read.is_reusable) == (b"hello world", True, False)


@given(junk=st.binary(min_size=1, max_size=200), places=st.lists(st.integers(0, 200), max_size=4))
@example(junk=b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", places=[])
@example(junk=b"\0", places=[])
def test_bytes_behind_an_answer_cost_the_connection_and_not_the_answer(
    junk: bytes, places: list[int], runner: asyncio.Runner
) -> None:
    async def check() -> None:
        bench = Bench()
        answer = bench.ask()
        bench.arrive(*cut(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + junk, places))

        assert await answer.read_all(10) == b"ok"
        # Line breaks between answers are no answer (RFC 9112 §2.2); alone they may be overlooked.
        assert bench.wire.is_aborted or not junk.strip(b"\r\n")
        assert bench.owner.lost_count == bench.wire.is_aborted

    runner.run(check())


@given(junk=st.binary(max_size=300))
def test_any_bytes_end_in_an_answer_or_an_error(junk: bytes, runner: asyncio.Runner) -> None:
    read = runner.run(outcome(junk, eof=True))

    assert read.status == 0 or 200 <= read.status <= 999


_BROKEN = {
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "unknown version": b"HTTP/3.7 200 OK\r\n\r\n",
    "unasked upgrade": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    "unasked switch": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "no status": b"HTTP/1.1 000 What\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
    "length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunks and length": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "length with a sign": b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
    "hexadecimal length": b"HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\n",
    "endless length": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    "unknown transfer coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "no chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok",
    "control character": b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
    "two codings": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-encoding: deflate\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
}


@pytest.mark.parametrize("answer", _BROKEN.values(), ids=_BROKEN)
async def test_broken_head_is_refused(answer: bytes) -> None:
    bench = Bench()
    reply = bench.ask()

    bench.arrive(answer)

    assert reply.arrival.done()
    assert "not an HTTP/1.1 answer" in reply.fault
    assert bench.wire.is_aborted
    assert bench.owner.lost_count == 1


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"5\r\nhelloX", b"-1\r\n", b"5 5\r\n", b"\r\n", b"ffffffffffffffffff\r\n"],
)
async def test_broken_chunks_are_refused_after_what_was_good(chunks: bytes) -> None:
    bench = Bench()
    reply = bench.ask()

    bench.arrive(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", chunks)

    assert (await reply.read())[:2] == b"ok"
    with pytest.raises(UpstreamBroken):
        await read_on(reply)


async def test_folded_header_holds_no_line_break() -> None:
    bench = Bench()
    reply = bench.ask()

    bench.arrive(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n")

    assert reply.fault or all(b"\r" not in value and b"\n" not in value for _, value in reply.headers)


@pytest.mark.parametrize(("fields", "is_taken"), [(FIELD_LIMIT, True), (FIELD_LIMIT + 1, False)])
async def test_header_fields_are_counted(fields: int, is_taken: bool) -> None:
    bench = Bench()
    reply = bench.ask()

    bench.arrive(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * (fields - 1) + b"content-length: 0\r\n\r\n")

    assert (reply.status == 200) is is_taken
    assert is_taken or "256 header fields" in reply.fault


@pytest.mark.parametrize("piece", [1000, 40_000, BUFFER])
async def test_header_bytes_are_counted(piece: int) -> None:
    bench = Bench()
    reply = bench.ask()
    head = b"HTTP/1.1 200 OK\r\n" + (b"x: " + b"y" * 9000 + b"\r\n") * 8 + b"content-length: 2\r\n\r\nok"

    bench.arrive(*cut(head, list(range(0, len(head), piece))))

    assert reply.status == 0
    assert str(HEAD_LIMIT) in reply.fault
    assert bench.wire.is_aborted


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 102 Processing\r\n\r\n" * 5000,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2 * HEAD_LIMIT,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;" + b"x" * 3 * HEAD_LIMIT,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + b"t: u\r\n" * 40_000,
    ],
    ids=["interim answers", "one field", "chunk extension", "trailers"],
)
async def test_endless_frame_without_a_body_is_cut(flood: bytes) -> None:
    bench = Bench()
    reply = bench.ask()

    bench.arrive(flood)

    assert str(HEAD_LIMIT) in reply.fault
    assert bench.wire.is_aborted


async def test_head_answer_has_no_body_whatever_it_announces() -> None:
    read = await outcome(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", eof=False, may_have_body=False)

    assert (read.status, read.body, read.is_clean, read.is_reusable) == (200, b"", True, False)


async def test_names_are_lower_case_and_fields_keep_their_order() -> None:
    read = await outcome(_ANSWERS["with a length"], eof=False)

    assert read.headers == [(b"content-length", b"11"), (b"x-a", b"1"), (b"x-a", b"2")]


async def test_interim_answers_leave_no_trace() -> None:
    read = await outcome(_ANSWERS["after interim answers"], eof=False)

    assert (read.status, read.headers) == (201, [(b"content-length", b"2")])


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(b"squeezed " * 40)),
        (b"GZip ", gzip.compress(b"squeezed " * 40)),
        (b"deflate", zlib.compress(b"squeezed " * 40)),
    ],
    ids=["gzip", "gzip in other letters", "deflate"],
)
async def test_compressed_body_is_decoded_and_its_fields_go(coding: bytes, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\ncontent-length: %d\r\nx: y\r\n\r\n" % (coding, len(body))

    read = await outcome(head + body, eof=False)

    assert read.body == b"squeezed " * 40
    assert read.headers == [(b"x", b"y")]
    assert read.is_reusable


async def test_identity_is_no_coding() -> None:
    read = await outcome(b"HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\nok", eof=False)

    assert (read.body, len(read.headers)) == (b"ok", 2)


async def test_compressed_body_without_a_length_is_checked_by_its_own_end() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"

    whole = await outcome(head + _GZIPPED, eof=True)
    short = await outcome(head + _GZIPPED[:-1], eof=True)

    assert whole.is_clean
    assert not short.is_clean


async def test_bomb_is_refused_after_little_output() -> None:
    bomb = gzip.compress(bytes(40 * 1024 * 1024))
    bench = Bench()
    answer = bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb), bomb[:40_000])

    with pytest.raises(UpstreamBroken, match="cannot be decoded: 40000 compressed bytes grew"):
        await read_on(answer)

    assert bench.wire.is_aborted
