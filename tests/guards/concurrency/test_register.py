from seawall.guards.concurrency.register import MAX_TARGETS, LimitState, TargetLimits
from seawall.guards.concurrency.settings import ConcurrencySettings
from tests.scene import target

ONE, TWO = target("anthropic"), target("openai")


def test_each_target_has_its_limit_as_its_provider_is_set() -> None:
    limits = TargetLimits({"openai-provider": ConcurrencySettings(first=12)})

    assert limits.of(ONE) is limits.of(target("anthropic"))
    assert limits.of(TWO).enter("interactive")
    assert limits.states() == [LimitState(ONE.name, 100, 0), LimitState(TWO.name, 12, 1)]


def test_a_new_policy_changes_running_limits() -> None:
    limits = TargetLimits()
    assert limits.of(ONE).limit == 100

    limits.follow({"anthropic-provider": ConcurrencySettings(most=40)})

    assert limits.of(ONE).limit == 40
    assert limits.of(TWO).limit == 100


def test_memory_is_bounded_and_what_runs_is_kept() -> None:
    limits = TargetLimits()
    busy, idle = limits.of(target(model="busy")), limits.of(target(model="idle"))
    busy.enter("interactive")
    for number in range(MAX_TARGETS - 1):
        limits.of(target(model=f"m{number}"))

    assert len(limits.states()) == MAX_TARGETS
    assert limits.of(target(model="busy")) is busy
    assert limits.of(target(model="idle")) is not idle


def test_what_is_in_use_is_never_forgotten() -> None:
    limits = TargetLimits()
    for number in range(MAX_TARGETS + 1):
        limits.of(target(model=f"m{number}")).enter("interactive")

    assert len(limits.states()) == MAX_TARGETS + 1
