"""What an attempt really used and cost (row C12), and how long it took (row L3)."""

from typing import Any

from msgspec.structs import replace

from seawall.core.error import Refused, UpstreamCredentials, UpstreamError, UpstreamRefused
from seawall.core.price import cost_nusd
from seawall.core.record import AttemptRecord, bounded, whole_us
from seawall.core.usage import NO_USAGE
from seawall.dialects.bound.bound import bound_of
from seawall.dialects.dialect import CHAT, Facts
from seawall.dialects.json_object import JsonObject
from seawall.dialects.openai import is_usage_chunk
from seawall.pipeline.exchange import CallNext, Exchange, Reply, error_code
from seawall.pipeline.reply_stream import ReplyStream

_UNKNOWN = Facts()
_DOUBTFUL = {"missing": "usage.missing", "partial": "usage.partial", "unsound": "usage.unsound"}
_NOTHING = Facts(usage=NO_USAGE, usage_state="none")


class MeterGuard:
    """Keep one record of every attempt, however it ends, with the provider's own count priced; calls on once."""

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Meter one attempt."""
        began_s = exchange.watchdog.now_s()
        exchange.facts = None
        asked = exchange.body
        if exchange.wants_stream and exchange.sends is CHAT:
            _ask_for_usage(exchange)
        sent = exchange.body
        try:
            reply = await call_next(exchange)
        except Refused:
            raise  # nothing was dispatched
        except BaseException as error:
            exchange.body = asked  # or the next attempt would take our wish for its client's
            _keep(exchange, began_s, _facts_of(exchange, error), None, error)
            raise
        stream = reply.stream
        if stream is None:
            _keep(exchange, began_s, _lived(exchange, sent, reply.facts or _UNKNOWN), reply, None)
        else:
            watched: ReplyStream = stream
            stream.on_end(lambda error: _keep(exchange, began_s, _lived(exchange, sent, watched.facts), reply, error))
        return reply


def _facts_of(exchange: Exchange, error: BaseException) -> Facts:
    """Say what is known of a failed attempt's usage.

    A stream that failed before it was promised may have told its input; what was never sent, or was answered by an
    error, used nothing; of all else nobody knows.
    """
    if exchange.facts is not None:
        return exchange.facts
    if isinstance(error, UpstreamRefused | UpstreamCredentials):
        return _NOTHING
    return _UNKNOWN if getattr(error, "dispatched", True) else _NOTHING


def _lived(exchange: Exchange, sent: JsonObject | None, facts: Facts) -> Facts:
    """Take the dearer reading where Chat Completions counts writes to the cache, but not for how long they live."""
    usage, target = facts.usage, exchange.target
    if exchange.sends is not CHAT or usage is None or not usage.cache_write_short or sent is None or target is None:
        return facts
    if usage.cache_write_long or not bound_of(CHAT, sent.fields, target).writes_long:
        return facts
    usage = replace(usage, cache_write_short=0, cache_write_long=usage.cache_write_short)
    return replace(facts, usage=usage)


def _keep(exchange: Exchange, began_s: float, facts: Facts, reply: Reply | None, error: BaseException | None) -> None:
    """Append the attempt's record to the exchange."""
    target, usage = exchange.target, facts.usage or NO_USAGE
    if target is None:
        return
    cost: int | None = None
    if facts.usage_state == "none" or not exchange.sends.is_billed:
        cost = 0
    elif facts.usage is not None and target.price is not None:
        cost = cost_nusd(target.price, facts.usage, facts.mode)
    if error is None and facts.usage_state in _DOUBTFUL:
        exchange.note(_DOUBTFUL[facts.usage_state])
    stream = reply.stream if reply else None
    first_content_s = stream.first_content_s if stream else None
    mode = facts.mode
    exchange.attempts.append(
        AttemptRecord(  # by place, which takes a fifth of the time
            target.provider.name,
            bounded(target.model),
            whole_us(began_s - exchange.started_s),
            whole_us(exchange.watchdog.now_s() - began_s),
            reply.status if reply else error.status if isinstance(error, UpstreamError) else 0,
            "" if error is None else error_code(error),
            None,  # when the first byte came, nobody measures
            None if first_content_s is None else whole_us(first_content_s - began_s),
            _provider_request_id(reply.headers if reply else getattr(error, "headers", ())),
            facts.model,
            facts.stop_reason,
            mode.service_tier,
            mode.speed,
            mode.geo,
            usage.input,
            usage.cache_read,
            usage.cache_write_short,
            usage.cache_write_long,
            usage.output,
            usage.thinking,
            usage.web_searches,
            facts.usage_state,
            cost,
            target.price.source if target.price else "",
        )
    )


def _provider_request_id(headers: Any) -> str:  # pairs of bytes, from a reply or an error
    for name, value in headers:
        if name in (b"request-id", b"x-request-id"):
            return bounded(value.decode("latin-1"))
    return ""


def _ask_for_usage(exchange: Exchange) -> None:
    """Ask an OpenAI-dialect provider for the closing usage chunk, and keep it from a client that did not.

    Options that are no object stay as they are, for the provider to refuse.
    """
    body = exchange.body
    if body is None:
        return
    options = body.fields.get("stream_options")
    if options is None:
        options = {}
    if type(options) is not dict or options.get("include_usage") is True:
        return
    exchange.body = body = body.fork()
    body.set("stream_options", {**options, "include_usage": True})
    exchange.taps.append(_without_usage_chunk)


def _without_usage_chunk(frames: list[bytes]) -> list[bytes]:
    """Drop the chunk that the client did not ask for."""
    return [frame for frame in frames if not is_usage_chunk(frame)]
