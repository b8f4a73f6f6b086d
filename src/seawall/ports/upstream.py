"""The way out to a provider."""

from typing import Protocol

import msgspec

from seawall.core.receipt import Receipt
from seawall.core.target import Origin, Timeouts


class UpstreamRequest(msgspec.Struct, frozen=True):
    """One HTTP request, ready for the wire.

    `head` holds the header lines after the request line, each ending in CRLF, without Host, Content-Length and
    Connection, which the adapter adds; its values are already validated.
    """

    origin: Origin
    method: str
    path: str
    head: bytes
    body: bytes
    timeouts: Timeouts


class UpstreamReply(Protocol):
    """A provider's answer whose status line and headers have arrived. Exactly one task reads it."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Header fields in order of arrival, names in lower case."""

    async def read(self) -> bytes:
        """Wait for the next bytes of the body; all that has arrived comes at once, `b""` is the body's clean end.

        A reader that does not come back stops the provider by TCP back-pressure: at most some 128 KB wait here.
        Cancelling it loses no bytes.

        Raises:
            UpstreamBroken: the connection ended before the body did, or what came is not HTTP.
        """

    async def read_all(self, limit: int) -> bytes:
        """Wait for the whole body.

        Raises:
            UpstreamBroken: as `read`, or the body is longer than `limit` bytes.
        """

    def abort(self) -> None:
        """Stop at once: closes the connection unless the body has ended, which gave it back to the pool already."""


class Upstream(Protocol):
    """Send requests to providers over pooled, verified connections."""

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> UpstreamReply:
        """Send one request and wait for the answer's headers. This is the only way out, and it costs a receipt.

        Only the connect timeout is kept here; first-token, idle and total timeouts belong to the caller, who cancels.
        Cancelling closes the connection unless the answer was complete. A kept-alive connection that turns out to be
        closed before a byte of an answer came is replaced once, if nothing of the request can have been processed.

        Raises:
            UpstreamUnreachable: name resolution, connection or TLS failed; nothing was sent.
            UpstreamTimeout: connecting took longer than `timeouts.connect_s`; nothing was sent.
            UpstreamBroken: the connection ended, or broke HTTP, before the headers were complete.
        """

    async def aclose(self) -> None:
        """Close every idle connection and refuse new requests; running answers go on."""
