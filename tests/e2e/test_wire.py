"""HTTP/1.1 as bare sockets speak it, through a whole gateway."""

import json
from collections.abc import Callable
from typing import Final

import pytest

from tests.e2e.stage import GatewayProcess, SandboxProcess, Wire

BODY: Final = b'{"model":"claude-haiku-5-5","max_tokens":64,"messages":[{"role":"user","content":"Hi"}]}'
STREAMED: Final = BODY[:-1] + b',"stream":true}'

Dial = Callable[..., Wire]


def _head(key: str, *lines: str, path: str = "/ai/open", version: str = "1.1", method: str = "POST") -> bytes:
    fields = ("Host: gateway", f"x-api-key: {key}", "anthropic-version: 2023-06-01", *lines)
    return "\r\n".join((f"{method} {path} HTTP/{version}", *fields, "", "")).encode()


def _post(key: str, body: bytes, *lines: str, path: str = "/ai/open", version: str = "1.1") -> bytes:
    return _head(key, f"Content-Length: {len(body)}", *lines, path=path, version=version) + body


def _whole(wire: Wire) -> tuple[bytes, bytes]:
    """Read one answer of announced length; give head and body."""
    data = wire.until(b"\r\n\r\n")
    head, _, body = data.partition(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < size:
        body += wire.socket.recv(size - len(body))
    assert len(body) == size, "nothing came that was not asked for"
    return head, body


@pytest.fixture
def wire(gateway: GatewayProcess, sandbox: SandboxProcess, dial: Dial) -> Wire:
    """Open a connection, before a provider that answers briefly."""
    sandbox.steer(text="Ahoy!")
    return dial(gateway.port)


def test_connection_is_kept_for_many_calls(wire: Wire, key: str) -> None:
    for _ in range(5):
        wire.send(_post(key, BODY))
        head, body = _whole(wire)

        assert head.startswith(b"HTTP/1.1 200 OK")
        assert b"connection:" not in head.lower()
        assert json.loads(body)["type"] == "message"


def test_connection_closes_when_the_client_asks_for_it(wire: Wire, key: str) -> None:
    wire.send(_post(key, BODY, "Connection: close"))

    head, _, body = wire.rest().partition(b"\r\n\r\n")

    assert b"\r\nconnection: close" in head
    assert json.loads(body)["type"] == "message"


def test_old_client_gets_its_answer_and_the_end(wire: Wire, key: str) -> None:
    wire.send(_post(key, BODY, version="1.0"))

    head, _, body = wire.rest().partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert json.loads(body)["type"] == "message"


def test_old_client_gets_a_stream_up_to_the_end(wire: Wire, key: str) -> None:
    wire.send(_post(key, STREAMED, version="1.0"))

    head, _, body = wire.rest().partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head
    assert body.startswith(b"event: message_start\n")
    assert body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


def test_old_client_sees_that_a_stream_broke(wire: Wire, key: str, sandbox: SandboxProcess) -> None:
    sandbox.steer("cut=2000", output_tokens=200, tokens_per_second=400)
    wire.send(_post(key, STREAMED, version="1.0"))

    with pytest.raises(ConnectionResetError):
        wire.rest()


def test_stream_is_chunked_and_the_connection_lives_on(wire: Wire, key: str) -> None:
    for _ in range(2):
        wire.send(_post(key, STREAMED))
        data = wire.until(b"0\r\n\r\n")

        head = data.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\ntransfer-encoding: chunked" in head
        assert b"\r\ncontent-type: text/event-stream" in head
        assert b"connection:" not in head
        assert data.endswith(b"0\r\n\r\n")


def test_chunked_body_is_read(wire: Wire, key: str, sandbox: SandboxProcess) -> None:
    wire.send(_head(key, "Transfer-Encoding: chunked"))
    for part in (BODY[:1], BODY[1:40], BODY[40:]):
        wire.send(b"%x;extension=1\r\n%b\r\n" % (len(part), part))
    wire.send(b"0\r\nx-seawall-feature: forged\r\n\r\n")

    head, _ = _whole(wire)

    assert head.startswith(b"HTTP/1.1 200 OK")
    assert sandbox.requests()[0]["body"].encode() == BODY


def test_client_that_asks_first_is_told_to_go_on(wire: Wire, key: str) -> None:
    wire.send(_head(key, "Expect: 100-continue", f"Content-Length: {len(BODY)}"))
    assert wire.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    wire.send(BODY)

    assert _whole(wire)[0].startswith(b"HTTP/1.1 200 OK")


def test_client_that_asks_first_and_may_not_is_told_so(wire: Wire) -> None:
    wire.send(_head("sw_nobody", "Expect: 100-continue", "Content-Length: 1000000"))

    assert wire.rest().startswith(b"HTTP/1.1 401 ")


def test_pipelined_calls_are_answered_in_order(wire: Wire, key: str, sandbox: SandboxProcess) -> None:
    sandbox.steer(text="", output_tokens=5)
    models = ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-4-8", "claude-haiku-5-5")
    calls = [_post(key, BODY.replace(b"claude-haiku-5-5", model.encode())) for model in models]

    wire.send(b"".join([*calls, _head(key, "Connection: close", method="GET", path="/healthz")]))
    answers = wire.rest()

    named = [
        json.loads(b"{" + part.split(b"\r\n\r\n{", 1)[1].split(b"HTTP/1.1")[0])["model"]
        for part in [
            b"\r\n\r\n{" + piece.partition(b"\r\n\r\n{")[2] for piece in answers.split(b"HTTP/1.1 200 OK")[1:-1]
        ]
    ]
    assert named == list(models)
    assert answers.endswith(b'{"status":"ok"}')


def test_head_gets_no_body(wire: Wire, key: str) -> None:
    wire.send(
        _head(key, method="HEAD", path="/healthz") + _head(key, "Connection: close", method="GET", path="/healthz")
    )

    heads = wire.rest().split(b"\r\n\r\n")

    assert [head.split(b"\r\n")[0] for head in heads[:2]] == [b"HTTP/1.1 200 OK"] * 2
    assert b"content-length: 15" in heads[0]
    assert heads[2] == b'{"status":"ok"}'


def test_offer_to_upgrade_is_declined_and_the_call_answered(wire: Wire, key: str) -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")

    for _ in range(2):
        wire.send(_post(key, BODY, *offer))
        head, body = _whole(wire)

        assert head.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(body)["type"] == "message"


def test_target_may_be_absolute(wire: Wire, key: str) -> None:
    wire.send(_post(key, BODY, path="http://gateway.example/ai/open/v1/messages?beta=true"))

    assert _whole(wire)[0].startswith(b"HTTP/1.1 200 OK")


def test_body_cut_into_single_bytes_is_read(wire: Wire, key: str) -> None:
    for byte in _post(key, BODY):
        wire.send(bytes([byte]))

    assert _whole(wire)[0].startswith(b"HTTP/1.1 200 OK")


def test_compressed_body_is_refused_with_its_reason(wire: Wire, key: str) -> None:
    wire.send(_post(key, BODY, "Content-Encoding: gzip"))

    head, body = _whole(wire)

    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"expected an uncompressed body" in body


def test_what_is_no_request_gets_a_400_and_the_end(wire: Wire) -> None:
    wire.send(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03")

    assert wire.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
