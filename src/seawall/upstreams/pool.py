"""Kept-alive connections to every origin, without a task or a timer for each request."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from seawall.core.error import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from seawall.core.receipt import Receipt
from seawall.core.target import Origin
from seawall.ports.upstream import UpstreamRequest
from seawall.upstreams.address import Resolve, open_socket, resolve
from seawall.upstreams.answer import Answer
from seawall.upstreams.connection import BUFFER, Connection
from seawall.upstreams.settings import UpstreamSettings
from seawall.upstreams.site import Site
from seawall.upstreams.tls import tls_context

_BODYLESS: Final = frozenset(("GET", "HEAD", "DELETE"))  # these announce no length when they have no body


@dataclass(frozen=True, slots=True)
class SiteStats:
    """Connections open (idle ones included), those of them that are idle, and calls that wait for one."""

    open: int
    idle: int
    waiting: int


@dataclass(frozen=True, slots=True)
class PoolStats:
    """The sums over all origins, and each origin's own numbers."""

    open: int
    idle: int
    waiting: int
    by_origin: Mapping[Origin, SiteStats]


class Pool:
    """Send requests over HTTP/1.1 connections of our own.

    One pool belongs to one event loop. Connections are verified by the system's CAs or the settings' own bundle. The
    last used connection is used next, so that a quiet hour closes the others.

    Raises:
        PolicyError: a file that the settings name cannot be used.
    """

    def __init__(
        self, settings: UpstreamSettings, *, resolve: Resolve = resolve, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._now_s = now_s
        # Files that the operator names are read now, to fail at the start; the system's CAs when they are needed.
        has_files = settings.ca_file is not None or settings.client_certificate is not None
        self._tls: ssl.SSLContext | None = tls_context(settings) if has_files else None
        self._sites: dict[Origin, Site] = {}
        self._buffer = memoryview(bytearray(BUFFER))
        self._is_closed = False

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> Answer:
        """Send one request and wait for the answer's headers.

        Besides what the port says, it raises `UpstreamUnreachable` after `aclose`, and where too many calls wait for
        this origin already.

        Raises:
            ValueError: method or path cannot stand in a request line.
        """
        del receipt  # to have it is what counts
        site = self._sites.get(request.origin)
        if site is None:
            site = self._site(request.origin)
        body, method = request.body, request.method
        line = site.line(method, request.path)
        if body or method not in _BODYLESS:
            head = b"%bcontent-length: %d\r\n%b\r\n" % (line, len(body), request.head)
        else:
            head = b"%b%b\r\n" % (line, request.head)
        if self._is_closed:
            raise UpstreamUnreachable("the connections to providers are closed: no new requests are sent")
        connection = site.take_idle()
        if connection is None:
            connection = await self._connection(request, fresh=False)
        is_replaced = False
        while True:
            answer = connection.begin(head, body, may_have_body=method != "HEAD")
            try:
                await answer.arrival
            except BaseException:
                answer.abort()
                raise
            if answer.status:
                return answer
            if is_replaced or not answer.is_unprocessed:
                raise UpstreamBroken(answer.fault)
            is_replaced = True
            connection = await self._connection(request, fresh=True)

    async def aclose(self) -> None:
        """Close every idle connection and refuse new requests; running and waiting ones go on."""
        self._is_closed = True
        for site in list(self._sites.values()):
            site.close()
        await asyncio.sleep(0)  # the loop closes the sockets in its next round

    def stats(self) -> PoolStats:
        """Count connections and waiting calls, now."""
        by_origin = {
            site.origin: SiteStats(site.open, len(site.idle), len(site.waiting))
            for site in self._sites.values()
            if site.open or site.waiting
        }
        rows = by_origin.values()
        return PoolStats(sum(r.open for r in rows), sum(r.idle for r in rows), sum(r.waiting for r in rows), by_origin)

    def _site(self, origin: Origin) -> Site:
        site = self._sites.get(origin)
        if site is None:
            site = self._sites[origin] = Site(origin, self._settings, self._now_s)
            if self._is_closed:
                site.close()
        return site

    async def _connection(self, request: UpstreamRequest, *, fresh: bool) -> Connection:
        """Take an idle connection (unless `fresh`), else connect in a free slot, else wait for one or the other."""
        site = self._site(request.origin)
        while True:
            connection = None if fresh else site.take_idle()
            if connection is None and not site.take_slot(evict=fresh):
                connection = await site.wait()
                if connection is not None and not connection.is_open:
                    connection.drop()  # it closed on its way here
                    continue
            return connection or await self._connect(site, request.timeouts.connect_s)

    async def _connect(self, site: Site, connect_s: float) -> Connection:
        """Resolve, connect and shake hands in the slot that the caller took; gives the slot back on failure."""
        connection = Connection(asyncio.get_running_loop(), site, self._buffer)
        try:
            async with asyncio.timeout(connect_s) as limit:
                await self._dial(site.origin, connection)
        except BaseException as error:
            if connection.has_transport:
                connection.drop()
            else:
                site.free_slot()
            if isinstance(error, TimeoutError) and limit.expired():
                raise UpstreamTimeout("connect", connect_s) from error
            if isinstance(error, OSError | UnicodeError):  # TLS errors are OSErrors too
                raise UpstreamUnreachable(f"no connection to {site.host.decode()}: {error}") from error
            raise
        if not connection.is_open:
            raise UpstreamUnreachable(f"{site.host.decode()} closed the connection as soon as it was made")
        return connection

    async def _dial(self, origin: Origin, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        tls, name = None, None
        if origin.scheme == "https":
            if self._tls is None:
                self._tls = await loop.run_in_executor(None, tls_context, self._settings)
            tls, name = self._tls, origin.host
        sock = await open_socket(await self._resolve(origin.host, origin.port))
        # From here on the socket is the loop's, which closes it on failure; closing it here too could hit a file
        # descriptor that meanwhile belongs to somebody else.
        await loop.create_connection(lambda: connection, sock=sock, ssl=tls, server_hostname=name)
