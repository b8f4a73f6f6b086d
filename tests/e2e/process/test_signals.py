"""How a gateway ends when it is told to."""

import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.running import PATIENCE_S, Gateway, is_running
from tests.e2e.process.wire import LAST_CHUNK, MESSAGES, begin, body_of, call, read_past, read_to_end

WORKERS: Final = pytest.mark.parametrize("workers", ["1", "3"])


def _slow(sandbox: Sandbox, tokens: int) -> None:
    sandbox.settings = replace(sandbox.settings, output_tokens=tokens, tokens_per_second=100)


def _idle_connection(gateway: Gateway) -> socket.socket:
    """Give a connection that waits for its next request; a gateway that begins to end closes it."""
    line = socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE_S)
    line.sendall(b"GET /healthz HTTP/1.1\r\nhost: gateway.test\r\n\r\n")
    read_past(line, b'"ok"}')
    return line


@WORKERS
def test_sigterm_lets_a_running_stream_finish(sandbox: Sandbox, serve: Callable[..., Gateway], workers: str) -> None:
    gateway = serve("--workers", workers)
    _slow(sandbox, 150)
    with begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
        wire = read_past(line, b"content_block_delta")

        gateway.signal(signal.SIGTERM)
        wire += read_to_end(line)

    assert b"event: message_stop" in wire
    assert wire.endswith(LAST_CHUNK)
    assert gateway.ends() == 0
    assert [record.outcome for record in gateway.records()] == ["ok"]


@WORKERS
def test_a_second_sigterm_ends_at_once(sandbox: Sandbox, serve: Callable[..., Gateway], workers: str) -> None:
    gateway = serve("--workers", workers)
    pids = gateway.workers().values()
    _slow(sandbox, 30_000)
    with _idle_connection(gateway) as idle, begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
        wire = read_past(line, b"content_block_delta")

        gateway.signal(signal.SIGTERM)
        read_to_end(idle)
        gateway.signal(signal.SIGTERM)
        code = gateway.ends()
        wire += read_to_end(line)

    assert code == 1
    assert not wire.endswith(LAST_CHUNK)
    assert not any(map(is_running, pids))


@WORKERS
def test_ctrl_c_ends_in_order_and_without_a_traceback(serve: Callable[..., Gateway], workers: str) -> None:
    gateway = serve("--workers", workers)
    assert call(gateway.port).status == 200

    os.killpg(gateway.popen.pid, signal.SIGINT)

    assert gateway.ends() == 0
    assert "Traceback" not in gateway.output
    assert gateway.logged("error") == []
    assert [record.outcome for record in gateway.records()] == ["ok"]
