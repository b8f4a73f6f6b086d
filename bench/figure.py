"""Turn rounds into figures: one number per metric, peer and round, and the medians over the rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.stage import Round, Sample
from bench.traffic import Times

Figures = Mapping[str, float]
DIRECT: Final = "direct"


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; `limit` is what Seawall must hold, in the same unit."""

    name: str
    title: str
    digits: int
    limit: float | None = None


METRICS: Final = (
    Metric("cpu_call_us", "CPU per call, saturated (µs)", 1, 65.0),
    Metric("kernel_share", "of it in the kernel (%)", 0),
    Metric("calls_per_s", "calls/s, one core, saturated", 0),
    Metric("core_used", "of the core used by the gateway (%)", 0),
    Metric("rate", "calls/s offered for the latencies", 0),
    Metric("cpu_even_us", "CPU per call at that rate (µs)", 1),
    Metric("p50_ms", "p50 at that rate (ms)", 3),
    Metric("p99_ms", "p99 at that rate (ms)", 3),
    Metric("added_p50_ms", "added p50 (ms)", 3, 0.4),
    Metric("added_p99_ms", "added p99 (ms)", 3),
    Metric("cpu_stream_ms", "CPU per 60-event stream (ms)", 3, 1.3),
    Metric("added_first_token_ms", "added first token, p50 (ms)", 3),
    Metric("added_first_token_p99_ms", "added first token, p99 (ms)", 3),
    Metric("burst_per_s", "unpaced streams/s, one core", 0),
    Metric("cpu_burst_ms", "CPU per unpaced stream (ms)", 3),
    Metric("rss_mb", "RSS of all processes (MB)", 1, 90.0),
    Metric("pss_mb", "PSS, shared pages once (MB)", 1),
    Metric("warm_calls", "calls before that", 0),
    Metric("cold_start_s", "cold start to first answer (s)", 3, 1.0),
    Metric("help_ms", "`--help` (ms)", 0, 150.0),
    Metric("bad", "wrong, cut or late answers", 0, 0.0),
    Metric("uncounted", "answers the upstream did not give", 0, 0.0),
    Metric("headroom", "load and upstream faster by, calls", 1),
    Metric("burst_headroom", "load and upstream faster by, streams", 1),
    Metric("load_used", "load and upstream's core used, saturated (%)", 0),
    Metric("foreign_share", "gateway core used by others (%)", 1),
)


def _samples(one: Round) -> tuple[Sample, ...]:
    return (one.saturated, one.even, one.streams, one.first_token, one.burst)


def _per_answer(sample: Sample, unit: float) -> float:
    return sample.gateway.total_s * unit / sample.load.good if sample.load.good else float("nan")


def _ms(times: Times | None, share: str) -> float:
    return getattr(times, share) / 1e3 if times is not None else float("nan")


def figures_of(one: Round, direct: Round) -> Figures:
    """Compute a round's figures; what is *added* is the difference to the direct way in the same round."""
    split = one.saturated.gateway.user_s + one.saturated.gateway.system_s
    found = {
        "calls_per_s": one.saturated.load.per_s,
        "rate": one.even_rate,
        "p50_ms": _ms(one.even.load.latency_us, "p50"),
        "p99_ms": _ms(one.even.load.latency_us, "p99"),
        "load_used": 100 * one.saturated.load_busy,
        "burst_per_s": one.burst.load.per_s,
        "bad": float(sum(sample.load.bad for sample in _samples(one))),
        "uncounted": float(sum(max(0, sample.load.good - sample.answered) for sample in _samples(one))),
    }
    if one.cold_start_s is None or one.memory is None:
        return found
    added = {
        "cpu_call_us": _per_answer(one.saturated, 1e6),
        "kernel_share": 100 * one.saturated.gateway.system_s / split if split else float("nan"),
        "core_used": 100 * one.saturated.gateway.total_s / one.saturated.load.seconds,
        "cpu_even_us": _per_answer(one.even, 1e6),
        "added_p50_ms": found["p50_ms"] - _ms(direct.even.load.latency_us, "p50"),
        "added_p99_ms": found["p99_ms"] - _ms(direct.even.load.latency_us, "p99"),
        "cpu_stream_ms": _per_answer(one.streams, 1e3),
        "cpu_burst_ms": _per_answer(one.burst, 1e3),
        "added_first_token_ms": _first_ms(one, "p50") - _first_ms(direct, "p50"),
        "added_first_token_p99_ms": _first_ms(one, "p99") - _first_ms(direct, "p99"),
        "rss_mb": one.memory.rss,
        "pss_mb": one.memory.pss,
        "warm_calls": float(one.calls_before_memory),
        "cold_start_s": one.cold_start_s,
        "headroom": _ratio(direct.saturated, one.saturated),
        "burst_headroom": _ratio(direct.burst, one.burst),
        "foreign_share": 100 * max(one.saturated.foreign, one.streams.foreign),
    }
    return found | added


def _first_ms(one: Round, share: str) -> float:
    return _ms(one.first_token.load.first_token_us, share)


def _ratio(direct: Sample, behind: Sample) -> float:
    return direct.load.per_s / behind.load.per_s if behind.load.good else float("nan")


SUMMED: Final = frozenset({"bad", "uncounted"})


def medians(rounds: Sequence[Figures]) -> dict[str, float]:
    """Take the median over the rounds; what must never happen is added up instead."""
    return {
        name: sum(one[name] for one in rounds) if name in SUMMED else median(one[name] for one in rounds)
        for name in (rounds[0] if rounds else {})
    }


def missed(figures: Figures) -> list[str]:
    """Say which limits these figures do not hold, and by how much."""
    return [
        f"{metric.title}: {figures[metric.name]:.{metric.digits}f}, at most {metric.limit:g} wanted"
        for metric in METRICS
        if metric.limit is not None and not figures.get(metric.name, 0.0) <= metric.limit
    ]
