import math

import pytest

from bench.figure import figures_of, medians, missed
from bench.process import Cpu, Memory
from bench.profiling import top_of
from bench.report import warnings_of
from bench.stage import Round, Sample
from bench.traffic import Load, Times


def _sample(good: int, cpu_s: float, p50_us: float = 100.0, bad: int = 0) -> Sample:
    times = Times(p50_us, p50_us, p50_us, p50_us)
    load = Load(good, 1.0, 0.1, 1, {"wrong": bad}, "", times, times, times)
    return Sample(load, Cpu(cpu_s, cpu_s / 4, 3 * cpu_s / 4), good + bad, 0.0, 0.5)


def _round(good: int, cpu_s: float, p50_us: float, *, bad: int = 0, gateway: bool = True) -> Round:
    calls, streams = _sample(good, cpu_s, p50_us, bad), _sample(good, cpu_s, p50_us)
    memory = Memory(rss=50.0, pss=40.0) if gateway else None
    return Round(calls, calls, 300.0, streams, streams, 50.0, streams, 0.5 if gateway else None, memory)


DIRECT = _round(90_000, 0.0, 80.0, gateway=False)


def test_cpu_per_call_is_the_kernel_s_account_over_the_good_answers() -> None:
    figures = figures_of(_round(20_000, 1.0, 300.0), DIRECT)

    assert figures["cpu_call_us"] == pytest.approx(50.0)
    assert figures["kernel_share"] == pytest.approx(75.0)


def test_added_latency_is_the_difference_to_the_direct_way() -> None:
    assert figures_of(_round(20_000, 1.0, 300.0), DIRECT)["added_p50_ms"] == pytest.approx(0.22)


def test_the_direct_way_has_no_figures_of_a_gateway() -> None:
    assert "cpu_call_us" not in figures_of(DIRECT, DIRECT)


def test_bad_answers_are_added_up_over_the_rounds_and_the_rest_is_a_median() -> None:
    rounds = [figures_of(_round(good, 1.0, 300.0, bad=1), DIRECT) for good in (10_000, 20_000, 50_000)]

    middle = medians(rounds)

    assert middle["bad"] == sum(one["bad"] for one in rounds) > 0
    assert middle["cpu_call_us"] == pytest.approx(50.0)


def test_a_limit_is_missed_above_it_and_where_there_is_no_figure() -> None:
    held = {"cpu_call_us": 65.0}

    assert missed(held) == []
    assert missed({"cpu_call_us": 65.1}) != []
    assert missed({"cpu_call_us": math.nan}) != []


def test_a_load_that_is_not_three_times_faster_is_reported() -> None:
    slow, fast = figures_of(_round(60_000, 1.0, 300.0), DIRECT), figures_of(_round(20_000, 1.0, 300.0), DIRECT)

    assert any("only 1.5 times faster" in line for line in warnings_of({"nginx": slow}))
    assert warnings_of({"seawall": fast}) == []


def test_answers_that_the_upstream_never_gave_are_reported() -> None:
    figures = {**figures_of(_round(20_000, 1.0, 300.0), DIRECT), "uncounted": 3.0}

    assert any("3 not from the upstream" in line for line in warnings_of({"seawall": figures}))


def test_the_profile_ranks_lines_by_themselves_and_functions_with_all_they_call() -> None:
    top = top_of(["main (a.py:9);parse (a.py:1) 3", "main (a.py:9);write (a.py:2) 6", "main (a.py:8) 1"])

    own, whole = top.split("with all it calls")
    assert own.splitlines()[0] == "10 samples"
    assert own.splitlines()[3].split() == ["60.0", "write", "(a.py:2)"]
    assert whole.splitlines()[1].split() == ["100.0", "main", "(a.py)"]
