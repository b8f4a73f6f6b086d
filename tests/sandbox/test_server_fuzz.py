"""Whatever is sent, the sandbox answers, and never with an error of its own."""

import asyncio
import json
import ssl
from contextlib import suppress
from typing import Any, Final

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.sandbox import Sandbox
from seawall.testing.clock import LoopClock
from seawall.testing.virtual_loop import run_virtual

# Nothing here is encrypted, and a client with a context of its own reads every authority of the system, each example.
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PATHS = ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions", "/v1/responses", "/v1/embeddings"]
WORDS = [
    "model",
    "messages",
    "max_tokens",
    "role",
    "user",
    "assistant",
    "system",
    "tool",
    "content",
    "type",
    "text",
    "tools",
    "name",
    "input_schema",
    "tool_choice",
    "any",
    "auto",
    "stream",
    "claude-haiku-4-5",
    "claude-opus-5-5",
    "gpt-5.5",
    "gpt-6-sol",
    "text-embedding-3-small",
    "input",
    "thinking",
    "enabled",
    "adaptive",
    "budget_tokens",
    "cache_control",
    "ephemeral",
    "ttl",
    "1h",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "id",
    "image",
    "source",
    "base64",
    "media_type",
    "image/png",
    "data",
    "document",
    "output_config",
    "format",
    "json_schema",
    "schema",
    "object",
    "properties",
    "function",
    "parameters",
    "n",
    "response_format",
    "stop_sequences",
    "tool_calls",
    "tool_call_id",
    "arguments",
    "image_url",
    "url",
    "data:image/png;base64,",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8).filter(lambda text: text.isprintable())
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=30,
)
CLAUDE: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "hi"}],
}
GPT: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}], "input": "hi"}
NEARLY = st.builds(
    lambda base, change: base | change,
    st.sampled_from([CLAUDE, GPT, {"model": "text-embedding-3-small", "input": "hi"}]),
    st.dictionaries(st.sampled_from(WORDS), JSON, max_size=3),
)
BODIES = st.binary(max_size=200) | (JSON | NEARLY).map(lambda value: json.dumps(value).encode())
HEADERS = st.dictionaries(
    st.sampled_from(
        ["anthropic-version", "anthropic-beta", "x-api-key", "authorization", "x-sandbox-text", "x-sandbox-refusal"]
    ),
    st.sampled_from(["2023-06-01", "2026-10-21", "", "Bearer k", "before", "midway", "%ff%00"]),
)


@pytest.mark.timeout(300)  # work, and no waiting: a busy machine takes long
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(calls=st.lists(st.tuples(st.sampled_from(PATHS), BODIES, HEADERS), min_size=1, max_size=8))
def test_any_body_is_answered(calls: list[tuple[str, bytes, dict[str, str]]]) -> None:
    async def main() -> list[int]:
        async with (
            Sandbox(clock=LoopClock()) as sandbox,
            httpx2.AsyncClient(base_url=sandbox.url, verify=NO_AUTHORITIES) as client,
        ):
            defaults = {"anthropic-version": "2023-06-01", "x-api-key": "k"}
            return [
                (await client.post(path, content=body, headers=defaults | headers)).status_code
                for path, body, headers in calls
            ]

    statuses = run_virtual(main())

    assert set(statuses) <= {200, 400, 401, 404}


@pytest.mark.parametrize("depth", [100, 250, 300, 900, 1_100, 100_000])
@pytest.mark.parametrize("path", PATHS)
async def test_depth_is_refused_or_answered(http: httpx2.AsyncClient, path: str, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    schema = b'{"a":' * depth + b"1" + b"}" * depth
    for field, value in (
        (b"metadata", nested),
        (b"tools", b'[{"name":"a","input_schema":%b}]' % schema),
        (b"input", nested),
    ):
        body = b'{"model":"claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}],"%b":%b}' % (
            field,
            value,
        )

        assert (await http.post(path, content=body)).status_code in {200, 400, 404}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    pieces=st.lists(
        st.binary(max_size=40)
        | st.sampled_from(
            [
                b"POST /v1/messages HTTP/1.1\r\n",
                b"GET / HTTP/1.0\r\n",
                b"\r\n",
                b"Content-Length: 5\r\n",
                b"a: b\r\n",
                b"0\r\n\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Content-Length: 99999999999999999999\r\n",
                b"Expect: 100-continue\r\n",
                b"Connection: upgrade\r\nUpgrade: x\r\n",
                b"x-sandbox-fault: wrong_length=+5\r\n",
                b"5\r\nhello\r\n",
            ]
        ),
        max_size=12,
    )
)
def test_any_bytes_are_answered_or_refused_and_the_connection_ends(pieces: list[bytes]) -> None:
    async def main() -> bytes:
        async with Sandbox(clock=LoopClock()) as sandbox:
            reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
            for piece in pieces:
                writer.write(piece)
            heard = b""
            with suppress(ConnectionError):
                heard = await reader.read()  # ends at the latest when the idle connection is closed
            writer.close()
            return heard

    heard = run_virtual(main())

    assert b"HTTP/1.1 500" not in heard
