"""The status line and fields of an answer, as bytes."""

import math
from http import HTTPStatus
from typing import Final

from seawall.core.error import MethodNotAllowed, RateLimited, SeawallError, UpstreamError
from seawall.core.money import usd_text
from seawall.pipeline.exchange import Exchange, Reply

_MAX_RETRY_AFTER_S: Final = 120
_ATTEMPTED: Final = ("", "model")  # the ways to be degraded, and not to be, that ask a provider
_JSON: Final = b"content-type: application/json\r\n"
_STREAM: Final = (
    b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-accel-buffering: no\r\n"  # or nginx in front would gather the whole stream
)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


_STATUS_LINES: Final = {status: f"HTTP/1.1 {status} {_phrase(status)}\r\n".encode() for status in range(200, 600)}


def reply_head(exchange: Exchange, reply: Reply) -> bytes:
    """Give the head of a good answer: the provider's own fields, and what happened on the way."""
    target, attempts = exchange.target, exchange.attempts
    overhead_s = exchange.watchdog.now_s() - exchange.started_s - exchange.provider_wait_s
    # A stream's own attempt is recorded at its end, and what is no attempt of this call (an earlier answer, a fixed
    # message) counts for none.
    count = len(attempts) + (reply.stream is not None and not exchange.is_replayed and exchange.degraded in _ATTEMPTED)
    tail = (
        f"x-seawall-request-id: {exchange.id}\r\nx-seawall-route: {exchange.route}\r\n"
        f"x-seawall-attempts: {count}\r\nx-seawall-cache: off\r\n"
        f"x-seawall-overhead-ms: {overhead_s * 1000:.2f}\r\n"
    )
    if exchange.translation is not None or exchange.degraded or exchange.is_replayed:
        tail += _remarks(exchange)
    if target is not None and target.model:
        tail += f"x-seawall-model: {target.model}\r\nx-seawall-provider: {target.provider.name}\r\n"
    if reply.stream is None:
        cost = attempts[-1].cost_nusd if len(attempts) == 1 else sum(a.cost_nusd or 0 for a in attempts)
        if cost is not None:
            tail += f"x-seawall-cost-usd: {usd_text(cost)}\r\n"
    fields = b"".join([b"%b: %b\r\n" % field for field in reply.headers])
    key = target.provider.api_key if target is not None else None
    if key is not None and (text := key.reveal().encode()) in fields:  # no client ever sees what the provider knows
        fields = b"".join([b"%b: %b\r\n" % field for field in reply.headers if text not in field[1]])
    kind = _JSON if reply.stream is None else _STREAM
    return b"".join((_STATUS_LINES[reply.status], kind, fields, tail.encode("latin-1")))


def _remarks(exchange: Exchange) -> str:
    """Say what was changed on the way, and what stands in place of a fresh answer."""
    lost = [note for note in exchange.notes if note.startswith(("dropped.", "changed.")) and _is_fit(note)]
    lines = f"x-seawall-warnings: {', '.join(lost)}\r\n" if lost else ""
    if exchange.degraded:
        lines += f"x-seawall-degraded: {exchange.degraded}\r\n"
    if exchange.is_replayed:
        lines += "idempotent-replayed: true\r\n"
    return lines


def _is_fit(note: str) -> bool:
    return note.isascii() and note.isprintable()


def error_head(exchange: Exchange, error: SeawallError) -> bytes:
    """Give the head of an error: the provider's own fields where it was the provider's, and whether to retry."""
    fields = dict(error.headers) if isinstance(error, UpstreamError) else {}
    fields.setdefault(b"request-id" if exchange.dialect.name == "anthropic" else b"x-request-id", exchange.id.encode())
    if isinstance(error, MethodNotAllowed):
        fields[b"allow"] = error.allow.encode("ascii")
    if error.should_retry is not None:
        fields.setdefault(b"x-should-retry", b"true" if error.should_retry else b"false")
    if error.retry_after_s is not None:
        # A limit knows when the call will pass, be it tomorrow; all else is a guess.
        longest_s = math.inf if isinstance(error, RateLimited) else _MAX_RETRY_AFTER_S
        fields.setdefault(b"retry-after", b"%d" % max(math.ceil(min(error.retry_after_s, longest_s)), 1))
    fields[b"x-seawall-request-id"] = exchange.id.encode()
    fields[b"x-seawall-attempts"] = b"%d" % len(exchange.attempts)
    if exchange.route:
        fields[b"x-seawall-route"] = exchange.route.encode("ascii")
    lines = b"".join([b"%b: %b\r\n" % field for field in fields.items()])
    return _STATUS_LINES.get(error.status, _STATUS_LINES[502]) + _JSON + lines
