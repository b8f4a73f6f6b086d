"""A provider that repeats the key that it was sent, in every place of an answer."""

import base64
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_STREAM: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def _answer(status: str, body: bytes, *, kind: str = "application/json", head: str = "") -> bytes:
    fields = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{head}\r\n"
    )
    return fields.encode() + body


def _error(status: str, message: str, **more: str | None) -> bytes:
    error = {"type": "invalid_request_error", "message": message, "param": None, "code": None, **more}
    return _answer(status, json.dumps({"type": "error", "error": error}).encode())


def _fields(key: str) -> str:
    return f"request-id: {key}\r\nx-request-id: for {key}\r\nretry-after: 1\r\nx-ratelimit-reset: {key}\r\n"


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def _frames(text: str) -> bytes:
    error = json.dumps({"type": "error", "error": {"type": "api_error", "message": f"wrong key {text}", "code": text}})
    return _STREAM + f"event: error\ndata: {error}\n\n".encode()


def _late(text: str) -> bytes:
    begun = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}}
    chunk = {"choices": [{"delta": {"content": "x"}}], "model": "m"}
    opening = (
        f"event: message_start\ndata: {json.dumps(begun)}\n\nevent: content_block_delta\ndata: {json.dumps(chunk)}\n\n"
    )
    return _STREAM + opening.encode() + _frames(text).removeprefix(_STREAM)


_JSON_ERROR: Final = '{"type":"error","error":{"type":"%s","message":"%s","code":"%s"}}'

_GOOD: Final = {
    "type": "message",
    "model": "m",
    "content": [],
    "choices": [{"message": {"content": "x"}}],
    "usage": {"input_tokens": 1, "output_tokens": 1, "prompt_tokens": 1, "completion_tokens": 1},
}


def _good(**more: str) -> bytes:
    return _answer("200 OK", json.dumps(_GOOD | more).encode())


def _errors(key: str) -> dict[str, bytes]:
    bad, broken = "400 Bad Request", "500 Internal Server Error"
    found = {
        f"status {status}": _error(f"{status} Odd", f"Incorrect API key provided: {key}.")
        for status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 529)
    }
    for size in (100, 120, 1_960, 1_970, 1_980, 1_990):
        long = "x" * (size % 128) + "." + key
        found[f"key behind {size} characters"] = _error(bad, "x" * size + key, type=long, code=long)
    for size in (970, 980, 990, 999):
        found[f"key behind {size} words"] = _error(bad, "a " * size + key + " a" * size)
    details = {"type": "error", "error": {"type": "x", "message": "no", "details": {"error_code": key}}}
    return found | {
        "key as type": _error(bad, "no", type=key),
        "key as code": _error(bad, "no", code=key, param=key),
        "key in details": _answer(bad, json.dumps(details).encode()),
        "key as message": _error(bad, key),
        "key a thousand times": _error(bad, f"{key} " * 1_000),
        "key in base64": _error(bad, base64.b64encode(f"x:{key}".encode()).decode()),
        "key percent-encoded": _error(bad, quote(f"/?key={key}", safe="")),
        "key in escapes": _answer(bad, (_JSON_ERROR % ("x", _escaped(key), "y")).encode()),
        "key in a header's text": _error(bad, f"{{'x-api-key': '{key}', 'Authorization': 'Bearer {key}'}}"),
        "key in a URL": _error(broken, f"GET https://user:{key}@host/?key={key} failed"),
        "key in HTML": _answer("502 Bad Gateway", f"<html><b>{key}</b></html>".encode(), kind="text/html"),
        "key in the fields of an error": _answer(bad, (_JSON_ERROR % ("x", "no", "y")).encode(), head=_fields(key)),
        "key as text": _answer(broken, key.encode(), kind="text/plain"),
    }


def _oddities(key: str) -> dict[str, bytes]:
    far, near = "x" * 100 + "/" + key, "x" * 90 + "." + key
    return {
        "good": _good(),
        "key in the fields of a good answer": _answer("200 OK", json.dumps(_GOOD).encode(), head=_fields(key)),
        "key as the model": _good(model=key, stop_reason=key, service_tier=key),
        "key in the model": _good(model=far, stop_reason=near, service_tier="/" + key),
        "redirect": _answer("302 Found", b"", head=f"location: https://evil.test/?key={key}\r\n"),
        "redirect for good": _answer("308 Permanent Redirect", b"", head=f"location: //{key}@evil.test/\r\n"),
        "no JSON": _answer("200 OK", f"key {key}".encode()),
        "JSON of another kind": _answer("200 OK", json.dumps([key]).encode()),
        "error as success": _answer("200 OK", (_JSON_ERROR % ("x", key, "y")).encode()),
        "status line": f"HTTP/1.1 200 {key}\r\n\r\n".encode(),
        "no HTTP": f"{key}\r\n\r\n".encode(),
        "broken field": f"HTTP/1.1 200 OK\r\n{key}\x01: a\r\n\r\n".encode(),
        "odd coding": _answer("200 OK", b"{}", head=f"content-encoding: {key}\r\n"),
        "odd transfer coding": f"HTTP/1.1 200 OK\r\ntransfer-encoding: {key}\r\n\r\n".encode(),
        "error in a stream": _frames(key),
        "late error in a stream": _late(key),
        "garbage in a stream": _STREAM + f"event: message_start\ndata: {key}\n\n".encode(),
        "stream cut in the key": _STREAM + f'event: error\ndata: {{"error":"{key}'.encode(),
    }


MANNERS: Final = (*_errors(""), *_oddities(""))


@dataclass(slots=True)
class Parrot:
    """Where it listens, and how it answers from now on."""

    url: str
    manner: str = "status 401"


@contextmanager
def parrot() -> Iterator[Parrot]:
    """Run one on a thread of its own."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.parrot = Parrot(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]  # the handler's way to it
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.parrot  # type: ignore[attr-defined]  # set above
        finally:
            server.shutdown()
            thread.join()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        key, length = "", 0
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode("latin-1").strip().partition(": ")
            if name.lower() in {"x-api-key", "authorization", "proxy-authorization"}:
                key = value.removeprefix("Bearer ").removeprefix("Basic ")
            length = int(value) if name.lower() == "content-length" else length
        self.rfile.read(length)
        repeating: Parrot = self.server.parrot  # type: ignore[attr-defined]  # set where the server is made
        self.wfile.write((_errors(key) | _oddities(key))[repeating.manner])
