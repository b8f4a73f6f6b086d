"""Switches that are thrown by each way there is, while four workers serve."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.conftest import policy
from tests.e2e.process.running import PATIENCE_S, PROVIDER_KEY, Gateway, seawall, until
from tests.e2e.process.wire import COMPLETIONS, LAST_CHUNK, MESSAGES, begin, body_of, call, read_past, read_to_end

WITHIN_S: Final = 1.0
LOOK_FOR_S: Final = 1.6
AT_ONCE: Final = 4
FOUR: Final = ("--workers", "4")


def _kill(gateway: Gateway, *words: str) -> None:
    done = seawall(gateway.folder, *words, "--state-dir", "state")
    assert done.returncode == 0, done.stderr


def _ask_admin(gateway: Gateway, method: str, said: Any) -> int:
    """Call the kill switch on the admin port, whose address the gateway prints."""
    found = re.search(r"docs +http://127\.0\.0\.1:(\d+)/", gateway.output)
    assert found is not None, gateway.output
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=PATIENCE_S)
    try:
        token = (gateway.state_dir / "admin_token").read_text().strip()
        connection.request(method, "/admin/killswitch", json.dumps(said), {"authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def _watch(gateway: Gateway, path: str = MESSAGES) -> list[tuple[float, int]]:
    """Call over many new connections, and give when each call began, in seconds from now, and its status."""
    began_s = time.monotonic()

    def watch(_: int) -> list[tuple[float, int]]:
        seen = []
        while (at_s := time.monotonic() - began_s) < LOOK_FOR_S:
            seen.append((at_s, call(gateway.port, path).status))
        return seen

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(entry for seen in pool.map(watch, range(AT_ONCE)) for entry in seen)


def _after(seen: list[tuple[float, int]]) -> set[int]:
    """Give the statuses of the calls that began when every worker had to know."""
    return {status for at_s, status in seen if at_s > WITHIN_S}


WAYS: Final[dict[str, tuple[Callable[[Gateway], object], Callable[[Gateway], object]]]] = {
    "command": (
        lambda gateway: _kill(gateway, "kill", "route:/ai/chat", "--why", "it lies"),
        lambda gateway: _kill(gateway, "revive", "route:/ai/chat"),
    ),
    "http": (
        lambda gateway: _ask_admin(gateway, "POST", {"level": "route:/ai/chat", "why": "it lies"}),
        lambda gateway: _ask_admin(gateway, "DELETE", {"level": "route:/ai/chat"}),
    ),
    "file": (
        lambda gateway: (gateway.state_dir / "killswitch").write_text("route:/ai/chat\n"),
        lambda gateway: (gateway.state_dir / "killswitch").unlink(),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_worker_stops_within_a_second_and_goes_on_within_a_second(
    serve: Callable[..., Gateway], way: str
) -> None:
    gateway = serve(*FOUR)
    throw, revive = WAYS[way]
    assert call(gateway.port).status == 200

    throw(gateway)
    stopped, other = _watch(gateway), call(gateway.port, COMPLETIONS)
    refused = call(gateway.port)
    revive(gateway)
    again = _watch(gateway)

    assert _after(stopped) == {503}
    assert other.status == 200, "another route goes on"
    assert refused.json["error"]["message"].startswith("an operator has switched off route:/ai/chat")
    assert refused.headers["x-should-retry"] == "false"
    assert _after(again) == {200}


def test_nothing_reaches_the_provider_while_everything_is_off_and_a_restart_changes_nothing(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    gateway = serve(*FOUR)
    (gateway.state_dir / "killswitch").touch()
    assert _after(_watch(gateway)) == {503}
    gateway.close()
    billed = sandbox.meter.total.calls

    again = serve(*FOUR)
    port = re.search(
        r"http://127\.0\.0\.1:(\d+)", again.output
    )  # it warns of the switch before it says where it serves
    assert port is not None
    refused = {call(int(port[1])).status for _ in range(40)}

    assert refused == {503}
    assert "calls are stopped" in again.output
    assert sandbox.meter.total.calls == billed


@pytest.mark.parametrize("level", ["provider:anthropic", "model:claude-haiku-5-5"])
def test_a_provider_or_model_stops_and_the_others_go_on(serve: Callable[..., Gateway], level: str) -> None:
    gateway = serve(*FOUR)

    _kill(gateway, "kill", level, "--why", "it lies")

    assert _after(_watch(gateway)) == {503}
    assert call(gateway.port, COMPLETIONS).status == 200


def test_a_switch_ends_by_itself(serve: Callable[..., Gateway]) -> None:
    gateway = serve()
    _kill(gateway, "kill", "all", "--for", "2s", "--why", "a short one")
    until(lambda: call(gateway.port).status == 503, "it is off")

    until(lambda: call(gateway.port).status == 200, "it is on again")


@pytest.mark.parametrize("in_flight", ["finish", "cut"])
def test_running_streams_finish_or_are_cut_by_policy(
    sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path, in_flight: str
) -> None:
    (tmp_path / "policy.yaml").write_text(f"killswitch: {{in_flight: {in_flight}}}\n{policy(sandbox)}", "utf-8")
    gateway = start("--policy", "policy.yaml", "--insecure-dev", **PROVIDER_KEY)
    sandbox.settings = replace(sandbox.settings, output_tokens=200, thinking_tokens=2, tokens_per_second=50)

    with begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
        head = read_past(line, b"content_block_delta")
        _kill(gateway, "kill", "all", "--why", "it lies")
        wire = head + read_to_end(line)

    assert wire.startswith(b"HTTP/1.1 200 OK\r\n")
    if in_flight == "finish":
        assert wire.endswith(LAST_CHUNK)
        assert b"message_stop" in wire
    else:
        assert not wire.endswith(LAST_CHUNK)
        assert b"event: error" in wire
        assert b"was running and has been cut" in wire
    assert call(gateway.port).status == 503
