"""A wire between a client and a gateway that breaks where a test wants it to."""

import select
import socket
import struct
import threading
from types import TracebackType
from typing import Final, Self

_RESET: Final = struct.pack("ii", 1, 0)
_PATIENCE_S: Final = 20.0


class Relay:
    """Carry one connection, and break it after so many bytes of the answer: with a reset, or with a plain end."""

    def __init__(self, port: int, *, breaks_after: int, by_reset: bool) -> None:
        self._port = port
        self._left = breaks_after
        self._by_reset = by_reset
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(_PATIENCE_S)
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(2 * _PATIENCE_S)
        self._listening.close()

    def _serve(self) -> None:
        client, _ = self._listening.accept()
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            while self._left > 0:
                ready, _, _ = select.select([client, server], [], [], _PATIENCE_S)
                if not ready:
                    return
                if client in ready:
                    server.sendall(client.recv(65536))
                if server in ready:
                    data = server.recv(min(65536, self._left))
                    self._left -= len(data) or self._left
                    client.sendall(data)
            if self._by_reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
