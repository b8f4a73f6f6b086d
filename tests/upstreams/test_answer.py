import asyncio

import pytest

from seawall.core.error import UpstreamBroken
from seawall.testing.receipt import PAID
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve


async def test_answer_that_is_there_needs_no_waiting(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        peer.answer(b"all of it")
        await peer.gone()

    server = await serve(once)
    reply = await open_pool().send(PAID, ask(server.origin))

    with pytest.raises(StopIteration) as done:
        reply.read_all(100).send(None)

    assert done.value.value == b"all of it"


@pytest.mark.parametrize("is_whole", [True, False])
async def test_answer_longer_than_the_limit_is_refused(
    serve: Serve, open_pool: OpenPool, ask: Ask, is_whole: bool
) -> None:
    async def long_answer(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (11 if is_whole else 12))
        peer.send(b"hello world")
        await peer.gone()

    server = await serve(long_answer)
    pool = open_pool()
    reply = await pool.send(PAID, ask(server.origin))

    with pytest.raises(UpstreamBroken, match="longer than 10 bytes"):
        await reply.read_all(10)


async def test_answer_as_long_as_the_limit_is_taken(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def in_two(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        await begun.wait()
        peer.send(b"world")
        await peer.gone()

    begun = asyncio.Event()
    server = await serve(in_two)
    reply = await open_pool().send(PAID, ask(server.origin))
    begun.set()

    assert await reply.read_all(10) == b"helloworld"


async def test_cancelled_read_loses_nothing(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def in_parts(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n")
        for _ in range(20):
            await more.acquire()
            peer.send(b"x")
        await peer.gone()

    more = asyncio.Semaphore(0)
    server = await serve(in_parts)
    reply = await open_pool().send(PAID, ask(server.origin))
    body = b""

    for number in range(20):
        reading = asyncio.ensure_future(reply.read())
        await asyncio.sleep(0)
        if number % 2:  # cancelled together with the arrival, or before it
            reading.cancel()
            more.release()
        else:
            more.release()
            await asyncio.wait({reading}, timeout=0 if number % 4 else None)
            reading.cancel()
        body += next((r for r in await asyncio.gather(reading, return_exceptions=True) if isinstance(r, bytes)), b"")
    while data := await reply.read():
        body += data

    assert body == b"x" * 20


async def test_second_reader_is_told_off(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def begin_only(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n")
        await peer.gone()

    server = await serve(begin_only)
    reply = await open_pool().send(PAID, ask(server.origin))
    first = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="one reader"):
        await reply.read()

    reply.abort()
    with pytest.raises(UpstreamBroken, match="given up"):
        await first


async def test_end_of_the_body_stays_the_end(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        peer.answer(b"ok")
        await peer.gone()

    server = await serve(once)
    reply = await open_pool().send(PAID, ask(server.origin))

    assert [await reply.read() for _ in range(3)] == [b"ok", b"", b""]
