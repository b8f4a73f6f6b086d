"""One call, told from beginning to end."""

from collections.abc import Iterator
from typing import Final

import click

from seawall.cli.output import clean
from seawall.core.money import usd_text
from seawall.core.record import AttemptRecord, CallRecord
from seawall.telemetry.journal.schema import is_unpriced
from seawall.telemetry.period import moment_text

_BUCKETS: Final = (
    ("input", "input_tokens"),
    ("cache read", "cache_read_tokens"),
    ("cache write, short", "cache_write_short_tokens"),
    ("cache write, long", "cache_write_long_tokens"),
    ("output", "output_tokens"),
    ("thinking", "thinking_tokens"),
    ("web searches", "web_searches"),
)
_WIDTH: Final = 12


def print_story(record: CallRecord) -> None:
    """Print the exchange, then each attempt with what it used and what that cost."""
    for line in story(record):
        click.echo(clean(line))


def story(record: CallRecord) -> Iterator[str]:
    """Give the lines of a call's story."""
    yield f"call {record.id}"
    yield from _section(_exchange(record))
    for number, attempt in enumerate(record.attempts, start=1):
        yield ""
        yield f"attempt {number} of {len(record.attempts)}: {attempt.provider}/{attempt.model}"
        yield from _section(_attempt(attempt))
    yield ""
    yield f"cost ${usd_text(record.cost_nusd)}{_sum(record)}"


def _section(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    for name, text in rows:
        if text:
            yield f"  {name.ljust(_WIDTH)}{text}"


def _exchange(record: CallRecord) -> Iterator[tuple[str, str]]:
    yield "at", f"{moment_text(record.at_s)} UTC"
    yield "outcome", _words(record.outcome, str(record.status or ""), record.error)
    stream = "streamed" if record.stream else ""
    yield "request", _words(record.dialect, record.endpoint, stream)
    yield "route", _words(record.route, f"({record.traffic_class})" if record.traffic_class else "")
    names = ("team", "project", "feature", "user", "conversation")
    yield "who", ", ".join(f"{name} {getattr(record, name)}" for name in names if getattr(record, name))
    yield "key", record.key_id
    yield "trace", record.trace_id
    answered = f"{record.provider}/{record.model}" if record.provider else ""
    yield (
        "model",
        " -> ".join(part for part in (record.model_asked and f"asked {record.model_asked}", answered) if part),
    )
    versions = (("policy", record.policy_version), ("prompt", record.prompt_version), ("schema", record.schema_version))
    yield "versions", ", ".join(f"{name} {version}" for name, version in versions if version)
    yield "cache", record.cache
    yield "time", ", ".join(_times(record))
    yield "stopped", record.stop_reason
    yield "notes", ", ".join(record.notes)
    yield "prompt", record.prompt_prefix


def _times(record: CallRecord) -> Iterator[str]:
    yield f"{record.duration_s:.3f} s in all"
    if record.first_token_s is not None:
        yield f"first token after {record.first_token_s:.3f} s"
    if record.tokens_per_s is not None:
        yield f"{record.tokens_per_s:.1f} tokens/s"
    yield f"{record.overhead_s * 1000:.1f} ms of it ours"


def _attempt(attempt: AttemptRecord) -> Iterator[tuple[str, str]]:
    yield "outcome", _words(str(attempt.status or ""), attempt.error, attempt.stop_reason)
    first = "" if attempt.first_token_s is None else f", first token after {attempt.first_token_s:.3f} s"
    yield "time", f"began at {attempt.started_s:.3f} s, took {attempt.duration_s:.3f} s{first}"
    yield "answered by", attempt.answered_model
    yield "provider id", attempt.provider_request_id
    yield "mode", _words(attempt.service_tier, attempt.speed, attempt.geo)
    used = [f"{getattr(attempt, field)} {name}" for name, field in _BUCKETS if getattr(attempt, field)]
    yield "usage", f"{', '.join(used) or 'nothing'} ({attempt.usage})"
    if is_unpriced(attempt):
        yield "cost", "unknown: the provider never told its usage, or nobody knows the price"
    elif attempt.cost_nusd is None:
        yield "cost", "nothing: there was no answer to bill"
    else:
        yield "cost", _words(f"${usd_text(attempt.cost_nusd)}", attempt.price_source and f"by {attempt.price_source}")


def _sum(record: CallRecord) -> str:
    """Say how the total comes about, where there is more than one attempt."""
    costs = ["unknown" if is_unpriced(a) else f"${usd_text(a.cost_nusd or 0)}" for a in record.attempts]
    return f" = {' + '.join(costs)}" if len(costs) > 1 else ""


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)
