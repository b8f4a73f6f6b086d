"""One record of every exchange, whatever became of it (rows O1, S15)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace

from seawall.core.error import Refused, SeawallError
from seawall.core.record import SCHEMA_VERSION, CallRecord, bounded, whole_us
from seawall.pipeline.exchange import CallNext, Exchange, Reply, error_code
from seawall.pipeline.watchdog import HungUp
from seawall.ports.journal import Journal

Tidy: TypeAlias = Callable[[str], str]
Redact: TypeAlias = Callable[[Exchange], str]


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How facts of clients get into records.

    `hash_person` turns a user or a conversation into a keyed hash. `tidy` clears what looks like a credential from a
    text that the client chose. `redact` gives the beginning of a prompt after redaction; while it is None no text of
    any prompt is recorded.
    """

    hash_person: Tidy
    tidy: Tidy
    redact: Redact | None = None


class JournalGuard:
    """Hand one record to the journal when the exchange is over, refused, failed or hung up; calls on once."""

    def __init__(self, journal: Journal, settings: JournalSettings) -> None:
        self._journal = journal
        self._settings = settings

    async def __call__(self, exchange: Exchange, call_next: CallNext) -> Reply:
        """Go on, then record; a stream is recorded when it has ended."""
        try:
            reply = await call_next(exchange)
        except BaseException as error:
            self._write(exchange, None, error)
            raise
        if reply.stream is None:
            self._write(exchange, reply, None)
        else:
            exchange.opened_s = exchange.watchdog.now_s()
            reply.stream.on_end(lambda error: self._write(exchange, reply, error))
        return reply

    def _write(self, exchange: Exchange, reply: Reply | None, error: BaseException | None) -> None:
        self._journal.write(record_of(exchange, reply, error, self._settings))


def record_of(
    exchange: Exchange, reply: Reply | None, error: BaseException | None, settings: JournalSettings
) -> CallRecord:
    """Put the exchange's facts into the record's fields; there is no other way into the journal.

    A text that the client chose is tidied before it is cut, or half a credential would look like none.
    """
    last = exchange.attempts[-1] if exchange.attempts else None
    now_s = exchange.watchdog.now_s()
    duration_s = whole_us(now_s - exchange.started_s)
    # Once a stream has begun, its time is the provider's and the client's: ours is what passed before its first byte.
    opened_s = now_s if exchange.opened_s is None else exchange.opened_s
    principal, labels, target, tidy = exchange.principal, exchange.labels, exchange.target, settings.tidy
    model, attempts, first_token_s = "", tuple(exchange.attempts), None
    if target is not None:
        model = bounded(tidy(target.model))
        if model != target.model:
            attempts = tuple([replace(attempt, model=bounded(tidy(attempt.model))) for attempt in attempts])
    cost_nusd = 0
    for attempt in attempts:  # a call of `sum` and what it sums cost more than all they do
        cost_nusd += attempt.cost_nusd or 0
    if last is not None and last.first_token_s is not None:
        first_token_s = whole_us(last.started_s + last.first_token_s)
    return CallRecord(  # by place as far as every field has something to say, which takes a third of the time
        exchange.id,
        exchange.at_s,
        SCHEMA_VERSION,
        "ok" if error is None else _outcome(error),
        reply.status if reply else error.status if isinstance(error, SeawallError) else 0,
        "" if error is None else error_code(error),
        exchange.dialect.name,
        exchange.endpoint.name,
        exchange.wants_stream,
        exchange.route,
        exchange.traffic_class,
        principal.key_id if principal else "",
        principal.team if principal else "",
        principal.project if principal else "",
        settings.hash_person(labels.user) if labels.user else "",
        tidy(labels.feature) if labels.feature else "",
        settings.hash_person(labels.conversation) if labels.conversation else "",
        exchange.trace_id,
        bounded(tidy(exchange.model_asked)) if exchange.model_asked else "",
        target.provider.name if target else "",
        model,
        exchange.policy_version,
        degraded=exchange.degraded,
        replayed=exchange.is_replayed,
        duration_s=duration_s,
        overhead_s=whole_us(max(opened_s - exchange.started_s - exchange.provider_wait_s, 0.0)),
        first_token_s=first_token_s,
        tokens_per_s=_tokens_per_s(exchange, duration_s, first_token_s),
        stop_reason=last.stop_reason if last else "",
        cost_nusd=cost_nusd,
        notes=tuple(exchange.notes),
        prompt_prefix=settings.redact(exchange) if settings.redact else "",
        attempts=attempts,
    )


def _outcome(error: BaseException) -> str:
    if isinstance(error, HungUp):
        return "hung_up"
    return "refused" if isinstance(error, Refused) else "failed"


def _tokens_per_s(exchange: Exchange, duration_s: float, first_token_s: float | None) -> float | None:
    """Give the rate at which a stream's tokens came after the first; None where there was no stream or no count."""
    if first_token_s is None or not exchange.attempts or duration_s <= first_token_s:
        return None
    last = exchange.attempts[-1]
    tokens = last.output_tokens + last.thinking_tokens
    return round(tokens / (duration_s - first_token_s), 3) if tokens else None
