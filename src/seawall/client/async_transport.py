"""The pipeline as an asynchronous httpx2 transport."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2

from seawall.client.closer import Closer
from seawall.client.embedded import Embedded
from seawall.client.lane import Lane
from seawall.client.run import Run
from seawall.client.wire import ask_of, awaited, read_timeout_s, response_of


class AsyncTransport(httpx2.AsyncBaseTransport):
    """Answer requests through the pipeline, on whichever event loop of asyncio they are made.

    Each loop gets its own connections. `aclose` closes those of the loop it runs on, and the journal for all; who
    forgets it loses no record, but leaves connections to the garbage collector.
    """

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}
        self._close_journal = Closer(self, embedded.close)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request through the pipeline; cancelling hangs up.

        Raises:
            RuntimeError: the event loop is not asyncio's.
            httpx2.TransportError: the caller's own timeout passed, or the client was closed meanwhile.
        """
        lane = self._lane()
        run = lane.begin(ask_of(request, await request.aread()))
        timeout_s = read_timeout_s(request)
        try:
            answer = await awaited(run.answer(), run, timeout_s)
        except BaseException:
            await run.leave()
            raise
        return response_of(answer, AsyncPieces(run, timeout_s))

    async def aclose(self) -> None:
        """Give up what runs on this event loop, close its connections, and write the records that wait."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is not None:
            await lane.aclose()
        await asyncio.to_thread(self._close_journal)

    def _lane(self) -> Lane:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("the embedded client runs on asyncio only, and no loop of asyncio is running") from None
        lane = self._lanes.get(loop)
        if lane is None:
            for old in [other for other in self._lanes if other.is_closed()]:
                del self._lanes[old]
            lane = self._lanes[loop] = Lane(self._embedded)
        return lane


class AsyncPieces(httpx2.AsyncByteStream):
    """The pieces of one stream; dropping it unread is as good as closing it."""

    def __init__(self, run: Run, timeout_s: float | None) -> None:
        self._run = run
        self._timeout_s = timeout_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        run, timeout_s = self._run, self._timeout_s
        while piece := await awaited(run.piece(), run, timeout_s):
            yield piece

    async def aclose(self) -> None:
        """Hang up, unless the stream is complete; the record is written when this returns."""
        await self._run.leave()

    def __del__(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the exchange ended with it
            self._run.loop.call_soon_threadsafe(self._run.hang_up)
