"""The upstream port over httpx2, for proxies and HTTP/2.

It costs many times what our own pool does, and is used only where that one cannot go. httpx2's transport is used
without its client, which would follow redirects, keep cookies from one caller's answer for the next one's request, and
read the environment.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

import httpx2

from seawall.core.error import PolicyError, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from seawall.core.receipt import Receipt
from seawall.core.target import Origin
from seawall.ports.upstream import UpstreamRequest
from seawall.upstreams.decoding import Inflater, UndecodableError
from seawall.upstreams.request_line import checked_line
from seawall.upstreams.settings import UpstreamSettings
from seawall.upstreams.tls import tls_context

CLOSE_S: Final = 5.0
_NO_TIMEOUTS: Final = {"connect": None, "read": None, "write": None, "pool": None}  # the caller cancels


@dataclass(slots=True, eq=False)
class Line:
    """One transport of the library with at most one request on it, so that closing it hurts nobody else.

    Left to itself the library puts many streams on one HTTP/2 connection and never resets one that was given up: the
    provider would go on writing, and billing.
    """

    transport: httpx2.AsyncHTTPTransport
    lane: "Lane"
    idle_since_s: float = 0.0


@dataclass(slots=True, eq=False)
class Lane:
    """One origin's slots, the calls that wait for one, and its idle lines, the last used at the end."""

    slots: asyncio.Semaphore
    waiting: int = 0
    idle: list[Line] = field(default_factory=list)


class Httpx2Upstream:
    """Send requests through one proxy, or by HTTP/2; `proxy` None connects directly.

    Raises:
        PolicyError: a file of the settings cannot be used, or a package that is needed is not installed.
    """

    def __init__(self, settings: UpstreamSettings, proxy: str | None = None) -> None:
        if settings.http2 and find_spec("h2") is None:  # the library would only notice at the first answer
            raise PolicyError("HTTP/2 needs the extra http2, which is not installed: pip install 'seawall[http2]'")
        self._settings = settings
        self._tls = tls_context(settings, ("h2", "http/1.1") if settings.http2 else ("http/1.1",))
        # The library sets the protocols to offer on the context that it uses, so the proxy has one of its own.
        is_secure = proxy is not None and proxy.startswith("https:")
        self._proxy = (
            None if proxy is None else httpx2.Proxy(proxy, ssl_context=tls_context(settings) if is_secure else None)
        )
        self._lanes: dict[Origin, Lane] = {}
        self._is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            self._transport()
        except ImportError as error:
            raise PolicyError("a SOCKS proxy needs the package socksio, which is not installed") from error

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> "Httpx2Answer":
        """Send one request and wait for the answer's headers; see the port.

        Raises:
            ValueError: method or path cannot stand in a request line.
        """
        del receipt  # to have it is what counts
        outgoing = _outgoing(request)
        if self._is_closed:
            raise UpstreamUnreachable("the connections to providers are closed: no new requests are sent")
        lane = self._lanes.get(request.origin)
        if lane is None:
            lane = self._lanes[request.origin] = Lane(asyncio.Semaphore(self._settings.max_connections))
        if lane.slots.locked() and lane.waiting >= self._settings.max_waiting:
            raise UpstreamUnreachable(
                f"all connections to {request.origin.authority} are busy and {lane.waiting} calls wait"
            )
        lane.waiting += 1
        try:
            await lane.slots.acquire()
        finally:
            lane.waiting -= 1
        line = self._idle(lane) or Line(self._transport(), lane)
        try:
            return Httpx2Answer(self, line, await self._dispatch(line, outgoing, request))
        except BaseException:
            self.own(self._close(line))
            raise

    async def aclose(self) -> None:
        """Close every idle connection and refuse new requests; running answers go on."""
        self._is_closed = True
        for lane in self._lanes.values():
            for line in lane.idle:
                self.own(line.transport.aclose())
            lane.idle.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def own(self, work: Coroutine[Any, Any, None]) -> None:
        """Finish something in the background; `aclose` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def release(self, line: Line) -> None:
        """Keep a line, whose answer has been read to its end, for the next request."""
        lane = line.lane
        lane.slots.release()
        if self._is_closed:
            self.own(line.transport.aclose())
            return
        line.idle_since_s = now_s = asyncio.get_running_loop().time()
        lane.idle.append(line)
        while lane.idle[0].idle_since_s + self._settings.idle_s <= now_s:
            self.own(lane.idle.pop(0).transport.aclose())

    async def give_up(self, line: Line, response: httpx2.Response, pending: asyncio.Task[bytes] | None) -> None:
        """Close a line in the middle of an answer."""
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
        with contextlib.suppress(httpx2.HTTPError, OSError):  # it may be broken already
            async with asyncio.timeout(CLOSE_S):
                await response.aclose()
        await self._close(line)

    async def _close(self, line: Line) -> None:
        try:
            with contextlib.suppress(httpx2.HTTPError, OSError):
                async with asyncio.timeout(CLOSE_S):
                    await line.transport.aclose()
        finally:
            line.lane.slots.release()

    def _idle(self, lane: Lane) -> Line | None:
        if not lane.idle:
            return None
        line = lane.idle.pop()
        if line.idle_since_s + self._settings.idle_s > asyncio.get_running_loop().time():
            return line
        for old in (line, *lane.idle):  # the last used one is too old, hence all are
            self.own(old.transport.aclose())
        lane.idle.clear()
        return None

    def _transport(self) -> httpx2.AsyncHTTPTransport:
        return httpx2.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            http2=self._settings.http2,
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=None),  # age is the lane's business
            proxy=self._proxy,
        )

    async def _dispatch(self, line: Line, outgoing: httpx2.Request, request: UpstreamRequest) -> httpx2.Response:
        """Send and wait for the headers; the connect timeout runs from the first packet to the request's first byte."""
        connect_s = request.timeouts.connect_s
        loop = asyncio.get_running_loop()
        is_dispatched = False

        async def trace(event: str, info: dict[str, Any]) -> None:  # the library's own, by event
            nonlocal is_dispatched
            if limit.expired():
                return  # the cancellation is on its way
            if event == "connection.connect_tcp.started":
                limit.reschedule(loop.time() + connect_s)
            elif event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
                is_dispatched = True
                limit.reschedule(None)

        outgoing.extensions = {"timeout": _NO_TIMEOUTS, "trace": trace}
        try:
            async with asyncio.timeout(None) as limit:
                return await line.transport.handle_async_request(outgoing)
        except (httpx2.HTTPError, OSError) as error:
            if limit.expired():
                raise UpstreamTimeout("connect", connect_s) from error
            reason = str(error) or type(error).__name__
            if is_dispatched:
                raise UpstreamBroken(f"the connection to the provider broke before it answered: {reason}") from error
            raise UpstreamUnreachable(f"no connection to {request.origin.authority}: {reason}") from error


class Httpx2Answer:
    """One answer; what the library reads ahead is at most one chunk."""

    def __init__(self, upstream: Httpx2Upstream, line: Line, response: httpx2.Response) -> None:
        self.status = response.status_code
        self.headers, self._inflater = _decoded([(name.lower(), value) for name, value in response.headers.raw])
        self._upstream = upstream
        self._line = line
        self._response = response
        self._chunks: AsyncIterator[bytes] = response.aiter_raw()
        self._next: asyncio.Task[bytes] | None = None
        self._is_over = False
        self._fault = ""

    async def read(self) -> bytes:
        """Wait for the next bytes of the body; see the port.

        Raises:
            UpstreamBroken: the connection ended before the body did, or what came is not HTTP.
        """
        while True:
            if piece := self._inflated():
                return piece
            if self._fault:
                raise UpstreamBroken(self._fault)
            if self._is_over:
                if self._inflater is not None and not self._inflater.is_complete:
                    raise UpstreamBroken("the provider's compressed answer ended in the middle")
                return b""
            if raw := await self._raw():
                if self._inflater is None:
                    return raw
                self._inflater.feed(raw)

    async def read_all(self, limit: int) -> bytes:
        """Wait for the whole body; see the port.

        Raises:
            UpstreamBroken: as `read`, or the body is longer than `limit` bytes.
        """
        pieces: list[bytes] = []
        size = 0
        while data := await self.read():
            size += len(data)
            if size > limit:
                self.abort()
                raise UpstreamBroken(f"the provider's answer is longer than {limit} bytes")
            pieces.append(data)
        return b"".join(pieces)

    def abort(self) -> None:
        """Stop at once: closes the connection unless the body has ended."""
        self._give_up("the answer was given up")

    def _give_up(self, fault: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._fault = fault
            pending, self._next = self._next, None
            self._upstream.own(self._upstream.give_up(self._line, self._response, pending))

    def _inflated(self) -> bytes:
        if self._inflater is None:
            return b""
        try:
            return self._inflater.take()
        except UndecodableError as error:
            self._inflater = None
            self._give_up("")
            self._fault = f"the provider's answer cannot be decoded: {error}"
            return b""

    async def _raw(self) -> bytes:
        """Wait for one chunk in a task that outlives a cancelled reader: cancelling the library would lose bytes."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._pull())
        pending = self._next
        await asyncio.wait({pending})
        if pending.cancelled():
            return b""  # aborted meanwhile; the fault is set
        self._next = None
        try:
            raw = pending.result()
        except (httpx2.HTTPError, OSError) as error:
            self._give_up(f"the connection to the provider broke: {str(error) or type(error).__name__}")
            return b""
        if not raw:
            self._is_over = True
            self._upstream.release(self._line)
        return raw

    async def _pull(self) -> bytes:
        async for chunk in self._chunks:
            if chunk:
                return chunk
        return b""


def _outgoing(request: UpstreamRequest) -> httpx2.Request:
    checked_line(request.method, request.path)
    origin = request.origin
    fields = [line.split(b": ", 1) for line in request.head.split(b"\r\n") if line]
    return httpx2.Request(
        request.method,
        httpx2.URL(scheme=origin.scheme, host=origin.host, port=origin.port, raw_path=request.path.encode("ascii")),
        headers=[(name, value) for name, value in fields],
        content=request.body,
    )


def _decoded(headers: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], Inflater | None]:
    """Prepare the decoding that the headers ask for, and take the fields away that it makes untrue.

    Raises:
        UpstreamBroken: nothing here can decode it.
    """
    codings = [value for name, value in headers if name == b"content-encoding"]
    if all(coding.strip().lower() in (b"", b"identity") for coding in codings):
        return headers, None
    try:
        inflater = Inflater(b", ".join(codings))
    except UndecodableError as error:
        raise UpstreamBroken(f"the provider's answer cannot be decoded: {error}") from error
    return [f for f in headers if f[0] not in (b"content-encoding", b"content-length")], inflater
