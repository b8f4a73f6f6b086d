"""From the SDK's request to ours, and from our answer to the SDK's."""

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

import httpx2

from seawall.client.run import Answer, Ask, BrokenStreamError, LeftError, Run

T = TypeVar("T")
_STATUS: Final = slice(len(b"HTTP/1.1 "), len(b"HTTP/1.1 200"))


def ask_of(request: httpx2.Request, content: bytes) -> Ask:
    """Read a request; fields that stand twice are joined by commas (RFC 9110 §5.3). Its host means nothing here."""
    headers: dict[bytes, bytes] = {}
    for raw_name, value in request.headers.raw:
        name = raw_name.lower()
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value
    return Ask(request.method, request.url.raw_path, headers, content)


def response_of(answer: Answer, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream) -> httpx2.Response:
    """Make the response that an HTTP client would have read; `stream` gives the body where it comes in pieces."""
    first, *lines = answer.head.removesuffix(b"\r\n").split(b"\r\n")
    fields = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
    if answer.body is not None:
        fields.append((b"content-length", b"%d" % len(answer.body)))
        stream = httpx2.ByteStream(answer.body)
    return httpx2.Response(int(first[_STATUS]), headers=fields, stream=stream)


def read_timeout_s(request: httpx2.Request) -> float | None:
    """Give the caller's own limit on waiting for the next bytes; None leaves it to the route's timeouts."""
    limits: dict[str, Any] = request.extensions.get("timeout", {})  # numbers or None, by the names of httpx2.Timeout
    read_s: float | None = limits.get("read")
    return read_s


async def awaited(waiting: Awaitable[T], run: Run, timeout_s: float | None) -> T:
    """Wait for something of a run, and give the run up if that takes longer than the caller allows.

    Raises:
        httpx2.ReadTimeout: the caller's own limit passed.
        httpx2.RemoteProtocolError: the stream broke.
        httpx2.ReadError: the client was closed meanwhile.
    """
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await waiting
    except BrokenStreamError as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
    except LeftError as error:
        raise httpx2.ReadError(str(error)) from error
    except TimeoutError:
        if not limit.expired():
            raise
        await run.leave()
        raise httpx2.ReadTimeout(f"nothing came for the {timeout_s} s that the caller allows") from None
