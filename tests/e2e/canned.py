"""A provider that answers with the very bytes that it was given, and keeps the bytes that came."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Came:
    """A request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Give all values of one field."""
        return [value for key, value in self.headers if key.lower() == name]


class CannedProvider:
    """Answer every request with `body`, as `kind`; in pieces of `pieces` where it is a stream."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.kind = "application/json"
        self.pieces: tuple[bytes, ...] = ()
        self.came: list[Came] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                provider.came.append(Came(self.command, self.path, list(self.headers.items()), self.rfile.read(size)))
                self.send_response(200)
                self.send_header("content-type", provider.kind)
                if provider.pieces:
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    for piece in provider.pieces:
                        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.send_header("content-length", str(len(provider.body)))
                    self.end_headers()
                    self.wfile.write(provider.body)

            do_GET = do_POST = answer  # noqa: N815  # names of the base class

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as the base class has it
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
