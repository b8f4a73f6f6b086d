"""A sandbox on virtual time, the official clients pointed at it, and bare sockets for what no client would send."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import httpx2
import pytest
import uvloop
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from seawall.sandbox import Sandbox, Settings
from seawall.sandbox.cache import PromptCache
from seawall.sandbox.call import Call
from seawall.sandbox.fault import NO_FAULTS, Faults
from seawall.testing.clock import START_WALL_S, LoopClock
from seawall.testing.virtual_loop import VirtualLoop

KEY: Final = "key-of-the-client"
ON_REAL_LOOPS: Final = {"test_server.py", "test_deliver.py"}
REAL: Final[Mapping[str, Callable[[], asyncio.AbstractEventLoop]]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
VIRTUAL: Final[Mapping[str, Callable[[], asyncio.AbstractEventLoop]]] = {"virtual": VirtualLoop}


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests of bytes on both loops that users have, all others on virtual time."""
    return REAL if item.path.name in ON_REAL_LOOPS else VIRTUAL


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=LoopClock()) as running:
        yield running


@pytest.fixture
async def claude(sandbox: Sandbox) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=sandbox.url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def gpt(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{sandbox.url}/v1", api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    async with httpx2.AsyncClient(base_url=sandbox.url, headers=headers, timeout=3600) as client:
        yield client


class Heard(NamedTuple):
    """What came over a connection until its end, and whether that end was a reset."""

    data: bytes
    was_reset: bool

    @property
    def head(self) -> bytes:
        """Give the status line and headers."""
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """Give what came after the headers, as it is on the wire."""
        return self.data.partition(b"\r\n\r\n")[2]


@pytest.fixture
def converse(sandbox: Sandbox) -> Callable[[bytes], Awaitable[Heard]]:
    """Send bytes as they are and read until the other side ends the connection."""

    async def exchange(data: bytes) -> Heard:
        reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
        writer.write(data)
        heard, was_reset = b"", False
        try:
            while piece := await reader.read(65_536):
                heard += piece
        except ConnectionResetError:
            was_reset = True
        writer.close()
        return Heard(heard, was_reset)

    return exchange


@pytest.fixture
def request_bytes() -> Callable[..., bytes]:
    """Write a POST of a JSON body that asks for the connection to be closed after it."""

    def write(path: str, body: Mapping[str, Any], **headers: str) -> bytes:
        data = json.dumps(body).encode()
        fields = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "connection": "close"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {path} HTTP/1.1\r\nhost: sandbox\r\n{lines}content-length: {len(data)}\r\n\r\n".encode() + data

    return write


@pytest.fixture
def make_call() -> Callable[..., Call]:
    """Make the call of an endpoint without a server; all made in one test share a prompt cache."""
    cache = PromptCache()

    def make(  # one call has many sides, and a test names only those that matter to it
        body: Any = None,  # any JSON value, or bytes as they are
        *,
        version: str | None = "2023-06-01",
        headers: Mapping[str, str] | None = None,
        settings: Settings | None = None,
        faults: Faults = NO_FAULTS,
        now_s: float = 0.0,
        **rest: Any,
    ) -> Call:
        found = {} if version is None else {"anthropic-version": version}
        return Call(
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers=found | dict(headers or {}),
            query=rest.get("query", {}),
            name=rest.get("name", ""),
            settings=settings or Settings(),
            faults=faults,
            key=rest.get("key", 1),
            request_id="req_test",
            now_s=now_s,
            wall_s=START_WALL_S + now_s,
            cache=cache,
        )

    return make
