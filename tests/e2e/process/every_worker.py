"""One connection to each worker, so that a test can ask them all, one by one."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection
from types import TracebackType
from typing import Final, Self

from tests.e2e.process.running import PATIENCE_S, Gateway
from tests.e2e.process.wire import COMPLETIONS, MESSAGES, Answer, body_of, fields_of

OPENINGS: Final = 60  # rounds of eight connections; the kernel decides which worker accepts
AT_ONCE: Final = 8


class EveryWorker:
    """A kept connection to each of a gateway's workers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lines: dict[int, HTTPConnection] = {}
        wanted = set(gateway.workers().values())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            together = threading.Barrier(AT_ONCE)
            for _ in range(OPENINGS):
                for line in pool.map(self._open, [together] * AT_ONCE):
                    self._keep(line)
                if self._lines.keys() == wanted:
                    return
        raise TimeoutError(f"of {wanted} only {set(self._lines)} took a connection")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            line.close()

    def ask(self, path: str = MESSAGES, body: bytes | None = None, **headers: str) -> dict[int, Answer]:
        """Make a call at each worker, one after the other; give the answers by the worker's process id."""
        body = body or body_of(model="gpt-5.4" if path == COMPLETIONS else "claude-haiku-5-5")
        return {pid: self._ask(line, path, body, headers) for pid, line in self._lines.items()}

    def get(self, path: str) -> dict[int, Answer]:
        """Make a request without a body at each worker; give the answers by the worker's process id."""
        return {pid: self._ask(line, path, b"", {}) for pid, line in self._lines.items()}

    def ask_one(self, pid: int) -> Answer:
        """Make a call at one worker."""
        return self._ask(self._lines[pid], MESSAGES, body_of(), {})

    def statuses(self, path: str = MESSAGES) -> set[int]:
        """Make a call at each worker, and give the statuses that came."""
        return {answer.status for answer in self.ask(path).values()}

    def look_for(self, status: int, path: str = MESSAGES) -> Callable[[], bool]:
        """Give a condition: every worker answers with this status by now."""
        return lambda: self.statuses(path) == {status}

    def _open(self, together: threading.Barrier) -> HTTPConnection:
        line = HTTPConnection("127.0.0.1", self._gateway.port, timeout=PATIENCE_S)
        together.wait(PATIENCE_S)
        line.connect()
        self._ask(line, "/healthz", b"", {})
        return line

    def _keep(self, line: HTTPConnection) -> None:
        with suppress(StopIteration):  # a worker that is about to be replaced
            if self._lines.setdefault(self._gateway.server_of(line.sock), line) is line:
                return
        line.close()

    def _ask(self, line: HTTPConnection, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        ours = line.sock
        line.request("POST" if body else "GET", path, body or None, fields_of(headers))
        response = line.getresponse()
        answer = Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
        assert line.sock is ours, "the connection is kept, or nobody knows which worker answers"
        return answer
