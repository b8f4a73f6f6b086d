"""What goes back to a client, as ASGI messages."""

from typing import Any, Final

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.money import usd_text
from seawall.pipeline.exchange import Exchange, Reply

Headers = list[tuple[bytes, bytes]]

_JSON: Final = (b"content-type", b"application/json")
_STREAM: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),  # or nginx in front would gather the whole stream
]
_MAX_RETRY_AFTER_S: Final = 120


def reply_headers(exchange: Exchange, reply: Reply) -> Headers:
    """Give the headers of a good answer: the provider's own, and what happened on the way."""
    target = exchange.target
    now_s = exchange.watchdog.now_s()
    overhead_ms = (now_s - exchange.started_s - exchange.provider_wait_s) * 1000
    headers = [
        *reply.headers,
        (b"x-seawall-request-id", exchange.id.encode()),
        (b"x-seawall-route", exchange.route.encode()),
        (b"x-seawall-attempts", b"%d" % max(len(exchange.attempts), 1)),
        (b"x-seawall-cache", b"off"),
        (b"x-seawall-overhead-ms", b"%.2f" % overhead_ms),
    ]
    if target is not None and target.model:
        headers.append((b"x-seawall-model", target.model.encode()))
        headers.append((b"x-seawall-provider", target.provider.name.encode()))
    if reply.stream is not None:
        return _STREAM + headers
    cost = [attempt.cost_nusd for attempt in exchange.attempts]
    if None not in cost:
        headers.append((b"x-seawall-cost-usd", usd_text(sum(c or 0 for c in cost)).encode()))
    headers.append(_JSON)
    headers.append((b"content-length", b"%d" % len(reply.body)))
    return headers


def error_answer(exchange: Exchange, error: SeawallError) -> tuple[Headers, bytes]:
    """Give an error's headers and body in the client's dialect."""
    body = exchange.dialect.error_body(error, exchange.id)
    headers: Headers = list(error.headers) if isinstance(error, UpstreamError) else []
    names = {name for name, _ in headers}
    own_id = b"request-id" if exchange.dialect.name == "anthropic" else b"x-request-id"
    if own_id not in names:
        headers.append((own_id, exchange.id.encode()))
    if error.should_retry is not None and b"x-should-retry" not in names:
        headers.append((b"x-should-retry", b"true" if error.should_retry else b"false"))
    if error.retry_after_s is not None and b"retry-after" not in names:
        headers.append((b"retry-after", b"%d" % min(max(round(error.retry_after_s), 1), _MAX_RETRY_AFTER_S)))
    headers += [
        (b"x-seawall-request-id", exchange.id.encode()),
        (b"x-seawall-route", exchange.route.encode("ascii", "replace")),
        _JSON,
        (b"content-length", b"%d" % len(body)),
    ]
    return headers, body


def start(status: int, headers: Headers) -> dict[str, Any]:
    """Make the message that opens an answer."""
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    """Make a message that carries bytes of an answer."""
    return {"type": "http.response.body", "body": data, "more_body": more}
