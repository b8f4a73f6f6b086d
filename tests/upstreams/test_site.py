import asyncio

from seawall.testing.receipt import PAID
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, until


async def _serve_on(peer: Peer) -> None:
    while await peer.request():
        peer.answer()


async def test_connection_that_was_idle_for_too_long_is_not_used(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    now_s = 1000.0
    server = await serve(_serve_on)
    pool = open_pool(UpstreamSettings(idle_s=30), now_s=lambda: now_s)
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    now_s += 29.9
    await (await pool.send(PAID, ask(server.origin))).read_all(10)
    assert len(server.peers) == 1
    now_s += 30
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    assert len(server.peers) == 2
    assert pool.stats().open == 1


async def test_idle_connections_are_closed_without_any_call(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def until_closed(peer: Peer) -> None:
        await peer.request()
        await all_are_open.wait()
        peer.answer()
        await peer.gone()
        gone.release()

    all_are_open, gone = asyncio.Event(), asyncio.Semaphore(0)
    server = await serve(until_closed)
    pool = open_pool(UpstreamSettings(idle_s=0.005))
    calls = [asyncio.ensure_future(pool.send(PAID, ask(server.origin))) for _ in range(3)]
    await until(lambda: len(server.peers) == 3)
    all_are_open.set()
    for call in calls:
        await (await call).read_all(10)

    for _ in range(3):
        await gone.acquire()

    assert pool.stats().open == 0
    assert pool._site(server.origin)._sweeper is None


async def test_sweeping_spares_what_was_just_used(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    now_s = 0.0
    server = await serve(_serve_on)
    pool = open_pool(UpstreamSettings(idle_s=30), now_s=lambda: now_s)
    site = pool._site(server.origin)
    first, second = await asyncio.gather(*(pool.send(PAID, ask(server.origin)) for _ in range(2)))
    await first.read_all(10)
    await second.read_all(10)
    site.idle[1].idle_since_s = 20.0
    now_s = 35.0

    assert site._sweeper is not None
    site._sweeper.cancel()
    site._sweep()

    assert len(site.idle) == 1
    assert site._sweeper is not None
    left_s = site._sweeper.when() - asyncio.get_running_loop().time()
    assert 14 < left_s <= 15.1


async def test_server_that_closes_an_idle_connection_is_noticed(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_serve_on)
    pool = open_pool()
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    server.peers[0].close()
    await until(lambda: not pool.stats().open)

    assert pool.stats().idle == 0
    assert (await pool.send(PAID, ask(server.origin))).status == 200


async def test_server_that_speaks_unasked_loses_its_connection(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_serve_on)
    pool = open_pool()
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    server.peers[0].answer(b"poison")
    await until(lambda: not pool.stats().open)

    reply = await pool.send(PAID, ask(server.origin))
    assert await reply.read_all(10) == b"{}"


async def test_many_paths_are_not_remembered_for_ever(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_serve_on)
    pool = open_pool()

    for number in range(200):
        await (await pool.send(PAID, ask(server.origin, path=f"/v1/models/{number}"))).read_all(10)

    assert len(pool._site(server.origin)._lines) <= 64
