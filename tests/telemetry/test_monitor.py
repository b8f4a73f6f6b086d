import threading
from decimal import Decimal

import pytest

from seawall.core.record import AttemptRecord, CallRecord
from seawall.core.usage import NO_USAGE, Usage
from seawall.telemetry.monitor import MOST_NAMES, OTHER, Monitor, Observation


def test_a_monitor_without_calls_says_so() -> None:
    stats = Monitor().stats()

    assert (stats.calls, stats.errors, stats.error_rate, stats.cost_nusd) == (0, 0, 0.0, 0)
    assert stats.latency.p50_s is None
    assert "latency      -" in Monitor().report()


def test_counts_are_exact_however_many_threads_count() -> None:
    monitor, threads, each = Monitor(), 8, 10_000
    barrier = threading.Barrier(threads)

    def observe(number: int) -> None:
        barrier.wait()
        for i in range(each):
            error = "upstream.broken" if i % 10 == 0 else ""
            usage = Usage(input=3, output=2)
            monitor.observe(Observation(f"model-{number % 2}", 0.25, error, 0.1, usage, cost_nusd=7))

    workers = [threading.Thread(target=observe, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    stats = monitor.stats()
    assert stats.calls == threads * each
    assert stats.errors == threads * each // 10
    assert stats.error_rate == 0.1
    assert stats.errors_by_type == {"upstream.broken": threads * each // 10}
    assert stats.cost_nusd == threads * each * 7
    assert stats.cost_by_model_nusd == {"model-0": threads * each * 7 // 2, "model-1": threads * each * 7 // 2}
    assert stats.tokens == Usage(input=threads * each * 3, output=threads * each * 2)
    assert stats.latency.p99_s == pytest.approx(0.25, rel=0.011)
    assert stats.first_token.p50_s == pytest.approx(0.1, rel=0.011)


def test_a_record_counts_with_its_attempts_where_each_went() -> None:
    monitor = Monitor()
    attempts = (
        AttemptRecord("a", "dear", 0, 1, usage="partial", input_tokens=10, thinking_tokens=4, cost_nusd=30),
        AttemptRecord("b", "cheap", 1, 1, input_tokens=10, cache_read_tokens=5, output_tokens=6, cost_nusd=2),
        AttemptRecord("b", "cheap", 2, 1, cost_nusd=None),
    )

    monitor.write(CallRecord("1", 0.0, model="cheap", cost_nusd=32, duration_s=2, attempts=attempts))

    stats = monitor.stats()
    assert (stats.calls, stats.errors, stats.cost_nusd) == (1, 0, 32)
    assert stats.cost_by_model_nusd == {"dear": 30, "cheap": 2}
    assert stats.cost_usd == Decimal("0.000000032")
    assert stats.cost_by_model_usd == {"dear": Decimal("0.000000030"), "cheap": Decimal("0.000000002")}
    assert stats.tokens == Usage(input=20, cache_read=5, output=6, thinking=4)


@pytest.mark.parametrize(("outcome", "errors"), [("ok", 0), ("refused", 1), ("failed", 1), ("hung_up", 0)])
def test_a_client_that_hangs_up_is_no_error(outcome: str, errors: int) -> None:
    monitor = Monitor()

    monitor.write(CallRecord("1", 0.0, outcome=outcome, error="" if outcome == "ok" else "some.code"))

    assert monitor.stats().errors == errors


def test_a_record_without_attempts_costs_what_it_says() -> None:
    monitor = Monitor()

    monitor.write(CallRecord("1", 0.0, cost_nusd=5, duration_s=-0.1, first_token_s=-0.1))

    assert monitor.stats().cost_by_model_nusd == {"(none)": 5}


def test_a_time_that_is_none_counts_nothing() -> None:
    monitor = Monitor()

    with pytest.raises(ValueError, match="expected a finite number"):
        monitor.observe(Observation("m", float("nan")))

    assert monitor.stats().calls == 0


def test_invented_model_names_do_not_fill_the_memory() -> None:
    monitor = Monitor()

    for number in range(MOST_NAMES + 50):
        monitor.observe(Observation(f"m{number}", 0.1, cost_nusd=1))

    by_model = monitor.stats().cost_by_model_nusd
    assert len(by_model) == MOST_NAMES + 1
    assert by_model[OTHER] == 50


def test_a_report_reads_like_one() -> None:
    monitor = Monitor()
    monitor.observe(Observation("claude-haiku-5-5", 0.5, "", 0.2, Usage(input=10, output=5), 4_200_000))
    monitor.observe(Observation("gpt", 1.5, "upstream.timeout.idle", None, NO_USAGE, 0))

    assert monitor.report().splitlines() == [
        "calls        2",
        "errors       1 (50.0%)",
        "cost         $0.0042",
        "tokens       10 in (0 from cache), 5 out",
        "latency      p50 0.500 s, p95 1.500 s, p99 1.500 s",
        "first token  p50 0.200 s, p95 0.200 s, p99 0.200 s",
        "",
        "cost by model",
        "  claude-haiku-5-5  $0.0042",
        "",
        "errors by type",
        "  upstream.timeout.idle  1",
    ]


def test_a_reset_begins_anew() -> None:
    monitor = Monitor()
    monitor.observe(Observation("m", 0.1))

    monitor.reset()

    assert monitor.stats().calls == 0
