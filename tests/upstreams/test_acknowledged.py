import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest

from seawall.core.error import UpstreamBroken
from seawall.core.target import Origin
from seawall.testing.receipt import PAID
from seawall.upstreams.acknowledged import surely_incomplete
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture
async def listener() -> AsyncIterator[socket.socket]:
    # A bare socket, since closing must happen between two steps of the test and not in a turn of the loop.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


async def _answer_one(listening: socket.socket) -> socket.socket:
    """Take one connection and answer one request on it."""
    loop = asyncio.get_running_loop()
    theirs, _ = await loop.sock_accept(listening)
    await loop.sock_recv(theirs, 100_000)
    await loop.sock_sendall(theirs, ANSWER)
    return theirs


@pytest.mark.parametrize("size", [2, 30_000, 3_000_000], ids=["one packet", "some packets", "more than the buffers"])
async def test_request_that_crosses_the_servers_close_is_sent_once_more(
    listener: socket.socket, open_pool: OpenPool, ask: Ask, size: int
) -> None:
    origin = Origin("http", *listener.getsockname())
    pool = open_pool()
    for _ in range(20):
        serving = asyncio.ensure_future(_answer_one(listener))
        reply = await pool.send(PAID, ask(origin))
        assert await reply.read_all(10) == b"ok"
        (await serving).close()
        assert pool.stats().idle == 1  # nobody has noticed yet

        serving = asyncio.ensure_future(_answer_one(listener))
        reply = await pool.send(PAID, ask(origin, body=bytes(size)))
        assert await reply.read_all(10) == b"ok"

        (await serving).close()
        await until(lambda: not pool.stats().open)


async def test_connection_that_the_server_reset_is_not_proved_unread(
    listener: socket.socket, open_pool: OpenPool, ask: Ask
) -> None:
    origin = Origin("http", *listener.getsockname())
    pool = open_pool()
    serving = asyncio.ensure_future(_answer_one(listener))
    await (await pool.send(PAID, ask(origin))).read_all(10)
    theirs = await serving
    sending = asyncio.ensure_future(pool.send(PAID, ask(origin)))
    await asyncio.get_running_loop().sock_recv(theirs, 100_000)

    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    theirs.close()

    with pytest.raises(UpstreamBroken, match="reset"):
        await sending


async def test_request_that_a_server_has_read_is_not_sent_again(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    seen: list[bytes] = []

    async def close_on_the_second(peer: Peer) -> None:
        seen.append(await peer.request())
        peer.answer()
        seen.append(await peer.request())
        peer.close()

    server = await serve(close_on_the_second)
    pool = open_pool()
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    with pytest.raises(UpstreamBroken, match="before it answered") as caught:
        await pool.send(PAID, ask(server.origin))

    assert caught.value.dispatched
    assert len(seen) == 2
    assert len(server.peers) == 1


async def test_request_on_a_new_connection_is_never_sent_again(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def close_unread(peer: Peer) -> None:
        peer.close()

    server = await serve(close_unread)

    with pytest.raises(UpstreamBroken):
        await open_pool().send(PAID, ask(server.origin, body=bytes(1_000_000)))

    assert len(server.peers) == 1


async def test_replacement_at_the_bound_takes_the_place_of_an_idle_connection(
    serve: Serve, open_pool: OpenPool, ask: Ask
) -> None:
    async def serve_one_or_many(peer: Peer) -> None:
        is_first = peer is server.peers[0]
        while await peer.request():
            if not is_first:
                await both.wait()
            peer.answer()
            if is_first:
                both.set()

    both = asyncio.Event()
    server = await serve(serve_one_or_many)
    pool = open_pool(UpstreamSettings(max_connections=2))
    replies = await asyncio.gather(*(pool.send(PAID, ask(server.origin)) for _ in range(2)))
    for reply in replies:
        await reply.read_all(10)
    site = pool._site(server.origin)
    assert len(site.idle) == 2

    assert site.take_slot(evict=True)

    assert len(site.idle) == 1
    site.free_slot()


def test_bytes_that_the_peer_has_are_not_proved_missing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with ours, theirs:
            ours.sendall(b"request")
            assert theirs.recv(100) == b"request"
            theirs.shutdown(socket.SHUT_WR)
            assert ours.recv(100) == b""

            assert not surely_incomplete(ours)


def test_bytes_sent_after_the_peer_closed_are_proved_missing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        with ours:
            ours.sendall(b"first")
            assert theirs.recv(100) == b"first"
            theirs.close()

            ours.sendall(b"second")
            assert ours.recv(100) == b""

            assert surely_incomplete(ours)


def test_closed_or_foreign_sockets_prove_nothing() -> None:
    closed = socket.socket()
    closed.close()
    one, other = socket.socketpair()

    with one, other:
        assert not surely_incomplete(one)
    assert not surely_incomplete(closed)
    assert not surely_incomplete(None)
