"""Many calls at the same time from one event loop, each over a connection of its own."""

import asyncio
import contextlib
import time
from collections.abc import Iterable

from tests.e2e.process.wire import LAST_CHUNK, Answer, request_bytes


async def ask(port: int, path: str, body: bytes, **headers: str) -> Answer:
    """Make a call, and read its answer, a stream to its last byte.

    Raises:
        EOFError: the answer was cut.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request_bytes(path, body, connection="close", **headers))
        return _answer(await reader.read(-1))
    finally:
        writer.close()


async def ask_all(calls: Iterable[tuple[int, str, bytes, dict[str, str]]]) -> list[Answer]:
    """Make many calls at once."""
    return await asyncio.gather(*[ask(port, path, body, **headers) for port, path, body, headers in calls])


async def ask_timed(port: int, path: str, body: bytes, **headers: str) -> tuple[Answer, float, float]:
    """Make a call, and give its answer with the monotonic times at which it was sent and had come back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sent_s = time.monotonic()
        writer.write(request_bytes(path, body, connection="close", **headers))
        wire = await reader.read(-1)
        return _answer(wire), sent_s, time.monotonic()
    finally:
        with contextlib.suppress(ConnectionError):
            writer.close()


def _answer(wire: bytes) -> Answer:
    head, _, body = wire.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    if not head.startswith(b"HTTP/1.1 "):
        raise EOFError(f"no answer: {wire[:100]!r}")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if fields.get("transfer-encoding") == "chunked":
        if not body.endswith(LAST_CHUNK):
            raise EOFError("the stream was cut")
        body = _joined(body)
    elif len(body) != int(fields["content-length"]):
        raise EOFError("the answer was cut")
    return Answer(int(status_line.split()[1]), fields, body)


def _joined(chunks: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while True:
        end = chunks.index(b"\r\n", at)
        size = int(chunks[at:end], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(chunks[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
