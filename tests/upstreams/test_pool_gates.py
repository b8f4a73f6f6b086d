"""What a client must stand before it may sit behind the port (design.md §5)."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.core.error import UpstreamBroken, UpstreamUnreachable
from seawall.ports.upstream import UpstreamRequest
from seawall.testing.receipt import PAID
from seawall.upstreams.pool import Pool
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, Server, ServerTls, delay_s, until

CANCELS = 10_000
CALM = 7
SOON_S = 0.1
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("path", ["/silent", "/stream"])
async def test_cancelled_call_closes_the_provider_within_100_ms(
    serve: Serve, open_pool: OpenPool, ask: Ask, path: str
) -> None:
    async def hang(peer: Peer) -> None:
        if b"/stream" in await peer.request():
            peer.send(STREAM + b"5\r\nhello\r\n")
        else:
            begun.set()
        await peer.gone()
        closed.set()

    async def call() -> None:
        reply = await pool.send(PAID, ask(server.origin, path=path))
        try:
            while await reply.read():
                begun.set()
        finally:
            reply.abort()

    server = await serve(hang)
    pool = open_pool()
    delays_s = []
    for _ in range(3):  # a busy machine may be late once, and is not what is measured
        begun, closed = asyncio.Event(), asyncio.Event()
        running = asyncio.ensure_future(call())
        await begun.wait()

        delays_s.append(await delay_s(running.cancel, closed))

    assert min(delays_s) < SOON_S
    assert pool.stats().open == 0


async def test_reader_that_stalls_bounds_what_is_taken(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    total = 50 * 1024 * 1024
    taken = 0

    async def pour(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        sock = peer.writer.get_extra_info("socket")
        peer.writer.transport.set_write_buffer_limits(high=0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        while taken < total:
            peer.send(bytes(16 * 1024))
            await peer.writer.drain()
            taken += 16 * 1024
            poured.set()
        await peer.gone()

    poured = asyncio.Event()
    server = await serve(pour)
    pool = open_pool()
    reply = await pool.send(PAID, ask(server.origin))

    try:
        while True:  # until the server has found no room for a while
            poured.clear()
            async with asyncio.timeout(0.05):
                await poured.wait()
    except TimeoutError:
        stalled_at = taken
    size = 0
    while data := await reply.read():
        assert len(data) <= 128 * 1024
        size += len(data)

    assert stalled_at < 1024 * 1024  # both ends' socket buffers, and 128 KB of ours
    assert size == total


class Moody:
    """A server that answers in every way that happens, by chance, until it is told to be calm."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.is_calm = False

    async def __call__(self, peer: Peer) -> None:
        while await peer.request():
            match CALM if self.is_calm else self._chance.randrange(8):
                case 0:
                    peer.answer(b"", status="204 No Content", head=b"connection: close\r\n")
                    break
                case 1:
                    peer.reset()
                    break
                case 2:
                    peer.send(STREAM)
                    for _ in range(self._chance.randrange(4)):
                        peer.send(b"5\r\nhello\r\n")
                        await asyncio.sleep(0)
                    peer.send(b"0\r\n\r\n")
                case 3:
                    peer.send(STREAM + b"5\r\nhel")
                case _:
                    for _ in range(self._chance.randrange(3)):
                        await asyncio.sleep(0)
                    peer.answer(b"ok")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_ten_thousand_random_cancels_leak_nothing(serve: Serve, open_pool: OpenPool, ask: Ask, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a schedule, not a secret
    moody = Moody(chance)
    server = await serve(moody)
    pool = open_pool(UpstreamSettings(max_connections=20, max_waiting=100))

    reached = await storm(pool, lambda: ask(server.origin), CANCELS, chance)

    assert min(reached[point] for point in ("sending", "reading", "whole", "broken")) > 50, reached
    moody.is_calm = True
    await check_nothing_leaked(pool, server, ask)


@pytest.mark.slow
async def test_random_cancels_leak_nothing_over_tls(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    chance = random.Random(3)  # noqa: S311  # a schedule, not a secret
    moody = Moody(chance)
    server = await serve(moody, tls=server_tls("127.0.0.1"))
    pool = open_pool(UpstreamSettings(max_connections=20, max_waiting=100, ca_file=ca_file))

    reached = await storm(pool, lambda: ask(server.origin), CANCELS // 5, chance)

    assert min(reached[point] for point in ("sending", "reading", "whole", "broken")) > 10, reached
    moody.is_calm = True
    await check_nothing_leaked(pool, server, ask)


async def storm(pool: Pool, request: Callable[[], UpstreamRequest], count: int, chance: random.Random) -> Counter[str]:
    """Start calls and cancel every one of them at some point; give the points that they had reached."""
    reached: Counter[str] = Counter()

    async def call() -> None:
        point = "sending"
        try:
            reply = await pool.send(PAID, request())
            point = "reading"
            try:
                while await reply.read():
                    pass
                point = "whole"
            finally:
                reply.abort()
        except (UpstreamBroken, UpstreamUnreachable):
            point = "broken"
        finally:
            reached[point] += 1

    for _ in range(count // 50):
        calls = [asyncio.ensure_future(call()) for _ in range(50)]
        for one in calls:
            for _ in range(chance.choice((0, 0, 1, 3, 10))):
                await asyncio.sleep(0)
            one.cancel()
        await asyncio.wait(calls)
    return reached


async def check_nothing_leaked(pool: Pool, server: Server, ask: Ask) -> None:
    """Check that neither calls nor slots, tasks nor connections are left, and that what is left still works."""
    await until(lambda: asyncio.all_tasks() - {asyncio.current_task()} <= server._tasks)
    stats = pool.stats()
    assert stats.waiting == 0
    assert stats.open == stats.idle <= 20
    await until(lambda: server.running <= pool.stats().idle)
    for _ in range(20):
        assert await (await pool.send(PAID, ask(server.origin))).read_all(100) == b"ok"
    assert pool.stats().open <= 20


async def test_closing_lets_running_answers_finish(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def stream(peer: Peer) -> None:
        await peer.request()
        peer.send(STREAM + b"5\r\nhello\r\n")
        await closed.wait()
        peer.send(b"6\r\n world\r\n0\r\n\r\n")
        await peer.gone()
        seen.set()

    closed, seen = asyncio.Event(), asyncio.Event()
    server = await serve(stream)
    pool = open_pool()
    running = await pool.send(PAID, ask(server.origin))
    late = asyncio.ensure_future(pool.send(PAID, ask(server.origin)))
    await until(lambda: len(server.peers) == 2)

    await pool.aclose()
    closed.set()

    assert await running.read_all(100) == b"hello world"
    assert await (await late).read_all(100) == b"hello world"
    await seen.wait()
    assert pool.stats().open == 0


async def test_closing_serves_whoever_waits_already(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def slow(peer: Peer) -> None:
        while await peer.request():
            await closed.wait()
            peer.answer()

    closed = asyncio.Event()
    server = await serve(slow)
    pool = open_pool(UpstreamSettings(max_connections=1))
    calls = [asyncio.ensure_future(pool.send(PAID, ask(server.origin))) for _ in range(3)]
    await until(lambda: pool.stats().waiting == 2)

    await pool.aclose()
    closed.set()

    for call in calls:
        assert await (await call).read_all(10) == b"{}"
    assert pool.stats().open == 0


async def test_closing_closes_idle_connections(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def answer(peer: Peer) -> None:
        while await peer.request():
            peer.answer()
        gone.set()

    gone = asyncio.Event()
    server = await serve(answer)
    pool = open_pool()
    await (await pool.send(PAID, ask(server.origin))).read_all(10)

    await pool.aclose()

    await gone.wait()
    assert pool.stats().open == 0
