import shutil
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from bench.native import Native, build


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler; `make bench` installs one")
    return build(tmp_path_factory.mktemp("native"))


@dataclass(frozen=True, slots=True)
class Canned:
    """What a server sends for every request, and whether it then hangs up; `None` sends nothing at all."""

    answer: bytes | None
    hangs_up: bool


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        canned: Canned = self.server.canned  # type: ignore[attr-defined]  # set where the server is made
        while self._read_request():
            if canned.answer is not None:
                self.wfile.write(canned.answer)
            if canned.hangs_up:
                return

    def _read_request(self) -> bool:
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return line != b"" and len(self.rfile.read(length)) == length


@contextmanager
def _served(canned: Canned) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.canned = canned  # type: ignore[attr-defined]  # the handler's way to it
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[bytes | None, bool], int]]:
    """Start servers that end with the test; a call gives the port."""
    with ExitStack() as stack:
        yield lambda answer, hangs_up: stack.enter_context(_served(Canned(answer, hangs_up)))
