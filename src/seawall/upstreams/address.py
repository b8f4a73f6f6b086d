"""From a name to a connected socket."""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Final

STAGGER_S: Final = 0.25  # RFC 8305 §5, Connection Attempt Delay

# Answers may take minutes, in which nothing travels; probes keep NAT tables and firewalls from forgetting us, and find
# a peer that is gone within some two minutes.
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 60),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 20),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_NODELAY", 1),
)


@dataclass(frozen=True, slots=True)
class Address:
    """One place where a server may listen, as the socket module has it."""

    family: int
    sockaddr: tuple[Any, ...]  # its form depends on the family


Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system for a host's addresses, in its order of preference (RFC 6724).

    Raises:
        OSError: nobody knows the name, or no server answered.
        UnicodeError: the name cannot be written in DNS.
    """
    try:  # a numeric address needs no thread
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family, sockaddr) for family, _, _, _, sockaddr in found]


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Alternate between address families, the preferred one first, without changing the order within (RFC 8305 §4)."""
    families = dict.fromkeys(address.family for address in addresses)
    lanes = [[address for address in addresses if address.family == family] for family in families]
    return [address for address in chain.from_iterable(zip_longest(*lanes)) if address is not None]


async def open_socket(addresses: Sequence[Address], stagger_s: float = STAGGER_S) -> socket.socket:
    """Connect to the first address that answers; the next is tried when one fails or is silent for `stagger_s`.

    Cancelling it closes what was opened.

    Raises:
        OSError: no address took the connection; the message names every reason.
    """
    if len(addresses) == 1:
        return await _connected(addresses[0])
    loop = asyncio.get_running_loop()
    left = deque(interleaved(addresses))
    attempts: set[asyncio.Task[socket.socket]] = set()
    failures: list[OSError] = []
    try:
        while left or attempts:
            if left:
                attempts.add(loop.create_task(_connected(left.popleft())))
            done, _ = await asyncio.wait(
                attempts, timeout=stagger_s if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                attempts.discard(task)
                failure = task.exception()
                if failure is None:
                    attempts |= done - {task}  # whoever came in second is closed below
                    return task.result()
                if not isinstance(failure, OSError):
                    raise failure
                failures.append(failure)
    finally:
        for task in attempts:
            task.add_done_callback(_close)
            task.cancel()
    raise OSError("; ".join(dict.fromkeys(map(str, failures))) or "the name has no address")


def _close(task: asyncio.Task[socket.socket]) -> None:
    """Close the socket of an attempt that nobody needs any more."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connected(address: Address) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        for level, name, value in _KEEPALIVE:
            if (option := getattr(socket, name, None)) is not None:
                sock.setsockopt(level, option, value)
        await asyncio.get_running_loop().sock_connect(sock, address.sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock
