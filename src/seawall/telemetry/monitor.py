"""What a process's own calls look like, in exact counts (row O10)."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from seawall.core.money import usd_from_nusd, usd_text
from seawall.core.record import AttemptRecord, CallRecord
from seawall.core.usage import NO_USAGE, Usage
from seawall.telemetry.sketch import Sketch

OTHER: Final = "(other)"
MOST_NAMES: Final = 1000  # a caller that invents model names must not fill the memory
_BUCKETS: Final = ("input", "cache_read", "cache_write_short", "cache_write_long", "output", "thinking", "web_searches")


@dataclass(frozen=True, slots=True)
class Observation:
    """One call as the monitor sees it. `error` is a stable code, empty for a call that went well."""

    model: str
    duration_s: float
    error: str = ""
    first_token_s: float | None = None
    usage: Usage = NO_USAGE
    cost_nusd: int = 0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Seconds that half, 95 % and 99 % of the calls did not exceed, right to within 1.1 %; None without any."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    """What was observed since the start. Counts, tokens and money are exact."""

    calls: int
    errors: int
    tokens: Usage
    cost_nusd: int
    cost_by_model_nusd: Mapping[str, int]
    errors_by_type: Mapping[str, int]
    latency: Percentiles
    first_token: Percentiles

    @property
    def error_rate(self) -> float:
        """Errors as a share of calls; 0 without calls."""
        return self.errors / self.calls if self.calls else 0.0

    @property
    def cost_usd(self) -> Decimal:
        """The cost in dollars, exact."""
        return usd_from_nusd(self.cost_nusd)

    @property
    def cost_by_model_usd(self) -> dict[str, Decimal]:
        """The cost of each model in dollars, exact, the dearest first."""
        return {model: usd_from_nusd(nusd) for model, nusd in self.cost_by_model_nusd.items()}


@dataclass(slots=True)
class _Sums:
    calls: int = 0
    errors: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * len(_BUCKETS))
    cost_nusd: int = 0
    by_model: Counter[str] = field(default_factory=Counter)
    by_error: Counter[str] = field(default_factory=Counter)
    latency: Sketch = field(default_factory=Sketch)
    first_token: Sketch = field(default_factory=Sketch)


class Monitor:
    """Count the calls of this process; safe from any thread, and exact however many there are.

    It takes observations from any code that calls a model, and records as a `Journal` does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums = _Sums()

    def observe(self, seen: Observation) -> None:
        """Count one call.

        Raises:
            ValueError: a time is negative or not a number; nothing is counted.
        """
        self._take(seen, ((seen.model, seen.cost_nusd),), (seen.usage,))

    def write(self, record: CallRecord) -> None:
        """Count one record, its cost where its attempts went. A call that its client ended is no error."""
        attempts = record.attempts
        seen = Observation(
            model=record.model,
            duration_s=max(record.duration_s, 0.0),
            error=record.error if record.outcome in ("refused", "failed") else "",
            first_token_s=record.first_token_s,
            cost_nusd=record.cost_nusd,
        )
        costs = ((attempt.model, attempt.cost_nusd or 0) for attempt in attempts)
        self._take(seen, costs if attempts else ((record.model, record.cost_nusd),), map(_usage, attempts))

    def stats(self) -> Stats:
        """Give what was observed so far, all of one moment."""
        with self._lock:
            sums = self._sums
            return Stats(
                calls=sums.calls,
                errors=sums.errors,
                tokens=Usage(*sums.tokens),
                cost_nusd=sums.cost_nusd,
                cost_by_model_nusd=dict(sums.by_model.most_common()),
                errors_by_type=dict(sums.by_error.most_common()),
                latency=_percentiles(sums.latency),
                first_token=_percentiles(sums.first_token),
            )

    def report(self) -> str:
        """Write the stats for a person."""
        return _report(self.stats())

    def reset(self) -> None:
        """Start again from nothing."""
        with self._lock:
            self._sums = _Sums()

    def _take(self, seen: Observation, costs: Iterable[tuple[str, int]], usages: Iterable[Usage]) -> None:
        with self._lock:
            sums = self._sums
            sums.latency.add(seen.duration_s)
            if seen.first_token_s is not None:
                sums.first_token.add(max(seen.first_token_s, 0.0))
            sums.calls += 1
            sums.cost_nusd += seen.cost_nusd
            for model, nusd in costs:
                if nusd:
                    _count(sums.by_model, model or "(none)", nusd)
            for usage in usages:
                for i, bucket in enumerate(_BUCKETS):
                    sums.tokens[i] += getattr(usage, bucket)
            if seen.error:
                sums.errors += 1
                _count(sums.by_error, seen.error, 1)


def _count(counter: Counter[str], name: str, by: int) -> None:
    counter[name if name in counter or len(counter) < MOST_NAMES else OTHER] += by


def _usage(attempt: AttemptRecord) -> Usage:
    return Usage(
        attempt.input_tokens,
        attempt.cache_read_tokens,
        attempt.cache_write_short_tokens,
        attempt.cache_write_long_tokens,
        attempt.output_tokens,
        attempt.thinking_tokens,
        attempt.web_searches,
    )


def _percentiles(sketch: Sketch) -> Percentiles:
    return Percentiles(sketch.quantile(0.5), sketch.quantile(0.95), sketch.quantile(0.99))


def _report(stats: Stats) -> str:
    tokens = stats.tokens
    lines = [
        f"calls        {stats.calls}",
        f"errors       {stats.errors} ({stats.error_rate:.1%})",
        f"cost         ${usd_text(stats.cost_nusd)}",
        f"tokens       {tokens.prompt} in ({tokens.cache_read} from cache), {tokens.billed_output} out",
        f"latency      {_percentiles_text(stats.latency)}",
        f"first token  {_percentiles_text(stats.first_token)}",
    ]
    for title, rows in (
        ("cost by model", [(model, f"${usd_text(nusd)}") for model, nusd in stats.cost_by_model_nusd.items()]),
        ("errors by type", [(error, str(count)) for error, count in stats.errors_by_type.items()]),
    ):
        if rows:
            width = max(len(name) for name, _ in rows)
            lines += ["", title, *(f"  {name.ljust(width)}  {value}" for name, value in rows)]
    return "\n".join(lines)


def _percentiles_text(found: Percentiles) -> str:
    if found.p50_s is None or found.p95_s is None or found.p99_s is None:
        return "-"
    return f"p50 {found.p50_s:.3f} s, p95 {found.p95_s:.3f} s, p99 {found.p99_s:.3f} s"
