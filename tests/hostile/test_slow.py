"""Clients that are slow, silent or never read, and good ones beside them (T5)."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

import pytest

from tests.hostile.request import ANTHROPIC_PATH, Shape, good_body, good_fields, spoken
from tests.hostile.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("hostile slow")]

HEAD_S: Final = 10.0  # seawall.gateway.connection.HEAD_S, and the body's in gateway.app
BODY_S: Final = 30.0
LATE_S: Final = 4.0  # the sweep looks once a second, and the machine is shared
QUICK_S: Final = 1.0  # the total of the route /ai/quick
SILENT: Final = 200
DEAF: Final = 3
LONG: Final = 60_000  # tokens; more than the buffers of two sockets hold
LONG_S: Final = 12.0  # the total of the route /ai/long; a busy machine takes seconds until so long an answer begins
MAY_GROW_KB: Final = 8 * 1024


class Client(NamedTuple):
    """What a slow client does, and within how many seconds the gateway has to end it with which status, if any."""

    name: str
    act: Callable[[asyncio.StreamWriter], Awaitable[None]]
    within_s: float
    status: bytes = b""


async def _drip(writer: asyncio.StreamWriter, data: bytes, every_s: float = 0.25, size: int = 1) -> None:
    for i in range(0, len(data), size):
        writer.write(data[i : i + size])
        await writer.drain()
        await asyncio.sleep(every_s)


def _says(*data: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def act(writer: asyncio.StreamWriter) -> None:
        for piece in data:
            writer.write(piece)
            await writer.drain()

    return act


def _drips(
    first: bytes, rest: bytes, every_s: float = 0.25, size: int = 1
) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def act(writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await _drip(writer, rest, every_s, size)

    return act


def _clients(key: str) -> list[Client]:
    body = good_body()
    head = Shape(key).head(body)
    coded = Shape(key, length=b"Transfer-Encoding: chunked\r\n").head()
    quick = Shape(key, target=b"/ai/quick/v1/messages").head(body)
    good = Shape(key).request(body)
    lines = b"".join(b"X-%d: a\r\n" % i for i in range(120))
    return [
        Client("says nothing", _says(), HEAD_S),
        Client("stops in the first line", _says(b"POST /ai"), HEAD_S),
        Client("stops in a field", _says(head[:40]), HEAD_S),
        Client("drips the first line", _drips(b"", head), HEAD_S),
        Client("drips fields", _drips(head[:40], lines, 1.0, 8), HEAD_S),
        Client("drips empty lines", _drips(b"", b"\r\n" * 200, 0.5, 2), HEAD_S),
        Client("stops in its second request", _says(good, head[:40]), HEAD_S, b" 200 "),
        Client("stops before the body", _says(head), BODY_S, b" 400 "),
        Client("stops in the body", _says(head, body[:-1]), BODY_S, b" 400 "),
        Client("drips the body", _drips(head, body, 1.0), BODY_S, b" 400 "),
        Client("waits to be told to go on", _says(head[:-2] + b"Expect: 100-continue\r\n\r\n"), BODY_S, b" 100 "),
        Client("drips chunks", _drips(coded, b"1\r\n \r\n" * 50, 1.0, 6), BODY_S, b" 400 "),
        Client("drips an extension", _drips(coded, b"5;" + b"a" * 200), BODY_S, b" 400 "),
        Client("drips a trailer", _drips(coded, b"2\r\n{}\r\n0\r\nX: " + b"a" * 200), BODY_S, b" 400 "),
        Client("drips the body of a quick route", _drips(quick, body), QUICK_S, b" 504 "),
        Client("drips what nobody wants", _drips(Shape("").head(body), body), LATE_S, b" 401 "),
    ]


async def _end(port: int, client: Client) -> str:
    """Say how a client was not ended as it should have been; empty for one that was."""
    began_s = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    act = asyncio.ensure_future(client.act(writer))
    heard = b""
    try:
        async with asyncio.timeout(client.within_s + LATE_S):
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(65536):
                    heard += piece
    except TimeoutError:
        return f"{client.name}: still open after {client.within_s + LATE_S} s"
    finally:
        act.cancel()
        await asyncio.gather(act, return_exceptions=True)
        writer.close()
    took_s = time.monotonic() - began_s
    if client.status not in heard.partition(b"\r\n")[0] or bool(heard) is not bool(client.status):
        return f"{client.name}: heard {heard[:80]!r}"
    return "" if took_s > client.within_s / 2 or client.status else f"{client.name}: ended after {took_s:.1f} s"


@contextlib.asynccontextmanager
async def _good_calls(stage: Stage) -> AsyncIterator[list[float]]:
    """Make a good call every few milliseconds in the meantime; give how long each took."""
    times_s: list[float] = []
    loop = asyncio.get_running_loop()

    async def go_on() -> None:
        while True:
            heard = await loop.run_in_executor(None, stage.call)
            assert heard.answers[0].status == 200
            times_s.append(heard.took_s)
            await asyncio.sleep(0.02)

    task = asyncio.ensure_future(go_on())
    try:
        yield times_s
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(120)
async def test_slow_clients_are_ended_in_time_and_good_ones_do_not_notice(stage: Stage) -> None:
    port, clients = stage.gateway.port, _clients(stage.key)
    crowd = [clients[i % 2] for i in range(SILENT)]

    async with _good_calls(stage) as times_s:
        faults = await asyncio.gather(*(_end(port, client) for client in [*clients, *crowd]))

    assert [fault for fault in faults if fault] == []
    assert len(times_s) > 30
    assert sorted(times_s)[len(times_s) * 9 // 10] < 0.5
    assert stage.log_complaints() == []


async def test_clients_that_never_read_cost_no_memory_and_get_no_whole_answer(stage: Stage) -> None:
    body = spoken({**good_fields(ANTHROPIC_PATH, stream=True), "max_tokens": LONG})
    shape = Shape(stage.key, target=b"/ai/long/v1/messages", extra=b"Connection: close\r\n")
    stage.provider.set(output_tokens=LONG, tokens_per_event=1)
    try:
        before_kb = stage.gateway.process.memory_kb()
        heard = await asyncio.gather(*(_heard_late(stage.gateway.port, shape.request(body)) for _ in range(DEAF)))
        grown_kb = stage.gateway.process.memory_kb() - before_kb
    finally:
        stage.provider.reset()

    assert [len(each) for each in heard if each.endswith(b"0\r\n\r\n") or b"event: message_stop" in each] == []
    assert [len(each) for each in heard if b" 200 OK" not in each] == []
    assert grown_kb < MAY_GROW_KB
    assert stage.log_complaints() == []


async def _heard_late(port: int, request: bytes) -> bytes:
    """Send a request, read nothing until its route's total is over, then all there is."""
    loop, heard = asyncio.get_running_loop(), b""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", port))
        await loop.sock_sendall(line, request)
        await asyncio.sleep(LONG_S + 0.5)
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(loop.sock_recv(line, 65536), LATE_S):
                heard += piece
    return heard
