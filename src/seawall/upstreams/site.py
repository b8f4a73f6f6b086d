"""Everything the pool knows of one origin."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from seawall.core.error import UpstreamUnreachable
from seawall.core.target import Origin
from seawall.upstreams.connection import Connection
from seawall.upstreams.request_line import checked_line
from seawall.upstreams.settings import UpstreamSettings

_REMEMBERED: Final = 64  # request lines; paths with a model's name in them are many, but not endless


class Site:
    """Keep one origin's connections: idle ones, the slots of open ones, and the queue of calls that wait for one.

    A slot is the right to hold one connection, be it idle, running or still connecting; `open` counts those in use.
    Whoever takes one gives it back by `free_slot`, or by dropping the connection that it led to. `now_s` is a
    monotonic clock.
    """

    __slots__ = ("_is_closing", "_lines", "_now_s", "_settings", "_sweeper", "host", "idle", "open",
                 "origin", "waiting")  # fmt: skip

    def __init__(self, origin: Origin, settings: UpstreamSettings, now_s: Callable[[], float]) -> None:
        self.origin = origin
        self.host = origin.authority.encode("ascii" if origin.host.isascii() else "idna")
        self.idle: list[Connection] = []  # the last used one at the end
        self.open = 0
        self.waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._settings = settings
        self._now_s = now_s
        self._lines: dict[tuple[str, str], bytes] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closing = False

    def line(self, method: str, path: str) -> bytes:
        """Give request line and Host field, checked once for each path.

        Raises:
            ValueError: method or path could be read as something else on the wire.
        """
        line = self._lines.get((method, path))
        if line is None:
            line = b"%b HTTP/1.1\r\nhost: %b\r\n" % (checked_line(method, path), self.host)
            if len(self._lines) >= _REMEMBERED:
                self._lines.clear()
            self._lines[method, path] = line
        return line

    def take_idle(self) -> Connection | None:
        """Take the last used connection, closing on the way those that have been idle for too long."""
        while self.idle:
            connection = self.idle.pop()
            since_s, connection.idle_since_s = connection.idle_since_s, None
            if since_s is not None and self._now_s() - since_s < self._settings.idle_s and connection.is_open:
                return connection
            connection.drop()
        return None

    def take_slot(self, *, evict: bool) -> bool:
        """Take a free slot if there is one; `evict` closes the longest unused connection where that makes one."""
        if evict and self.open >= self._settings.max_connections and self.idle:
            self.idle[0].drop()
        if self.open >= self._settings.max_connections:
            return False
        self.open += 1
        return True

    async def wait(self) -> Connection | None:
        """Queue, first come first served, for a connection or for the slot of one (None).

        A caller that is cancelled hands on what it had been given.

        Raises:
            UpstreamUnreachable: too many calls wait already.
        """
        if len(self.waiting) >= self._settings.max_waiting:
            raise UpstreamUnreachable(
                f"all {self.open} connections to {self.host.decode()} are busy and {len(self.waiting)} calls wait"
            )
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                if waiter in self.waiting:
                    self.waiting.remove(waiter)
            elif (handed := waiter.result()) is None:
                self.free_slot()
            elif handed.is_open:
                self.released(handed)
            else:
                handed.drop()
            raise

    def free_slot(self) -> None:
        """Give a slot back, to whoever has waited longest."""
        waiter = self._first_waiting()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self.open -= 1

    def released(self, connection: Connection) -> None:
        """Hand a free connection to whoever has waited longest, or keep it for the next call."""
        if self.waiting and (waiter := self._first_waiting()) is not None:
            waiter.set_result(connection)
        elif self._is_closing:
            connection.drop()
        else:
            connection.idle_since_s = self._now_s()
            self.idle.append(connection)
            if self._sweeper is None:
                self._sweep_in(self._settings.idle_s)

    def lost(self, connection: Connection) -> None:
        """Forget a connection and give its slot back."""
        if connection.idle_since_s is not None:
            connection.idle_since_s = None
            self.idle.remove(connection)
            if not self.idle and self._sweeper is not None:
                self._sweeper.cancel()
                self._sweeper = None
        self.free_slot()

    def close(self) -> None:
        """Close the idle connections, and from now on every other as soon as nobody needs it."""
        self._is_closing = True
        for connection in list(self.idle):
            connection.drop()

    def _first_waiting(self) -> asyncio.Future[Connection | None] | None:
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():  # a cancelled one may still be on its way out
                return waiter
        return None

    def _sweep_in(self, wait_s: float) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(wait_s, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long, and come back when the next one will have been."""
        self._sweeper = None
        idle_s, now_s = self._settings.idle_s, self._now_s()
        ages_s = [(now_s - (connection.idle_since_s or 0.0), connection) for connection in self.idle]
        for age_s, connection in ages_s:
            if age_s >= idle_s:
                connection.drop()
        if self.idle and self._sweeper is None:
            self._sweep_in(max(idle_s - max(age_s for age_s, _ in ages_s if age_s < idle_s), 0.001))
