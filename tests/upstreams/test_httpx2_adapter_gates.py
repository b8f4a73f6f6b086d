"""The gates of design.md §5 for the adapter."""

import asyncio
import contextlib
import random
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import pytest

from seawall.core.error import SeawallError, UpstreamUnreachable
from seawall.testing.receipt import PAID
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenAdapter, Peer, Serve, ServerTls, delay_s, until

SOON_S = 0.1
CANCELS = 500


async def _echo(peer: Peer) -> None:
    while request := await peer.request():
        peer.answer(request)


@pytest.mark.parametrize("path", ["/silent", "/stream"])
async def test_cancelled_call_closes_the_provider_within_100_ms(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask, path: str
) -> None:
    async def hang(peer: Peer) -> None:
        if b"/stream" in await peer.request():
            peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        asked.set()
        await peer.gone()
        closed.set()

    async def call() -> None:
        reply = await adapter.send(PAID, ask(server.origin, path=path))
        try:
            await reply.read_all(100)
        finally:
            reply.abort()

    server = await serve(hang)
    adapter = open_adapter()
    delays_s = []
    for _ in range(3):  # a busy machine may be late once, and is not what is measured
        asked, closed = asyncio.Event(), asyncio.Event()
        running = asyncio.ensure_future(call())
        await asked.wait()

        delays_s.append(await delay_s(running.cancel, closed))

    assert min(delays_s) < SOON_S


async def test_reader_that_stalls_bounds_what_is_taken(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    total, taken = 20 * 1024 * 1024, 0

    async def pour(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % total)
        peer.writer.transport.set_write_buffer_limits(high=0)
        while taken < total:
            peer.send(bytes(16 * 1024))
            await peer.writer.drain()
            taken += 16 * 1024
            poured.set()

    poured = asyncio.Event()
    server = await serve(pour)
    reply = await open_adapter().send(PAID, ask(server.origin))
    await reply.read()
    with contextlib.suppress(TimeoutError):
        while True:  # until the server has found no room for a while
            poured.clear()
            await asyncio.wait_for(poured.wait(), 0.05)

    stalled_at = taken
    reply.abort()

    assert stalled_at < 4 * 1024 * 1024  # the sender's buffer is the kernel's choice here


@pytest.mark.slow
async def test_random_cancels_leak_nothing(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    chance = random.Random(3)  # noqa: S311  # a schedule, not a secret
    server = await serve(_echo)
    adapter = open_adapter(UpstreamSettings(max_connections=10))

    async def call() -> None:
        reply = await adapter.send(PAID, ask(server.origin))
        try:
            await reply.read_all(1000)
        finally:
            reply.abort()

    for _ in range(CANCELS // 25):
        calls = [asyncio.ensure_future(call()) for _ in range(25)]
        for one in calls:
            for _ in range(chance.choice((0, 0, 1, 3, 20))):
                await asyncio.sleep(0)
            one.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(o is None or isinstance(o, asyncio.CancelledError | SeawallError) for o in outcomes)

    lane = adapter._lanes[server.origin]
    await until(lambda: not adapter._tasks)
    assert (lane.waiting, lane.slots._value) == (0, 10)
    await until(lambda: server.running == len(lane.idle))
    await call()


async def test_closing_lets_a_running_answer_finish(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def two_kinds(peer: Peer) -> None:
        while request := await peer.request():
            if b"/slow" in request:
                peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
                await closed.wait()
                peer.send(b"world")
            else:
                peer.answer()

    closed = asyncio.Event()
    server = await serve(two_kinds)
    adapter = open_adapter()
    running = await adapter.send(PAID, ask(server.origin, path="/slow"))
    await (await adapter.send(PAID, ask(server.origin, path="/quick"))).read_all(10)

    await adapter.aclose()
    await until(lambda: server.running == 1)
    with pytest.raises(UpstreamUnreachable, match="no new requests"):
        await adapter.send(PAID, ask(server.origin))
    closed.set()

    assert await running.read_all(10) == b"helloworld"
    await until(lambda: server.running == 0)


async def _http2(peer: Peer) -> None:
    """Speak HTTP/2: echo the body, or begin a stream and never end it."""
    state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    state.initiate_connection()
    peer.send(state.data_to_send())
    paths: dict[int, bytes] = {}
    while data := await peer._reader.read(65536):
        for event in state.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                paths[event.stream_id] = dict(event.headers)[b":path"]
            elif isinstance(event, h2.events.StreamEnded):
                state.send_headers(event.stream_id, [(":status", "200"), ("x-seen", "2")])
                is_endless = paths[event.stream_id] == b"/stream"
                state.send_data(event.stream_id, b"two", end_stream=not is_endless)
        peer.send(state.data_to_send())


async def test_http2_is_spoken_where_it_is_asked_for(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    tls = server_tls("127.0.0.1")
    tls.set_alpn_protocols(["h2"])
    server = await serve(_http2, tls=tls)
    adapter = open_adapter(UpstreamSettings(ca_file=ca_file, http2=True))

    for _ in range(3):
        reply = await adapter.send(PAID, ask(server.origin))
        assert (reply.status, reply.headers) == (200, [(b"x-seen", b"2")])
        assert await reply.read_all(10) == b"two"

    assert len(server.peers) == 1


async def test_aborted_http2_answer_reaches_the_provider_and_no_other_answer(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    tls = server_tls("127.0.0.1")
    tls.set_alpn_protocols(["h2"])
    server = await serve(_http2, tls=tls)
    adapter = open_adapter(UpstreamSettings(ca_file=ca_file, http2=True))
    kept, given_up = [await adapter.send(PAID, ask(server.origin, path="/stream")) for _ in range(2)]
    assert await given_up.read() == b"two"

    given_up.abort()
    await until(lambda: server.running == 1)

    assert await kept.read() == b"two"
    kept.abort()
