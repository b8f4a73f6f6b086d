import asyncio
import gc

import pytest

from seawall.core.error import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from seawall.core.target import Origin, Timeouts
from seawall.testing.receipt import PAID
from seawall.upstreams.address import Address
from seawall.upstreams.connection import Connection
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, until


async def _echo(peer: Peer) -> None:
    while request := await peer.request():
        peer.answer(request)


async def test_request_travels_as_it_was_rendered(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)

    reply = await open_pool().send(PAID, ask(server.origin))

    assert reply.status == 200
    assert reply.headers[0][0] == b"content-length"
    assert await reply.read_all(1000) == (
        b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-length: 2\r\nx-api-key: secret\r\n\r\n{}"
        % server.port
    )


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", b"", None), ("POST", b"", b"content-length: 0"), ("GET", b"{}", b"content-length: 2")],
)
async def test_length_is_announced_where_a_body_may_be(
    serve: Serve, open_pool: OpenPool, ask: Ask, method: str, body: bytes, length: bytes | None
) -> None:
    server = await serve(_echo)

    reply = await open_pool().send(PAID, ask(server.origin, method=method, body=body))

    head = await reply.read_all(1000)
    assert (b"content-length" in head) == (length is not None)
    assert length is None or length in head


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/a b"},
        {"path": "/a\r\nx: y"},
        {"path": "a"},
        {"path": "/é"},
        {"path": ""},
        {"method": "GET\r\n"},
        {"method": "get"},
    ],
)
async def test_request_line_cannot_be_broken(open_pool: OpenPool, ask: Ask, changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot stand in a request line"):
        await open_pool().send(PAID, ask(Origin("http", "127.0.0.1", 9), **changes))


async def test_large_body_arrives_whole(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    body = bytes(range(256)) * 4 * 4096
    server = await serve(_echo)

    reply = await open_pool().send(PAID, ask(server.origin, body=body))

    assert (await reply.read_all(len(body) + 1000)).endswith(body)


async def test_connection_is_used_again(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)
    pool = open_pool()

    for _ in range(5):
        await (await pool.send(PAID, ask(server.origin))).read_all(1000)

    assert len(server.peers) == 1
    assert (pool.stats().open, pool.stats().idle) == (1, 1)


async def test_last_used_connection_is_used_next(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def name_yourself(peer: Peer) -> None:
        while request := await peer.request():
            if b"/slow" in request:
                await quick_is_done.wait()
            peer.answer(b"%d" % server.peers.index(peer))

    quick_is_done = asyncio.Event()
    server = await serve(name_yourself)
    pool = open_pool()
    slow = asyncio.ensure_future(pool.send(PAID, ask(server.origin, path="/slow")))
    await (await pool.send(PAID, ask(server.origin, path="/quick"))).read_all(10)
    quick_is_done.set()
    last_used = await (await slow).read_all(10)

    used = [await (await pool.send(PAID, ask(server.origin))).read_all(10) for _ in range(3)]

    assert len(server.peers) == 2
    assert used == [last_used] * 3


async def test_connections_of_different_origins_are_kept_apart(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    one, other = await serve(_echo), await serve(_echo)
    pool = open_pool()

    for server in (one, other, one, other):
        await (await pool.send(PAID, ask(server.origin))).read_all(1000)

    assert len(one.peers) == len(other.peers) == 1
    assert {origin: s.idle for origin, s in pool.stats().by_origin.items()} == {one.origin: 1, other.origin: 1}


async def test_nobody_listens(open_pool: OpenPool, ask: Ask, unused_tcp_port: int) -> None:
    pool = open_pool()

    with pytest.raises(UpstreamUnreachable, match=f"127.0.0.1:{unused_tcp_port}") as caught:
        await pool.send(PAID, ask(Origin("http", "127.0.0.1", unused_tcp_port)))

    assert not caught.value.dispatched
    assert pool.stats().open == 0


async def test_name_that_nobody_knows(open_pool: OpenPool, ask: Ask) -> None:
    with pytest.raises(UpstreamUnreachable, match=r"nowhere\.invalid"):
        await open_pool().send(PAID, ask(Origin("http", "nowhere.invalid", 80)))


async def test_resolving_counts_towards_the_connect_timeout(open_pool: OpenPool, ask: Ask) -> None:
    async def never(host: str, port: int) -> list[Address]:
        del host, port
        await asyncio.Event().wait()
        return []

    pool = open_pool(resolve=never)
    timeouts = Timeouts(total_s=20, connect_s=0.01, first_token_s=20, idle_s=20)

    with pytest.raises(UpstreamTimeout, match="10 ms") as caught:
        await pool.send(PAID, ask(Origin("http", "slow.test", 80), timeouts=timeouts))

    assert (caught.value.code, caught.value.dispatched) == ("upstream.timeout.connect", False)
    assert pool.stats().open == 0


async def test_time_in_the_queue_is_no_time_of_connecting(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)
    pool = open_pool(UpstreamSettings(max_connections=1))
    first = await pool.send(PAID, ask(server.origin, path="/first"))
    await first.read_all(1000)
    timeouts = Timeouts(total_s=20, connect_s=0.0, first_token_s=20, idle_s=20)

    reply = await pool.send(PAID, ask(server.origin, timeouts=timeouts))

    assert reply.status == 200


async def test_silent_tls_server_counts_towards_the_connect_timeout(
    serve: Serve, open_pool: OpenPool, ask: Ask
) -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    server = await serve(mute)
    pool = open_pool()
    timeouts = Timeouts(total_s=20, connect_s=0.05, first_token_s=20, idle_s=20)

    with pytest.raises(UpstreamTimeout):
        await pool.send(PAID, ask(Origin("https", "127.0.0.1", server.port), timeouts=timeouts))

    assert pool.stats().open == 0


async def test_calls_above_the_bound_wait_in_turn(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    order: list[bytes] = []

    async def note(peer: Peer) -> None:
        while request := await peer.request():
            order.append(request.split()[1])
            peer.answer()

    server = await serve(note)
    pool = open_pool(UpstreamSettings(max_connections=1))

    async def call(number: int) -> None:
        await (await pool.send(PAID, ask(server.origin, path=f"/{number}"))).read_all(10)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(call(number))

    assert order == [b"/%d" % number for number in range(20)]
    assert len(server.peers) == 1


async def test_full_queue_refuses(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(Peer.gone)
    pool = open_pool(UpstreamSettings(max_connections=1, max_waiting=1))
    tasks = [asyncio.ensure_future(pool.send(PAID, ask(server.origin))) for _ in range(2)]
    await until(lambda: pool.stats().waiting == 1)

    with pytest.raises(UpstreamUnreachable, match="1 calls wait") as caught:
        await pool.send(PAID, ask(server.origin))

    assert not caught.value.dispatched
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert pool.stats().open == pool.stats().waiting == 0


async def test_connection_that_broke_gives_its_slot_to_the_next(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def close_first(peer: Peer) -> None:
        await peer.request()
        if peer is not server.peers[0]:
            peer.answer()
            await peer.gone()

    server = await serve(close_first)
    pool = open_pool(UpstreamSettings(max_connections=1))

    first, second = await asyncio.gather(
        pool.send(PAID, ask(server.origin)), pool.send(PAID, ask(server.origin)), return_exceptions=True
    )

    assert isinstance(first, UpstreamBroken)
    assert not isinstance(second, BaseException)
    assert second.status == 200


async def test_cancelled_call_hands_its_connection_on(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)
    pool = open_pool(UpstreamSettings(max_connections=1))
    site = pool._site(server.origin)
    await (await pool.send(PAID, ask(server.origin))).read_all(1000)
    held = site.take_idle()
    assert held is not None
    given, next_one = (asyncio.ensure_future(pool.send(PAID, ask(server.origin))) for _ in range(2))
    await until(lambda: pool.stats().waiting == 2)

    site.released(held)  # the first in the queue has it now, but has not run yet
    given.cancel()

    assert (await next_one).status == 200
    with pytest.raises(asyncio.CancelledError):
        await given
    assert len(server.peers) == 1


async def test_cancelled_call_hands_its_slot_on(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)
    pool = open_pool(UpstreamSettings(max_connections=1))
    site = pool._site(server.origin)
    assert site.take_slot(evict=False)
    given, next_one = (asyncio.ensure_future(pool.send(PAID, ask(server.origin))) for _ in range(2))
    await until(lambda: pool.stats().waiting == 2)

    site.free_slot()
    given.cancel()

    assert (await next_one).status == 200
    assert given.cancelled() or isinstance(given.exception(), asyncio.CancelledError)
    assert pool.stats().open == 1


async def test_connection_that_closes_on_its_way_to_a_waiting_call_is_not_used(
    serve: Serve, open_pool: OpenPool, ask: Ask
) -> None:
    server = await serve(_echo)
    pool = open_pool(UpstreamSettings(max_connections=1))
    site = pool._site(server.origin)
    await (await pool.send(PAID, ask(server.origin))).read_all(1000)
    held = site.take_idle()
    assert held is not None
    waiting = asyncio.ensure_future(pool.send(PAID, ask(server.origin)))
    await until(lambda: pool.stats().waiting == 1)

    site.released(held)
    held.drop()

    assert (await waiting).status == 200
    assert len(server.peers) == 2
    assert pool.stats().open == 1


async def test_server_that_closes_at_once_is_unreachable_or_broken(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def slam(peer: Peer) -> None:
        peer.reset()

    server = await serve(slam)
    pool = open_pool()

    with pytest.raises((UpstreamUnreachable, UpstreamBroken)):
        await pool.send(PAID, ask(server.origin))

    assert pool.stats().open == 0


async def test_closed_pool_refuses(open_pool: OpenPool, ask: Ask) -> None:
    pool = open_pool()
    await pool.aclose()

    with pytest.raises(UpstreamUnreachable, match="no new requests"):
        await pool.send(PAID, ask(Origin("http", "127.0.0.1", 9)))


async def test_closed_connections_are_forgotten(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_echo)
    pool = open_pool()
    await (await pool.send(PAID, ask(server.origin))).read_all(1000)

    await pool.aclose()
    await until(lambda: not server.running)
    gc.collect()

    assert [thing for thing in gc.get_objects() if isinstance(thing, Connection)] == []
