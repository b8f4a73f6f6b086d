"""A gateway that is about to end."""

import signal
import socket

import pytest

from tests.e2e.conftest import StartGateway
from tests.e2e.stage import SandboxProcess, Wire, wait_for

BODY = b'{"model":"claude-haiku-5-5","max_tokens":400,"stream":true,"messages":[{"role":"user","content":"Hi"}]}'
HEAD = b"POST /ai/chat/v1/messages HTTP/1.1\r\nHost: a\r\nanthropic-version: 2023-06-01\r\nContent-Length: %d\r\n\r\n"


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it came in the last moment of the listening
    return False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nobody_new_is_let_in_while_running_calls_finish(
    sandbox: SandboxProcess, policy: str, start_gateway: StartGateway, workers: str
) -> None:
    sandbox.steer(output_tokens=300, tokens_per_second=150)
    gateway = start_gateway(policy + "  /ai/chat: {}\n", "--insecure-dev", "--workers", workers)
    wire = Wire(gateway.port)
    wire.send(HEAD % len(BODY) + BODY)
    begun = wire.until(b"content_block_delta")

    gateway.send(signal.SIGTERM)
    wait_for(lambda: _is_refused(gateway.port), "new connections to be refused")
    assert gateway.process.poll() is None, "the call still runs"
    data = begun + wire.rest()

    assert data.endswith(b"0\r\n\r\n")
    assert b"event: message_stop" in data
    assert gateway.ended() == 0
    wire.close()
