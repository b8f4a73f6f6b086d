"""The pipeline as a synchronous httpx2 transport."""

import contextlib
from collections.abc import Iterator

import httpx2

from seawall.client.closer import Closer
from seawall.client.embedded import Embedded
from seawall.client.engine import Engine
from seawall.client.loop_thread import ClosedError, LoopThread
from seawall.client.run import Run
from seawall.client.wire import ask_of, awaited, read_timeout_s, response_of


class Transport(httpx2.BaseTransport):
    """Answer requests through the pipeline, from any number of threads at once.

    The pipeline runs in one background thread, started by the first request and stopped by `close`, by the garbage
    collector or at the interpreter's exit, whichever comes first.
    """

    def __init__(self, embedded: Embedded) -> None:
        self._engine = Engine(embedded)
        self._stop = Closer(self, self._engine.close)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request through the pipeline and wait for its answer; an interrupt of the thread hangs up.

        Raises:
            httpx2.TransportError: the caller's own timeout passed, or the client was closed meanwhile.
        """
        ask = ask_of(request, request.read())
        timeout_s = read_timeout_s(request)
        try:
            thread, lane = self._engine.running()

            async def respond() -> httpx2.Response:
                run = lane.begin(ask)
                try:
                    answer = await awaited(run.answer(), run, timeout_s)
                except BaseException:
                    await run.leave()
                    raise
                return response_of(answer, Pieces(run, timeout_s, thread, self))

            return thread.call(respond)
        except ClosedError as error:
            raise httpx2.ReadError(str(error)) from error

    def close(self) -> None:
        """Give up what runs, close the connections, write the records that wait, and stop the thread."""
        self._stop()


class Pieces(httpx2.SyncByteStream):
    """The pieces of one stream; dropping it unread is as good as closing it. Keeps its transport alive."""

    def __init__(self, run: Run, timeout_s: float | None, thread: LoopThread, transport: Transport) -> None:
        self._run = run
        self._timeout_s = timeout_s
        self._thread = thread
        self._transport = transport

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self._thread.call(self._next):
                yield piece
        except ClosedError as error:
            raise httpx2.ReadError(str(error)) from error

    async def _next(self) -> bytes:
        return await awaited(self._run.piece(), self._run, self._timeout_s)

    def close(self) -> None:
        """Hang up, unless the stream is complete; the record is written when this returns."""
        with contextlib.suppress(ClosedError):  # then the exchange has ended already
            self._thread.call(self._run.leave)

    def __del__(self) -> None:
        self._thread.soon(self._run.hang_up)
