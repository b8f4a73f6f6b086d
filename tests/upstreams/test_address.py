import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamUnreachable
from seawall.core.target import Origin
from seawall.testing.receipt import PAID
from seawall.upstreams.address import Address, Resolve, interleaved, open_socket, resolve
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, until

V4, V6 = socket.AF_INET, socket.AF_INET6


def _at(*hosts: str) -> Resolve:
    async def fixed(host: str, port: int) -> Sequence[Address]:
        del host
        return [Address(V4, (address, port)) for address in hosts]

    return fixed


async def _answer(peer: Peer) -> None:
    while await peer.request():
        peer.answer()


async def test_next_address_is_tried_when_one_refuses(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    server = await serve(_answer, host="127.0.0.3")
    pool = open_pool(resolve=_at("127.0.0.1", "127.0.0.2", "127.0.0.3"))

    reply = await pool.send(PAID, ask(Origin("http", "provider.test", server.port)))

    assert reply.status == 200
    assert len(server.peers) == 1


async def test_every_reason_is_told_when_all_refuse(open_pool: OpenPool, ask: Ask, unused_tcp_port: int) -> None:
    pool = open_pool(resolve=_at("127.0.0.1", "127.0.0.2"))

    with pytest.raises(UpstreamUnreachable, match=r"provider\.test.*127\.0\.0\.1.*127\.0\.0\.2"):
        await pool.send(PAID, ask(Origin("http", "provider.test", unused_tcp_port)))

    assert pool.stats().open == 0


async def test_name_without_an_address_is_unreachable(open_pool: OpenPool, ask: Ask) -> None:
    with pytest.raises(UpstreamUnreachable, match="no address"):
        await open_pool(resolve=_at()).send(PAID, ask(Origin("http", "provider.test", 80)))


async def test_silent_address_does_not_hold_up_the_next(serve: Serve) -> None:
    server = await serve(_answer)
    with _silent() as silent:
        sock = await open_socket([silent, Address(V4, ("127.0.0.1", server.port))], stagger_s=0.005)

        assert sock.getpeername() == ("127.0.0.1", server.port)
        sock.close()


async def test_cancelled_race_leaves_no_socket_and_no_task() -> None:
    with _silent() as silent:
        before = asyncio.all_tasks()
        racing = asyncio.ensure_future(open_socket([silent] * 3, stagger_s=0.001))
        await until(lambda: len(asyncio.all_tasks() - before) >= 4)

        racing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await racing

        await until(
            lambda: not asyncio.all_tasks() - before
        )  # an unclosed socket would be a warning, and a warning an error


async def test_both_winning_leaves_one_socket(serve: Serve) -> None:
    server = await serve(_answer)
    address = Address(V4, ("127.0.0.1", server.port))

    sock = await open_socket([address, address, address], stagger_s=0.0)
    sock.close()

    await until(lambda: not server.running)


async def test_numeric_addresses_need_no_thread() -> None:
    assert [address.sockaddr[0] for address in await resolve("127.0.0.1", 80)] == ["127.0.0.1"]
    assert [address.family for address in await resolve("::1", 80)] == [V6]


async def test_names_are_asked_of_the_system() -> None:
    assert {address.sockaddr[0] for address in await resolve("localhost", 80)} <= {"127.0.0.1", "::1"}


async def test_sockets_are_probed_while_nothing_travels(serve: Serve) -> None:
    server = await serve(_answer)

    with await open_socket([Address(V4, ("127.0.0.1", server.port))]) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@given(families=st.lists(st.sampled_from([V4, V6]), max_size=12))
def test_families_take_turns_and_lose_nobody(families: list[int]) -> None:
    addresses = [Address(family, (number,)) for number, family in enumerate(families)]

    mixed = interleaved(addresses)

    assert sorted(a.sockaddr for a in mixed) == sorted(a.sockaddr for a in addresses)
    for family in (V4, V6):
        assert [a for a in mixed if a.family == family] == [a for a in addresses if a.family == family]
    fewer = min(families.count(V4), families.count(V6))
    assert all(a.family != b.family for a, b in pairwise(mixed[: 2 * fewer]))
    assert mixed[:1] == addresses[:1]


@contextlib.contextmanager
def _silent() -> Iterator[Address]:
    """Listen with a full queue: packets to it are dropped, as by a firewall."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Address(V4, listener.getsockname())
