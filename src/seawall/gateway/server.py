"""The data port: accepts connections, runs their requests, sweeps out slow ones, and drains at the end."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from seawall.gateway.connection import Connection, Port
from seawall.gateway.request import Request

MAX_CONNECTIONS: Final = 10_000
SWEEP_S: Final = 1.0
LAST_CALL_S: Final = 1.0
CUT_S: Final = 1.0
FLUSH_S: Final = 5.0
_log = logging.getLogger("seawall.gateway")

Handle: TypeAlias = Callable[[Connection, Request], Awaitable[None]]


class DataServer:
    """Serve one listening socket on the running event loop.

    Every request runs in a task of its own, kept until it is done; `aclose` waits for them. `interrupt` asks all of
    them to end with an error of their own, at the end of the grace time.
    """

    def __init__(
        self, handle: Handle, *, interrupt: Callable[[], None] | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self._handle = handle
        self._interrupt = interrupt
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = Port(self._loop, self._run, set(), max_connections)
        self._server: asyncio.Server | None = None
        self._listening: socket.socket | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, listening: socket.socket) -> None:
        """Begin to accept."""
        self._listening = listening
        self._server = await self._loop.create_server(lambda: Connection(self._port), sock=listening, backlog=2048)
        self._sweep = self._loop.call_later(SWEEP_S, self._sweep_out)

    async def aclose(self, grace_s: float) -> None:
        """Stop accepting, let what has been accepted finish for `grace_s` seconds, then end what is left.

        Every answer from now on is the last one of its connection, and says so. A connection without a request is
        closed only after `LAST_CALL_S`: one may be on its way. What still runs after the grace time is interrupted, so
        that it ends with an error that its client understands; `CUT_S` later it is cut off. Answers on their way to a
        client that reads slowly get `FLUSH_S` more.
        """
        end_s = self._loop.time() + grace_s
        await self._stop_accepting()
        self._port.is_draining = True
        await self._until(min(self._loop.time() + LAST_CALL_S, end_s))
        self._close_idle()
        await self._until(end_s)
        await self._cut()
        self._close_idle()
        await self._flush()
        if self._sweep is not None:
            self._sweep.cancel()

    async def _stop_accepting(self) -> None:
        """Take in whoever waits in the socket's queue, which ends with the socket, and close it."""
        if self._server is None or self._listening is None or not self._server.is_serving():
            return
        while len(self._port.open) < self._port.max_connections:
            try:
                waiting, _ = self._listening.accept()
            except OSError:  # nobody waits, or nothing more can be opened
                break
            waiting.setblocking(False)
            try:
                await self._loop.connect_accepted_socket(lambda: Connection(self._port), waiting)
            except OSError:  # it has left again
                waiting.close()
        self._server.close()

    async def _until(self, end_s: float) -> None:
        """Wait until nothing runs and nobody is connected, at most until `end_s`."""
        while (self._tasks or self._port.open) and (left_s := end_s - self._loop.time()) > 0:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=left_s)
            else:
                await self._emptied(left_s)

    async def _emptied(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._port.emptied.wait()
        except TimeoutError:
            return False
        return True

    async def _cut(self) -> None:
        if not self._tasks:
            return
        _log.warning("requests cut off at the end of the grace time", extra={"fields": {"count": len(self._tasks)}})
        if self._interrupt is not None:
            self._interrupt()
            await asyncio.wait(self._tasks, timeout=CUT_S)
        if self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=CUT_S)

    def _close_idle(self) -> None:
        for connection in tuple(self._port.open):
            connection.close_if_idle()

    async def _flush(self) -> None:
        if self._port.open and not await self._emptied(FLUSH_S):
            for connection in tuple(self._port.open):
                connection.abort()

    def _run(self, connection: Connection, request: Request) -> None:
        task = self._loop.create_task(self._guarded(connection, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, connection: Connection, request: Request) -> None:
        try:
            await self._handle(connection, request)
        except Exception:  # noqa: BLE001  # a fault of ours ends one request, not the server; the log gets its traceback
            _log.exception("a request ended in a fault of the gateway")
            connection.fail(request)
        except asyncio.CancelledError:
            connection.cut(request)
            raise

    def _sweep_out(self) -> None:
        now_s = self._loop.time()
        for connection in tuple(self._port.open):
            connection.close_if_due(now_s)
        self._sweep = self._loop.call_later(SWEEP_S, self._sweep_out)
