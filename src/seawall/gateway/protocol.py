"""The data port's connections: uvicorn's HTTP/1.1 over httptools, hardened where a proxy is attacked.

llhttp already refuses what request smuggling is mostly made of: lengths beside transfer codings, doubled or odd
lengths, folded fields, control characters, bare line feeds. What is added here: exactly one Host and a plain one, no
coding but `chunked`, bounds on the head's size and count, an end to heads that come too slowly, and a word to the
exchange the moment its client is gone.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_HEADERS: Final = 128
HEADERS_S: Final = 10.0
_HOST: Final = re.compile(rb"[A-Za-z0-9._~-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")


class RefusedRequest(Exception):  # the parser turns it into its own error and a 400
    """The request head is one that two servers could read in two ways."""


class Connection(HttpToolsProtocol):
    """One client connection of the data port."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # whatever uvicorn passes
        super().__init__(*args, **kwargs)
        self.on_lost: Callable[[], None] | None = None
        self.head_since_s: float | None = None
        self._head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to count the time that the first head takes."""
        super().connection_made(transport)
        self.head_since_s = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the running exchange that nobody will read its answer."""
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()
            self.on_lost = None

    def on_message_begin(self) -> None:
        """Count the head's time and size anew, and give the application a way back to the connection."""
        super().on_message_begin()
        self.head_since_s = self.loop.time()
        self._head_size = 0
        self.scope["extensions"] = {"seawall.connection": {"is": self}}

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target, within the head's bounds."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header field, within the head's bounds."""
        self._grow(len(name) + len(value))
        super().on_header(name, value)

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEADER_BYTES or len(self.headers) >= MAX_HEADERS:
            raise RefusedRequest("the request's head is too large")

    def on_headers_complete(self) -> None:
        """Refuse what two servers could read in two ways (RFC 9112 §3.2, §6.1), then begin the exchange."""
        self.head_since_s = None
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
                if not _HOST.fullmatch(value):
                    raise RefusedRequest("bad Host")
            elif name == b"transfer-encoding" and value.lower() != b"chunked":
                raise RefusedRequest("unknown transfer coding")
        if hosts != 1:
            raise RefusedRequest("expected one Host")
        super().on_headers_complete()

    def close_if_slow(self, now_s: float) -> None:
        """Close a connection whose head has taken longer than `HEADERS_S`; the worker's sweep calls this."""
        if self.head_since_s is not None and now_s - self.head_since_s > HEADERS_S and not self.transport.is_closing():
            self.transport.close()
