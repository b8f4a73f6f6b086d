"""What an attempt really used and cost (row C12), and how long it took (row L3)."""

from typing import Any

from seawall.core.error import SeawallError, UpstreamError
from seawall.core.price import cost_nusd
from seawall.core.record import AttemptRecord, bounded
from seawall.core.usage import NO_USAGE
from seawall.dialects.dialect import CHAT, Facts
from seawall.pipeline.exchange import CallNext, Exchange, Reply
from seawall.pipeline.stream import StreamReply

_NO_FACTS = Facts()


class MeterGuard:
    """Keep one record of every attempt, however it ends, with the provider's own count priced; calls on once."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Meter one attempt."""
        began_s = exchange.watchdog.now_s()
        if exchange.wants_stream and exchange.endpoint is CHAT:
            _ask_for_usage(exchange)
        try:
            reply = await call_next(exchange)
            if reply.stream is None:
                facts = exchange.dialect.read_reply(exchange.endpoint, reply.body)
        except BaseException as error:
            _keep(exchange, began_s, _NO_FACTS, None, error)
            raise
        stream = reply.stream
        if stream is None:
            _keep(exchange, began_s, facts, reply, None)
        else:
            watched: StreamReply = stream
            stream.on_end(lambda error: _keep(exchange, began_s, watched.facts, reply, error))
        return reply


def _keep(exchange: Exchange, began_s: float, facts: Facts, reply: Reply | None, error: BaseException | None) -> None:
    """Append the attempt's record to the exchange."""
    target, usage = exchange.target, facts.usage or NO_USAGE
    if target is None:
        return
    cost: int | None = None
    if not exchange.endpoint.is_billed:
        cost = 0
    elif facts.usage is not None and target.price is not None:
        cost = cost_nusd(target.price, facts.usage, facts.mode)
    elif error is None:
        exchange.note("usage.missing")
    if facts.usage_state == "unsound":
        exchange.note("usage.unsound")
    stream = reply.stream if reply else None
    mode = facts.mode
    exchange.attempts.append(
        AttemptRecord(
            provider=target.provider.name,
            model=target.model,
            started_s=round(began_s - exchange.started_s, 6),
            duration_s=round(exchange.watchdog.now_s() - began_s, 6),
            status=reply.status if reply else error.status if isinstance(error, UpstreamError) else 0,
            error=error_code(error),
            first_token_s=round(stream.first_content_s - began_s, 6) if stream and stream.first_content_s else None,
            provider_request_id=_provider_request_id(reply.headers if reply else getattr(error, "headers", ())),
            answered_model=facts.model,
            stop_reason=facts.stop_reason,
            service_tier=mode.service_tier,
            speed=mode.speed,
            geo=mode.geo,
            input_tokens=usage.input,
            cache_read_tokens=usage.cache_read,
            cache_write_short_tokens=usage.cache_write_short,
            cache_write_long_tokens=usage.cache_write_long,
            output_tokens=usage.output,
            thinking_tokens=usage.thinking,
            web_searches=usage.web_searches,
            usage=facts.usage_state,
            cost_nusd=cost,
            price_source=target.price.source if target.price else "",
        )
    )


def error_code(error: BaseException | None) -> str:
    """Give the stable code of an ending: empty for a good one, `cancelled` for a shutdown."""
    if error is None:
        return ""
    return error.code if isinstance(error, SeawallError) else "cancelled"


def _provider_request_id(headers: Any) -> str:  # pairs of bytes, from a reply or an error
    for name, value in headers:
        if name in (b"request-id", b"x-request-id"):
            return bounded(value.decode("latin-1"))
    return ""


def _ask_for_usage(exchange: Exchange) -> None:
    """Ask an OpenAI-dialect provider for the closing usage chunk, and keep it from a client that did not."""
    body = exchange.body
    if body is None:
        return
    options = body.fields.get("stream_options")
    options = dict(options) if isinstance(options, dict) else {}
    if options.get("include_usage") is True:
        return
    body.set("stream_options", {**options, "include_usage": True})
    exchange.taps.append(_without_usage_chunk)


def _without_usage_chunk(frames: list[bytes]) -> list[bytes]:
    """Drop the chunk that carries usage and no choice (platform.openai.com/docs/api-reference/chat/streaming)."""
    if not any(b'"choices":[]' in frame or b'"choices": []' in frame for frame in frames):
        return frames
    return [frame for frame in frames if not (b'"choices":[]' in frame or b'"choices": []' in frame)]
