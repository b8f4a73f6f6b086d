import asyncio

import pytest

from seawall.core.error import UpstreamBroken
from seawall.testing.receipt import PAID
from seawall.upstreams.connection import HIGH_WATER
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve
from tests.upstreams.wire import Bench

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"


async def test_unread_body_stops_the_server_and_reading_lets_it_go_on() -> None:
    bench = Bench()
    answer = bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    arrived = 0
    while not bench.wire.is_paused:
        bench.arrive(b"x" * 10_000)
        arrived += 10_000

    assert HIGH_WATER <= arrived <= HIGH_WATER + 10_000
    assert len(await answer.read()) == arrived
    assert not bench.wire.is_paused


async def test_aborted_answer_closes_and_reads_as_broken() -> None:
    bench = Bench()
    answer = bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")

    answer.abort()
    answer.abort()

    assert bench.wire.is_aborted
    assert bench.owner.lost_count == 1
    with pytest.raises(UpstreamBroken, match="given up"):
        await answer.read()


async def test_aborting_a_complete_answer_keeps_the_connection() -> None:
    bench = Bench()
    answer = bench.ask()
    bench.arrive(WHOLE)

    answer.abort()

    assert not bench.wire.is_aborted
    assert bench.owner.released_count == 1


async def test_answer_before_the_whole_request_was_sent_costs_the_connection() -> None:
    bench = Bench()
    answer = bench.ask()
    bench.wire.unsent = 5

    bench.arrive(WHOLE)

    assert await answer.read_all(100) == b"hello world"
    assert bench.wire.is_aborted


async def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    bench = Bench()
    bench.ask()
    bench.arrive(WHOLE)

    bench.arrive(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n")

    assert bench.wire.is_aborted
    assert (bench.owner.released_count, bench.owner.lost_count) == (1, 1)


async def test_next_answer_knows_nothing_of_the_last_one() -> None:
    bench = Bench()
    bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-encoding: br\r\nt: u\r\n\r\n")

    answer = bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    assert answer.headers == [(b"content-length", b"2")]
    assert await answer.read_all(10) == b"ok"


async def test_error_of_the_socket_breaks_the_answer() -> None:
    bench = Bench()
    answer = bench.ask()
    bench.arrive(b"HTTP/1.1 200 OK\r\n\r\nhello")

    bench.connection.connection_lost(ConnectionResetError("reset by peer"))

    assert await answer.read() == b"hello"
    with pytest.raises(UpstreamBroken, match="reset by peer"):
        await answer.read()
    assert bench.owner.lost_count == 1


async def test_large_body_is_not_copied_behind_its_head() -> None:
    bench = Bench()
    body = bytes(100_000)

    bench.connection.begin(b"head", body)

    assert bench.wire.written == [b"head", body]


async def test_real_chunks_arrive_one_by_one(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def stream(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for number in range(10):
            peer.send(b"1\r\n%d\r\n" % number)
            await seen.acquire()
        peer.send(b"0\r\n\r\n")
        await peer.gone()

    seen = asyncio.Semaphore(0)
    server = await serve(stream)

    reply = await open_pool().send(PAID, ask(server.origin))
    read = []
    while data := await reply.read():
        read.append(data)
        seen.release()

    assert read == [b"%d" % number for number in range(10)]
