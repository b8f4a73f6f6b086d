"""Calls over plain sockets: everything that comes back is seen as it came."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Final

from tests.e2e.process.running import PATIENCE_S

MESSAGES: Final = "/ai/chat/v1/messages"
COMPLETIONS: Final = "/ai/gpt/v1/chat/completions"
LAST_CHUNK: Final = b"0\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # JSON
        """The body, read."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """The id of its record."""
        return self.headers["x-seawall-request-id"]


def body_of(*, is_stream: bool = False, model: str = "claude-haiku-5-5", max_tokens: int = 110_000) -> bytes:
    """Make the body of a call; Chat Completions takes it too."""
    asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    limit = "max_completion_tokens" if model.startswith("gpt") else "max_tokens"
    return json.dumps({**asked, limit: max_tokens, **({"stream": True} if is_stream else {})}).encode()


def call(port: int, path: str = MESSAGES, body: bytes | None = None, **headers: str) -> Answer:
    """Make a call over a connection of its own; underscores in header names become dashes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        model = "gpt-5.4" if path == COMPLETIONS else "claude-haiku-5-5"
        connection.request("POST", path, body or body_of(model=model), fields_of(headers))
        response = connection.getresponse()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())
    finally:
        connection.close()


def request_bytes(path: str, body: bytes, **headers: str) -> bytes:
    """Give a call as it travels."""
    fields = {"host": "gateway.test", **fields_of(headers), "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def begin(port: int, path: str, body: bytes, *, receive_buffer: int = 0, **headers: str) -> socket.socket:
    """Send a call, the only one on its connection, and give the connection, of which nothing is read yet."""
    line = socket.socket()
    line.settimeout(PATIENCE_S)
    if receive_buffer:  # before the connection is made, or its window is another already
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    line.connect(("127.0.0.1", port))
    line.sendall(request_bytes(path, body, connection="close", **headers))
    return line


def read_to_end(line: socket.socket) -> bytes:
    """Read until the connection ends, cleanly or not."""
    pieces: list[bytes] = []
    try:
        while piece := line.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def read_past(line: socket.socket, mark: bytes) -> bytes:
    """Read until a mark has come."""
    data = b""
    while mark not in data:
        piece = line.recv(65536)
        assert piece, data
        data += piece
    return data


def fields_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the header fields of a call; underscores in names become dashes."""
    own = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    return own | {name.replace("_", "-"): value for name, value in headers.items()}
