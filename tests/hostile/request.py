"""Requests that are good but for one thing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ANTHROPIC_PATH: Final = "/ai/chat/v1/messages"
OPENAI_PATH: Final = "/ai/chat/v1/chat/completions"
EMBEDDINGS_PATH: Final = "/ai/chat/v1/embeddings"
COUNT_PATH: Final = "/ai/fixed/v1/messages/count_tokens"
FIXED_PATH: Final = "/ai/fixed"  # a route with a model of its own and a cap on what goes in
MARK: Final = "injected"  # no byte of it may reach the provider

POLICY: Final = """\
version: 1
max_body_mb: 1
providers:
  anthropic: {{dialect: anthropic, base_url: "{url}", api_key: env:ANTHROPIC_API_KEY}}
  openai: {{dialect: openai, base_url: "{url}/v1", api_key: env:OPENAI_API_KEY}}
profiles:  # every test is a call of its own: none is tried again, and none leaves a target shut for the next
  alone: {{retries: 0, breaker: {{min_calls: 100000, open_s: 1.0e-6, longest_open_s: 1.0e-6, probes: 1000}}}}
routes:
  /ai/chat: {{profile: alone, max_tokens: 100, timeout_ms: 60000}}
  /ai/fixed: {{profile: alone, model: claude-haiku-5-5, max_tokens: 100, max_input_tokens: 20000, timeout_ms: 60000}}
  /ai/quick: {{profile: alone, timeout_ms: 1000, first_token_timeout_ms: 400, idle_timeout_ms: 400, hold_back_ms: 200}}
  /ai/long: {{profile: alone, max_tokens: 100000, timeout_ms: 12000}}
  /ai/other: {{profile: alone, model: gpt-6-luna}}
"""
MODELS: Final = {
    ANTHROPIC_PATH: "claude-haiku-5-5",
    FIXED_PATH: "claude-haiku-5-5",
    COUNT_PATH: "claude-haiku-5-5",
    OPENAI_PATH: "gpt-6-luna",
    EMBEDDINGS_PATH: "text-embedding-3-small",
}


def good_fields(path: str, *, stream: bool = False) -> dict[str, Any]:  # JSON
    """Give the fields of a good body for an endpoint."""
    fields: dict[str, Any] = {"model": MODELS[path]}
    if path == EMBEDDINGS_PATH:
        return {**fields, "input": "Hello"}
    fields["messages"] = [{"role": "user", "content": "Hello"}]
    if path == COUNT_PATH:
        return fields
    fields["max_tokens" if path != OPENAI_PATH else "max_completion_tokens"] = 16
    if stream:
        fields["stream"] = True
    return fields


def good_body(path: str = ANTHROPIC_PATH, *, stream: bool = False) -> bytes:
    """Give a good body for an endpoint."""
    return json.dumps(good_fields(path, stream=stream)).encode()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a request looks but for its body; `None` leaves a line out."""

    key: str
    method: bytes = b"POST"
    target: bytes = ANTHROPIC_PATH.encode()
    version: bytes = b"HTTP/1.1"
    host: bytes | None = b"Host: gateway.test\r\n"
    extra: bytes = b""
    length: bytes | None = b""  # empty: the right one

    def head(self, body: bytes = b"") -> bytes:
        """Write the head for this body."""
        lines = [self.method, b" ", self.target, b" ", self.version, b"\r\n", self.host or b""]
        if self.key:
            lines.append(b"x-api-key: %b\r\n" % self.key.encode())
        lines.append(self.extra)
        if self.length is not None:
            lines.append(self.length or b"Content-Length: %d\r\n" % len(body))
        return b"".join([*lines, b"\r\n"])

    def request(self, body: bytes) -> bytes:
        """Write the request whole."""
        return self.head(body) + body


def chunked(body: bytes, size: int = 16) -> bytes:
    """Write a body in chunks, the last one included."""
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def spoken(fields: Mapping[str, object]) -> bytes:
    """Write a body's fields, also such as no encoder writes: bytes stand for themselves."""
    pairs = [
        json.dumps(name).encode() + b":" + (value if isinstance(value, bytes) else json.dumps(value).encode())
        for name, value in fields.items()
    ]
    return b"{" + b",".join(pairs) + b"}"
