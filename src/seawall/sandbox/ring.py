"""The last requests, byte for byte, so that a test can see what really came."""

from base64 import b64encode
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

MOST: Final = 1_000
MOST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived: header names and values in their own order and case."""

    request_id: str
    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Give the first header of this name in any case."""
        wanted = name.lower().encode()
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == wanted), None)

    def report(self) -> dict[str, Any]:
        """Give the request as a JSON object; a body that is not UTF-8 comes as `body_base64`."""
        try:
            body = {"body": self.body.decode()}
        except UnicodeDecodeError:
            body = {"body_base64": b64encode(self.body).decode()}
        headers = [[key.decode("latin-1"), value.decode("latin-1")] for key, value in self.headers]
        return {
            "request_id": self.request_id,
            "method": self.method,
            "target": self.target,
            "headers": headers,
            **body,
        }


class Ring:
    """Keep the newest requests: at most 1,000, and bodies of at most 64 MB together besides the newest."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque()
        self._bytes = 0

    def add(self, seen: Seen) -> None:
        """Keep one more request and drop the oldest that no longer fit."""
        self._seen.append(seen)
        self._bytes += len(seen.body)
        while len(self._seen) > 1 and (len(self._seen) > MOST or self._bytes > MOST_BYTES):
            self._bytes -= len(self._seen.popleft().body)

    def clear(self) -> None:
        """Forget every request."""
        self._seen.clear()
        self._bytes = 0

    def last(self, count: int = MOST) -> list[Seen]:
        """Give the newest `count` requests, the oldest of them first."""
        return list(self._seen)[-count:] if count > 0 else []
