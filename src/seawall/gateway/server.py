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
FLUSH_S: Final = 5.0
_log = logging.getLogger("seawall.gateway")

Handle: TypeAlias = Callable[[Connection, Request], Awaitable[None]]


class DataServer:
    """Serve one listening socket on the running event loop.

    Every request runs in a task of its own, kept until it is done; `aclose` waits for them.
    """

    def __init__(self, handle: Handle, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = Port(self._loop, self._run, set(), max_connections)
        self._server: asyncio.Server | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def start(self, listening: socket.socket) -> None:
        """Begin to accept."""
        self._server = await self._loop.create_server(lambda: Connection(self._port), sock=listening, backlog=2048)
        self._sweep = self._loop.call_later(SWEEP_S, self._sweep_out)

    async def aclose(self, grace_s: float) -> None:
        """Stop accepting, let running requests finish for `grace_s` seconds, then cancel what is left.

        Answers that are complete, but not sent yet because their client reads slowly, get `FLUSH_S` more.
        """
        if self._server is not None:
            self._server.close()
        self._port.is_draining = True
        self._close_idle()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace_s)
            for task in late:
                task.cancel()
            if late:
                _log.warning("requests cut off at the end of the grace time", extra={"fields": {"count": len(late)}})
                await asyncio.wait(late, timeout=1.0)
        self._close_idle()
        await self._flush()
        if self._sweep is not None:
            self._sweep.cancel()

    def _close_idle(self) -> None:
        for connection in tuple(self._port.open):
            connection.close_if_idle()

    async def _flush(self) -> None:
        if self._port.open:
            try:
                async with asyncio.timeout(FLUSH_S):
                    await self._port.emptied.wait()
            except TimeoutError:
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
