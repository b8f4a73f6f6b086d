"""Streams that break at the provider, byte for byte as a client sees them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from seawall.sandbox import Sandbox
from tests.e2e.process.running import Gateway
from tests.e2e.process.wire import COMPLETIONS, LAST_CHUNK, MESSAGES, begin, body_of, call, read_to_end

BOTH: Final = pytest.mark.parametrize(
    ("path", "model"), [(MESSAGES, "claude-haiku-5-5"), (COMPLETIONS, "gpt-5.4")], ids=["anthropic", "openai"]
)
# So late a stream has had content, so that it is committed and can only break.
LATE: Final = ("cut=3000", "no_terminal", "no_terminal=12", "error_in_stream=overloaded_error@12")
EARLY: Final = ("cut=10", "error_in_stream=overloaded_error@0")


def _stream(port: int, path: str, model: str) -> bytes:
    with begin(port, path, body_of(is_stream=True, model=model)) as line:
        return read_to_end(line)


def _last_event(wire: bytes) -> tuple[str, Any]:
    """Give the last event's name and its JSON; what frames the last chunk is cut off with the event's blank line."""
    event = wire.rpartition(b"\n\n")[0].rpartition(b"\n\n")[2].decode()
    name = next((line[7:] for line in event.splitlines() if line.startswith("event: ")), "")
    data = next(line[6:] for line in event.splitlines() if line.startswith("data: "))
    return name, json.loads(data)


def _check_error(path: str, name: str, said: Any) -> None:
    if path == MESSAGES:
        assert (name, said["type"]) == ("error", "error")
    else:
        assert name == ""
    assert said["error"]["message"]
    assert said["error"]["type"]


@pytest.mark.parametrize("fault", LATE)
@BOTH
def test_a_stream_that_breaks_ends_in_an_error_event_and_without_its_last_chunk(
    sandbox: Sandbox, serve: Callable[..., Gateway], path: str, model: str, fault: str
) -> None:
    gateway = serve()
    sandbox.settings = replace(sandbox.settings, output_tokens=100, thinking_tokens=2, tokens_per_second=200)
    sandbox.set_fault(fault, count=1)

    broken, whole = (_stream(gateway.port, path, model) for _ in range(2))

    assert broken.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not broken.endswith(LAST_CHUNK)
    _check_error(path, *_last_event(broken))
    assert whole.endswith(LAST_CHUNK)
    first, second = gateway.recorded(2)
    assert (first.outcome, second.outcome) == ("failed", "ok")


@pytest.mark.parametrize("fault", EARLY)
@BOTH
def test_a_stream_that_breaks_before_its_first_content_is_an_error_from_the_start(
    sandbox: Sandbox, serve: Callable[..., Gateway], path: str, model: str, fault: str
) -> None:
    gateway = serve()
    sandbox.set_fault(fault)

    answer = call(gateway.port, path, body_of(is_stream=True, model=model))

    assert answer.status >= 500
    _check_error(path, "error" if path == MESSAGES else "", answer.json)
    assert [record.outcome for record in gateway.recorded(1)] == ["failed"]


@BOTH
def test_garbage_in_a_stream_is_an_error_wherever_it_comes(
    sandbox: Sandbox, serve: Callable[..., Gateway], path: str, model: str
) -> None:
    gateway = serve()
    sandbox.set_fault("garbage")

    wire = _stream(gateway.port, path, model)

    head, _, body = wire.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200 "):  # it came after the first content
        assert not wire.endswith(LAST_CHUNK)
        _check_error(path, *_last_event(wire))
    else:
        _check_error(path, "error" if path == MESSAGES else "", json.loads(body))
    assert [record.outcome for record in gateway.recorded(1)] == ["failed"]
