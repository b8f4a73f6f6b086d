import asyncio
import base64
import gzip
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from seawall.core.error import (
    PolicyError,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from seawall.core.target import Origin, Timeouts
from seawall.testing.receipt import PAID
from seawall.upstreams.httpx2_adapter import Httpx2Upstream
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, OpenAdapter, Peer, Serve, Server, ServerTls, until


async def _echo(peer: Peer) -> None:
    while request := await peer.request():
        peer.answer(request, head=b"X-Seen: 1\r\nset-cookie: tenant=a\r\n")


def _tunnel_to(target: Callable[[], Server], heads: list[bytes]) -> Callable[[Peer], Coroutine[Any, Any, None]]:
    async def proxy(peer: Peer) -> None:
        heads.append(await peer.request())
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await peer.relay(target().port)

    return proxy


async def test_request_goes_through_a_tunnel_and_the_provider_is_verified_behind_it(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    heads: list[bytes] = []
    provider = await serve(_echo, tls=server_tls("api.provider.test"))
    proxy = await serve(_tunnel_to(lambda: provider, heads))
    adapter = open_adapter(UpstreamSettings(ca_file=ca_file), f"http://mara:hunter2@127.0.0.1:{proxy.port}")

    for _ in range(3):
        reply = await adapter.send(PAID, ask(Origin("https", "api.provider.test", 443)))
        body = await reply.read_all(1000)

    assert reply.status == 200
    assert (b"x-seen", b"1") in reply.headers
    assert body == (
        b"POST /v1/messages HTTP/1.1\r\nHost: api.provider.test\r\nx-api-key: secret\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert len(heads) == 1
    assert heads[0].startswith(b"CONNECT api.provider.test:443 HTTP/1.1\r\n")
    assert base64.b64encode(b"mara:hunter2") in heads[0]
    assert b"secret" not in heads[0]


async def test_provider_behind_a_tunnel_cannot_be_somebody_else(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    heads: list[bytes] = []
    provider = await serve(_echo, tls=server_tls("other.test"))
    proxy = await serve(_tunnel_to(lambda: provider, heads))
    adapter = open_adapter(UpstreamSettings(ca_file=ca_file), f"http://127.0.0.1:{proxy.port}")

    with pytest.raises(UpstreamUnreachable, match="Hostname mismatch") as caught:
        await adapter.send(PAID, ask(Origin("https", "api.provider.test", 443)))

    assert not caught.value.dispatched


async def test_plain_request_goes_to_the_proxy_with_its_whole_address(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask
) -> None:
    proxy = await serve(_echo)
    adapter = open_adapter(proxy=f"http://127.0.0.1:{proxy.port}")

    reply = await adapter.send(PAID, ask(Origin("http", "provider.test", 8080), path="/v1/x?a=b%20c"))

    assert (await reply.read_all(1000)).startswith(b"POST http://provider.test:8080/v1/x?a=b%20c HTTP/1.1\r\n")


async def test_proxy_that_refuses_is_unreachable(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.request()
        peer.answer(status="407 Proxy Authentication Required")

    proxy = await serve(refuse)
    adapter = open_adapter(proxy=f"http://mara:hunter2@127.0.0.1:{proxy.port}")

    with pytest.raises(UpstreamUnreachable, match="407") as caught:
        await adapter.send(PAID, ask(Origin("https", "api.provider.test", 443)))

    assert not caught.value.dispatched
    assert "hunter2" not in str(caught.value)


async def test_proxy_that_is_silent_counts_towards_the_connect_timeout(
    serve: Serve, open_adapter: OpenAdapter, ask: Ask
) -> None:
    proxy = await serve(Peer.gone)
    adapter = open_adapter(proxy=f"http://127.0.0.1:{proxy.port}")
    timeouts = Timeouts(total_s=20, connect_s=0.02, first_token_s=20, idle_s=20)

    with pytest.raises(UpstreamTimeout) as caught:
        await adapter.send(PAID, ask(Origin("https", "api.provider.test", 443), timeouts=timeouts))

    assert not caught.value.dispatched


async def test_slow_answer_is_no_slow_connection(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def slow(peer: Peer) -> None:
        await peer.request()
        asyncio.get_running_loop().call_later(0.05, connect_timeout_is_over.set)
        await connect_timeout_is_over.wait()
        peer.answer()

    connect_timeout_is_over = asyncio.Event()
    server = await serve(slow)
    timeouts = Timeouts(total_s=20, connect_s=0.04, first_token_s=20, idle_s=20)

    reply = await open_adapter().send(PAID, ask(server.origin, timeouts=timeouts))

    assert reply.status == 200
    await reply.read_all(10)


async def test_connection_is_used_again_and_cookies_are_not(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    server = await serve(_echo)
    adapter = open_adapter()

    for _ in range(3):
        body = await (await adapter.send(PAID, ask(server.origin))).read_all(1000)
        assert b"cookie" not in body.lower()

    assert len(server.peers) == 1


async def test_redirects_are_answers_and_not_followed(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def away(peer: Peer) -> None:
        await peer.request()
        peer.answer(status="302 Found", head=b"location: http://169.254.169.254/\r\n")
        await peer.gone()

    server = await serve(away)

    reply = await open_adapter().send(PAID, ask(server.origin))

    assert reply.status == 302
    await reply.read_all(10)


async def test_nobody_listens(open_adapter: OpenAdapter, ask: Ask, unused_tcp_port: int) -> None:
    with pytest.raises(UpstreamUnreachable) as caught:
        await open_adapter().send(PAID, ask(Origin("http", "127.0.0.1", unused_tcp_port)))

    assert not caught.value.dispatched


async def test_server_that_closes_unanswered_has_broken(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def leave(peer: Peer) -> None:
        await peer.request()

    server = await serve(leave)

    with pytest.raises(UpstreamBroken) as caught:
        await open_adapter().send(PAID, ask(server.origin))

    assert caught.value.dispatched


async def test_body_cut_off_is_broken_after_what_came(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def cut(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")

    server = await serve(cut)
    reply = await open_adapter().send(PAID, ask(server.origin))

    assert await reply.read() == b"hello"
    for _ in range(2):
        with pytest.raises(UpstreamBroken, match="broke"):
            await reply.read()


async def test_compressed_body_is_decoded_within_limits(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def squeeze(peer: Peer) -> None:
        while request := await peer.request():
            text = b"squeezed" if b"/small" in request else bytes(30_000_000)
            peer.answer(gzip.compress(text), head=b"content-encoding: gzip\r\n")

    server = await serve(squeeze)
    adapter = open_adapter()

    small = await adapter.send(PAID, ask(server.origin, path="/small"))
    assert await small.read_all(100) == b"squeezed"
    assert b"content-encoding" not in dict(small.headers)
    bomb = await adapter.send(PAID, ask(server.origin, path="/bomb"))
    with pytest.raises(UpstreamBroken, match="grew"):
        await bomb.read_all(100_000_000)


async def test_unknown_coding_is_broken(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def brotli(peer: Peer) -> None:
        await peer.request()
        peer.answer(head=b"content-encoding: br\r\n")
        await peer.gone()

    server = await serve(brotli)

    with pytest.raises(UpstreamBroken, match="br"):
        await open_adapter().send(PAID, ask(server.origin))


async def test_answer_longer_than_the_limit_is_refused(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    server = await serve(_echo)
    reply = await open_adapter().send(PAID, ask(server.origin))

    with pytest.raises(UpstreamBroken, match="longer than 10 bytes"):
        await reply.read_all(10)


async def test_cancelled_read_loses_nothing(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    async def in_parts(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")
        for _ in range(10):
            await more.acquire()
            peer.send(b"x")
        await peer.gone()

    more = asyncio.Semaphore(0)
    server = await serve(in_parts)
    reply = await open_adapter().send(PAID, ask(server.origin))
    body = b""

    for number in range(10):
        reading = asyncio.ensure_future(reply.read())
        for _ in range(number):
            await asyncio.sleep(0)
        reading.cancel()
        more.release()
        body += next((r for r in await asyncio.gather(reading, return_exceptions=True) if isinstance(r, bytes)), b"")
    while data := await reply.read():
        body += data

    assert body == b"x" * 10


async def test_full_queue_refuses(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    server = await serve(Peer.gone)
    adapter = open_adapter(UpstreamSettings(max_connections=1, max_waiting=1))
    calls = [asyncio.ensure_future(adapter.send(PAID, ask(server.origin))) for _ in range(2)]
    await until(lambda: len(server.peers) == 1 and adapter._lanes[server.origin].waiting == 1)

    with pytest.raises(UpstreamUnreachable, match="1 calls wait"):
        await adapter.send(PAID, ask(server.origin))

    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_old_idle_connections_are_not_used(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    server = await serve(_echo)
    adapter = open_adapter(UpstreamSettings(idle_s=30))
    for reply in [await adapter.send(PAID, ask(server.origin)) for _ in range(2)]:
        await reply.read_all(1000)
    lane = adapter._lanes[server.origin]
    for line in lane.idle:
        line.idle_since_s -= 31

    await (await adapter.send(PAID, ask(server.origin))).read_all(1000)

    assert len(server.peers) == 3
    assert len(lane.idle) == 1


async def test_idle_connections_go_one_by_one_as_they_age(serve: Serve, open_adapter: OpenAdapter, ask: Ask) -> None:
    server = await serve(_echo)
    adapter = open_adapter(UpstreamSettings(idle_s=30))
    for reply in [await adapter.send(PAID, ask(server.origin)) for _ in range(2)]:
        await reply.read_all(1000)
    lane = adapter._lanes[server.origin]
    lane.idle[0].idle_since_s -= 31

    await (await adapter.send(PAID, ask(server.origin))).read_all(1000)

    assert len(lane.idle) == 1
    await until(lambda: server.running == 1)


def test_missing_extra_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", None)

    with pytest.raises(PolicyError, match=r"seawall\[http2\]"):
        Httpx2Upstream(UpstreamSettings(http2=True))


def test_missing_socks_package_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)

    with pytest.raises(PolicyError, match="socksio"):
        Httpx2Upstream(UpstreamSettings(), "socks5://127.0.0.1:1080")


async def test_request_line_cannot_be_broken(open_adapter: OpenAdapter, ask: Ask) -> None:
    with pytest.raises(ValueError, match="request line"):
        await open_adapter().send(PAID, ask(Origin("http", "127.0.0.1", 9), path="/a b"))
