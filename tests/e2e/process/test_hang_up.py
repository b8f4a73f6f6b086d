"""Clients that leave, and clients that do not read."""

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.running import Gateway, memory_mb, until
from tests.e2e.process.wire import COMPLETIONS, MESSAGES, begin, body_of, read_past

pytestmark = pytest.mark.alone

WITHIN_S: Final = 0.1
TRIALS: Final = 3  # the best of so many counts: the machine may be busy at any one moment
READERS: Final = 4
TOKENS: Final = 100_000
GROWTH_MB: Final = 20.0


def _seconds_until_seen(sandbox: Sandbox, leave: Callable[[], None]) -> float:
    """Leave, and give the seconds until the provider's connection was gone, by the provider's own clock."""
    before = len(sandbox.meter.entries)
    left_s = time.time()  # noqa: TID251  # the provider stamps its entries with the wall clock
    leave()
    until(lambda: len(sandbox.meter.entries) > before, "the provider sees the hang-up")
    entry = sandbox.meter.entries[-1]
    assert entry.hung_up
    return entry.at_s - left_s


@pytest.mark.parametrize(("path", "model"), [(MESSAGES, "claude-haiku-5-5"), (COMPLETIONS, "gpt-5.4")])
def test_a_client_that_leaves_a_stream_ends_it_at_the_provider_at_once(
    sandbox: Sandbox, serve: Callable[..., Gateway], path: str, model: str
) -> None:
    gateway = serve()
    sandbox.settings = replace(sandbox.settings, output_tokens=5_000, tokens_per_second=50)
    took_s = []

    for _ in range(TRIALS):
        line = begin(gateway.port, path, body_of(is_stream=True, model=model))
        read_past(line, b"data: ")
        took_s.append(_seconds_until_seen(sandbox, line.close))

    assert min(took_s) < WITHIN_S
    assert [record.outcome for record in gateway.recorded(TRIALS)] == ["hung_up"] * TRIALS
    assert all(record.stream for record in gateway.records())


def test_a_client_that_leaves_while_it_waits_ends_the_call_at_the_provider_at_once(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    gateway = serve()
    sandbox.settings = replace(sandbox.settings, header_ms=15_000)
    took_s = []

    for trial in range(TRIALS):
        line = begin(gateway.port, MESSAGES, body_of())
        until(lambda trial=trial: len(sandbox.requests.last(10)) > trial, "the provider has the call")  # type: ignore[misc]  # bound at once
        took_s.append(_seconds_until_seen(sandbox, line.close))

    assert min(took_s) < WITHIN_S
    assert [record.outcome for record in gateway.recorded(TRIALS)] == ["hung_up"] * TRIALS


def _unread(line: socket.socket) -> int:
    """Say how many bytes wait in this machine's receive buffer."""
    return int(struct.unpack("i", fcntl.ioctl(line, termios.FIONREAD, bytes(4)))[0])


def _wait_until_nothing_moves(lines: list[socket.socket]) -> None:
    seen: list[list[int]] = []

    def is_still() -> bool:
        seen.append([_unread(line) for line in lines])
        return all(seen[-1]) and len(seen) > 100 and seen[-1] == seen[-100]

    until(is_still, "every buffer on the way is full", patience_s=45)  # tens of megabytes through a busy machine


def test_readers_that_do_not_read_cost_no_memory_and_stop_the_provider(
    sandbox: Sandbox, serve: Callable[..., Gateway]
) -> None:
    gateway = serve()
    sandbox.settings = replace(sandbox.settings, output_tokens=200, tokens_per_event=1)
    for _ in range(3):  # so that what the first calls load is no growth
        with begin(gateway.port, MESSAGES, body_of(is_stream=True)) as line:
            read_past(line, b"message_stop")
    sandbox.settings = replace(sandbox.settings, output_tokens=TOKENS)
    before_mb = memory_mb(gateway.popen.pid)

    lines = [begin(gateway.port, MESSAGES, body_of(is_stream=True), receive_buffer=16_384) for _ in range(READERS)]
    _wait_until_nothing_moves(lines)
    after_mb = memory_mb(gateway.popen.pid)

    for line in lines:
        line.close()
    until(lambda: sandbox.meter.total.hung_up == READERS, "the provider sees the hang-ups")
    assert after_mb - before_mb < GROWTH_MB
    assert all(entry.events < TOKENS for entry in list(sandbox.meter.entries)[-READERS:])
