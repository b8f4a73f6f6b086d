"""A provider in a thread of its own, a policy that leads to it, and proof that nothing is left behind."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import uvloop
from anthropic import Anthropic, AsyncAnthropic
from anyio.from_thread import start_blocking_portal
from openai import AsyncOpenAI, OpenAI

import seawall
from seawall.core.record import CallRecord
from seawall.sandbox import Sandbox
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME as LEDGER
from seawall.telemetry.journal.line_file import read_lines

# Invented, and unlike each other, so that a test sees which one went where.
ANTHROPIC_KEY: Final = "canary-key-for-anthropic"
OPENAI_KEY: Final = "canary-key-for-openai"
POLICY: Final = """\
version: 1
providers:
  anthropic: {{base_url: '{url}', api_key: env:CANARY_ANTHROPIC}}
  openai: {{base_url: '{url}/v1', api_key: env:CANARY_OPENAI}}
profiles:  # every test is a call of its own: none is tried again, and none leaves a target shut for the next
  alone: {{retries: 0, breaker: {{min_calls: 100000, open_s: 1.0e-6, longest_open_s: 1.0e-6, probes: 1000}}}}
routes:
  /ai/chat: {{profile: alone, max_tokens: 500}}
  /ai/short: {{profile: alone, model: claude-haiku-4-5, max_tokens: 20}}
  /ai/quiet: {{profile: alone, streaming: false, first_token_timeout_ms: 60000}}
"""
# Of this model's answer 100 tokens cost a cent, and a prompt costs nothing: what is held is what is billed.
FLAT: Final = """\
prices:
  anthropic/sandbox-flat: {{input_usd_per_mtok: 0, output_usd_per_mtok: 100}}
{caps}
routes:
  /ai/flat: {{profile: alone, model: anthropic/sandbox-flat, max_tokens: 100}}
"""
MESSAGE: Final[Mapping[str, object]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every asynchronous test of this room on both loops that users have."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("seawall")] == []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Sandbox()) as running:
        yield running


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_ANTHROPIC", ANTHROPIC_KEY)
    monkeypatch.setenv("CANARY_OPENAI", OPENAI_KEY)


@pytest.fixture
def policy(tmp_path: Path, sandbox: Sandbox, keys: None) -> Path:
    del keys
    path = tmp_path / "seawall.yaml"
    path.write_text(POLICY.format(url=sandbox.url))
    return path


@pytest.fixture
def long_policy(tmp_path: Path, sandbox: Sandbox, keys: None) -> Path:
    """Give a policy with one route, on which answers may be long."""
    del keys
    path = tmp_path / "long.yaml"
    head, _, _ = POLICY.format(url=sandbox.url).partition("routes:")
    path.write_text(f"{head}routes:\n  /ai/long: {{model: claude-haiku-4-5, max_tokens: 64000}}\n")
    return path


@pytest.fixture
def capped(tmp_path: Path, sandbox: Sandbox, keys: None) -> Callable[[str], Path]:
    """Give a function that writes a policy with these caps and one route, each of whose calls costs a cent."""
    del keys
    sandbox.settings = replace(sandbox.settings, output_tokens=1000)

    def write(caps: str) -> Path:
        path = tmp_path / "capped.yaml"
        head, _, _ = POLICY.format(url=sandbox.url).partition("routes:")
        path.write_text(head + FLAT.format(caps=caps))
        return path

    return write


@pytest.fixture
def books(state_dir: Path) -> Iterator[SqliteBooks]:
    """Open the ledger beside whoever writes in it."""
    with closing(SqliteBooks(state_dir / LEDGER)) as found:
        yield found


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def records(state_dir: Path) -> Callable[[], list[CallRecord]]:
    """Give what the journal holds, in the order of the calls' beginnings; to be read when its client is closed."""

    def read() -> list[CallRecord]:
        files = state_dir.glob("journal/calls-*.jsonl")
        return sorted((record for file in files for record in read_lines(file)), key=lambda record: record.id)

    return read


@pytest.fixture
def monitor() -> seawall.Monitor:
    return seawall.Monitor()


@pytest.fixture
def claude(policy: Path, state_dir: Path, monitor: seawall.Monitor) -> Iterator[Anthropic]:
    http = seawall.http_client(policy, route="/ai/chat", state_dir=state_dir, monitor=monitor, team="blue")
    with Anthropic(http_client=http, api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(policy: Path, state_dir: Path, monitor: seawall.Monitor) -> Iterator[OpenAI]:
    http = seawall.http_client(policy, route="/ai/chat", state_dir=state_dir, monitor=monitor, team="blue")
    with OpenAI(http_client=http, api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture
async def async_claude(policy: Path, state_dir: Path, monitor: seawall.Monitor) -> AsyncIterator[AsyncAnthropic]:
    http = seawall.async_http_client(policy, route="/ai/chat", state_dir=state_dir, monitor=monitor, team="blue")
    async with AsyncAnthropic(http_client=http, api_key="unused", max_retries=0) as client:
        yield client
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def async_gpt(policy: Path, state_dir: Path, monitor: seawall.Monitor) -> AsyncIterator[AsyncOpenAI]:
    http = seawall.async_http_client(policy, route="/ai/chat", state_dir=state_dir, monitor=monitor, team="blue")
    async with AsyncOpenAI(http_client=http, api_key="unused", max_retries=0) as client:
        yield client
    assert asyncio.all_tasks() == {asyncio.current_task()}


class HalfStream:
    """A provider that begins a stream and then says nothing more; it tells when its client has gone."""

    BEGINNING: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="half a stream")
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.has_begun = threading.Event()
        self.is_left = threading.Event()
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            connection.settimeout(20)
            connection.recv(65_536)
            frames = _frame("message_start", message=MESSAGE)
            frames += _frame("content_block_start", index=0, content_block={"type": "text", "text": ""})
            frames += _frame("content_block_delta", index=0, delta={"type": "text_delta", "text": "Half"})
            connection.sendall(self.BEGINNING + b"%x\r\n%b\r\n" % (len(frames), frames))
            self.has_begun.set()
            while connection.recv(65_536):
                pass
            self.is_left.set()

    def close(self) -> None:
        """Stop, also where nobody ever called."""
        if not self.has_begun.is_set():
            socket.create_connection(self._listening.getsockname()).close()
        self._thread.join(20)
        self._listening.close()


def _frame(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


@pytest.fixture
def half_stream(tmp_path: Path, keys: None) -> Iterator[Mapping[str, threading.Event]]:
    """Run a provider that stalls, its policy in `half.yaml`; it says that it has `begun`, and that it is `left`."""
    del keys
    server = HalfStream()
    (tmp_path / "half.yaml").write_text(POLICY.format(url=server.url))
    yield {"begun": server.has_begun, "left": server.is_left}
    server.close()
