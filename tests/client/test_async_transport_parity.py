"""The embedded client answers as the gateway does: same status, same fields, same body."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import pytest

import seawall
from seawall.assembly.build import House
from seawall.assembly.clock import SystemClock
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.core.principal import Principal
from seawall.gateway.app import Gateway
from seawall.gateway.server import DataServer
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.dispatch import Outlet
from seawall.pipeline.watchdog import Kennel
from seawall.policy.compile import load_policy
from seawall.policy.plan import CompiledPolicy
from seawall.sandbox import Sandbox
from seawall.telemetry.monitor import Monitor
from seawall.telemetry.scrub import Scrubber
from seawall.upstreams.pool import Pool
from seawall.upstreams.provider_head import ProviderHeads
from seawall.upstreams.reply_head import passed_on
from seawall.upstreams.settings import UpstreamSettings

KEYS: Final = {"CANARY_ANTHROPIC": "canary-key-for-anthropic", "CANARY_OPENAI": "canary-key-for-openai"}
MESSAGE: Final[dict[str, Any]] = {  # Any: JSON
    "model": "claude-haiku-4-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Hello"}],
}
CHAT: Final[dict[str, Any]] = {"model": "gpt-4o-mini", "messages": MESSAGE["messages"]}  # Any: JSON

# What a socket needs and a function call does not.
OF_THE_CONNECTION: Final = frozenset({"connection", "date", "keep-alive", "server", "transfer-encoding"})
NEW_EVERY_TIME: Final = re.compile(r"req_[0-9a-f]{20,}|msg_\w+|chatcmpl-\w+|toolu_\w+")
SECOND: Final = re.compile(r'(?<="created":)\d+')  # the two calls may fall into two seconds
MEASURED: Final = frozenset({"x-seawall-overhead-ms", "openai-processing-ms"})
COUNTED_DOWN: Final = re.compile("remaining|reset")


@pytest.fixture
async def gateway(policy: Path) -> AsyncIterator[str]:
    """Serve the same policy over HTTP and without keys."""
    loop, clock = asyncio.get_running_loop(), SystemClock()
    pool = Pool(UpstreamSettings())
    guard = JournalGuard(Monitor(), JournalSettings(str, str))
    house = House(guard, Outlet(pool, ProviderHeads(), passed_on))

    def load() -> CompiledPolicy:
        return load_policy(policy, environment=KEYS)

    live = Live(load, lambda compiled: Entry(compiled, house, None, Principal("", default_route="/ai/chat")))
    server = DataServer(Gateway(live, Kennel(loop, clock.monotonic_s), clock, Scrubber().scrub).handle)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    await server.start(listening)
    yield url
    await server.aclose(1.0)
    await pool.aclose()


class Shown(NamedTuple):
    status: int
    fields: dict[str, str]
    body: str


def _shown(response: httpx2.Response) -> Shown:
    fields = {
        name: NEW_EVERY_TIME.sub("ID", value)
        for name, value in response.headers.items()
        if name not in OF_THE_CONNECTION
    }
    for name in fields:
        if name in MEASURED or COUNTED_DOWN.search(name):
            fields[name] = "…"
    return Shown(response.status_code, fields, NEW_EVERY_TIME.sub("ID", SECOND.sub("…", response.text)))


@pytest.mark.parametrize(
    ("method", "path", "body", "headers"),
    [
        pytest.param("POST", "/v1/messages", MESSAGE, {}, id="message"),
        pytest.param("POST", "/v1/messages", {**MESSAGE, "stream": True}, {}, id="stream"),
        pytest.param(
            "POST", "/v1/messages", {**MESSAGE, "stream": True}, {"x-seawall-trailer": "cost"}, id="stream with cost"
        ),
        pytest.param("POST", "/ai/short", MESSAGE, {}, id="a route's own path"),
        pytest.param("POST", "/v1/messages/count_tokens", MESSAGE, {}, id="count tokens"),
        pytest.param("POST", "/v1/chat/completions", CHAT, {}, id="chat"),
        pytest.param("POST", "/ai/chat/chat/completions", {**CHAT, "stream": True}, {}, id="chat stream"),
        pytest.param("POST", "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}, {}, id="embeddings"),
        pytest.param("GET", "/v1/models?limit=2", None, {"anthropic-version": "2023-06-01"}, id="models"),
        pytest.param("GET", "/v1/models/gpt-4o-mini", None, {}, id="model"),
        pytest.param("GET", "/v1/nowhere", None, {}, id="no such path"),
        pytest.param("POST", "/v1/messages", {"model": "claude-haiku-4-5"}, {}, id="refused by the provider"),
        pytest.param("POST", "/v1/messages", {**MESSAGE, "model": 7}, {}, id="refused by us"),
        pytest.param("POST", "/v1/messages", {**MESSAGE, "model": "no-such-model"}, {}, id="a model of nobody"),
        pytest.param("POST", "/v1/chat/completions", MESSAGE, {}, id="the other dialect"),
        pytest.param("POST", "/ai/quiet/v1/messages", {**MESSAGE, "stream": True}, {}, id="streaming off"),
        pytest.param("POST", "/v1/messages", MESSAGE, {"x-seawall-route": "/ai/none"}, id="a route of nobody"),
        pytest.param("POST", "/v1/messages", MESSAGE, {"x-seawall-class": "none"}, id="a class of nobody"),
        pytest.param("POST", "/v1/messages", MESSAGE, {"content-encoding": "gzip"}, id="compressed"),
    ],
)
async def test_the_client_answers_as_the_gateway_does(
    method: str, path: str, body: object, headers: dict[str, str], gateway: str, policy: Path
) -> None:
    content = None if body is None else json.dumps(body).encode()
    async with httpx2.AsyncClient() as outside:
        over_http = await outside.request(method, gateway + path, content=content, headers=headers)
    async with seawall.async_http_client(policy, route="/ai/chat") as inside:
        in_process = await inside.request(method, gateway + path, content=content, headers=headers)

    assert _shown(in_process) == _shown(over_http)


@pytest.mark.parametrize(
    "fault", ["status=429", "retry_after=7", "status=529", "echo_key", "html_error", "cut_headers"]
)
async def test_the_client_fails_as_the_gateway_does(fault: str, gateway: str, policy: Path, sandbox: Sandbox) -> None:
    sandbox.set_fault(fault)
    async with httpx2.AsyncClient() as outside:
        over_http = await outside.post(f"{gateway}/v1/messages", json=MESSAGE)
    async with seawall.async_http_client(policy, route="/ai/chat") as inside:
        in_process = await inside.post(f"{gateway}/v1/messages", json=MESSAGE)

    assert over_http.status_code >= 400
    assert _shown(in_process) == _shown(over_http)
