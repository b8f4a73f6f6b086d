from collections import Counter

from torture.scenario import CALLERS, MODELS, USD, exact, scenario


def test_the_same_seed_is_the_same_run() -> None:
    assert scenario(7) == scenario(7)
    assert exact(7) == exact(7)


def test_another_seed_is_another_run() -> None:
    assert len({scenario(seed, callers=20).asks for seed in range(50)}) == 50


def test_a_run_has_as_many_callers_as_asked_for() -> None:
    assert len(scenario(0).asks) == CALLERS
    assert len(scenario(0, callers=3).asks) == 3


def test_everything_that_can_happen_happens_in_two_hundred_runs() -> None:
    runs = [scenario(seed, callers=1) for seed in range(200)]
    acts = Counter(event.act for run in runs for event in run.events)

    assert {run.on_exhausted for run in runs} == {"refuse", "clamp", "degrade"}
    assert {run.on_hang_up for run in runs} == {"abort", "drain"}
    assert {run.retries for run in runs} == {0, 1, 2}
    assert min(acts[act] for act in ("kill", "lock", "full", "ahead", "back")) >= 20
    assert len({fault for run in runs for fault, _ in run.faults}) == 12
    assert any(not run.events and not run.faults for run in runs)


def test_a_run_asks_for_every_model_in_both_ways_and_some_callers_leave() -> None:
    asks = scenario(1).asks

    assert {ask.model for ask in asks} == set(MODELS)
    assert {ask.is_stream for ask in asks} == {True, False}
    assert 0 < sum(ask.leaves_after is not None for ask in asks) < len(asks) // 4


def test_events_come_in_the_order_of_their_time() -> None:
    for seed in range(50):
        times = [event.after_s for event in scenario(seed, callers=1).events]
        assert times == sorted(times)


def test_in_an_exact_run_nothing_goes_wrong_and_only_one_cap_can_be_hit() -> None:
    run = exact(3)

    assert (run.is_exact, run.events, run.faults) == (True, (), ())
    assert run.caps.all == USD
    assert min(run.caps.provider, run.caps.team, run.caps.user) > USD
    assert all(ask.leaves_after is None for ask in run.asks)
