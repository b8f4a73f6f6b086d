from typing import Any

from seawall.guards.breaker.register import MAX_BREAKERS, MAX_ISOLATED, Breakers, BreakerState, way_of
from seawall.guards.breaker.rule import Breaker, Outcome, State
from seawall.guards.breaker.settings import BreakerSettings

SETTINGS = BreakerSettings(min_calls=2, open_s=10.0, longest_open_s=60.0, probes=1)
OTHER = BreakerSettings(min_calls=2, open_s=10.0, longest_open_s=60.0, probes=2)
WALL = 1_000_000.0


def _make() -> Breakers:
    return Breakers(lambda: 0.0)


def _of(breakers: Breakers, name: str = "p/m", settings: BreakerSettings = SETTINGS) -> Breaker:
    return breakers.of(name, settings, way_of(settings))


def _break(breaker: Breaker, now_s: float) -> None:
    for _ in range(2):
        permit = breaker.admit(now_s)
        assert permit is not None
        breaker.report(permit, Outcome.FAILED, now_s)


def _recover(breaker: Breaker, now_s: float) -> None:
    permit = breaker.admit(now_s)
    assert permit is not None
    breaker.report(permit, Outcome.GOOD, now_s)


def _tell(teller: Breakers, hearer: Breakers, now_s: float, **more: Any) -> None:  # one float, by its name
    wall_s = more.get("wall_s", WALL + now_s)
    hearer.adopt([teller.notice(now_s, WALL + now_s)], now_s, wall_s)


def test_a_target_has_one_breaker_for_each_way_of_asking_it() -> None:
    breakers = _make()

    assert _of(breakers) is _of(breakers)
    assert _of(breakers, settings=OTHER) is not _of(breakers)
    assert _of(breakers, "p/n") is not _of(breakers)
    same = BreakerSettings(min_calls=2, open_s=10.0, longest_open_s=60.0, probes=1)
    assert _of(breakers, settings=same) is _of(breakers)


def test_the_states_are_told_to_people() -> None:
    breakers = _make()
    _break(_of(breakers), 1.0)
    permit = _of(breakers, "p/n").admit(1.0)
    assert permit is not None
    _of(breakers, "p/n").report(permit, Outcome.SLOW, 1.0)
    breakers.isolate("p/unused", WALL)

    assert breakers.states(4.0) == [
        BreakerState("p/m", "open", 7.0, 0, 0, 0),
        BreakerState("p/n", "closed", 0.0, 1, 0, 1),
        BreakerState("p/unused", "isolated", None, 0, 0, 0),
    ]


def test_what_one_worker_opened_the_others_open_for_as_long() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)

    _tell(one, two, 0.5)

    assert _of(two).opens_in_s(0.5) == 9.5


def test_another_way_of_asking_is_another_matter() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    untouched = _of(two, settings=OTHER)

    _tell(one, two, 0.5)

    assert untouched.state is State.CLOSED


def test_a_breaker_that_is_made_later_follows_too() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _tell(one, two, 0.5)

    _of(two)
    _tell(one, two, 0.75)

    assert _of(two).opens_in_s(0.75) == 9.25


def test_each_worker_finds_out_for_itself_when_it_is_over() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)
    _tell(one, two, 0.5)

    _recover(_of(two), 10.0)
    _tell(one, two, 10.0)
    _tell(two, one, 10.0)

    assert _of(two).state is State.CLOSED
    assert _of(one).admit(10.0) is not None


def test_what_was_heard_is_not_told_on() -> None:
    one, two, three = _make(), _make(), _make()
    _break(_of(one), 0.0)
    _of(two), _of(three)
    _tell(one, two, 0.5)

    assert two.notice(0.5, WALL).opened == ()
    _tell(two, three, 0.5)
    assert _of(three).state is State.CLOSED


def test_an_opening_is_followed_once() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)
    said = one.notice(0.5, WALL + 0.5)
    two.adopt([said], 0.5, WALL + 0.5)
    two.isolate("p/m", WALL)
    two.release("p/m", WALL + 1)

    two.adopt([said], 2.0, WALL + 2.0)

    assert _of(two).state is State.CLOSED


def test_a_target_that_breaks_again_is_told_again() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)
    _tell(one, two, 0.5)
    probe = _of(one).admit(10.0)
    assert probe is not None
    _of(one).report(probe, Outcome.FAILED, 10.0)

    _tell(one, two, 10.5)

    assert _of(two).opens_in_s(10.5) == 19.5


def test_a_notice_stays_the_same_until_something_happens() -> None:
    breakers = _make()
    _break(_of(breakers), 0.0)
    first = breakers.notice(0.5, WALL)

    assert breakers.notice(0.75, WALL + 3.0) == first
    assert breakers.notice(10.0, WALL + 10.0).opened == ()


def test_a_clock_that_is_set_back_makes_nothing_longer() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)

    _tell(one, two, 0.5, wall_s=WALL - 3600)

    assert _of(two).opens_in_s(0.5) == 9.5


def test_what_is_over_by_now_is_passed_over() -> None:
    one, two = _make(), _make()
    _break(_of(one), 0.0)
    _of(two)

    _tell(one, two, 0.5, wall_s=WALL + 3600)

    assert _of(two).state is State.CLOSED


def test_isolation_reaches_every_worker_and_every_breaker_of_the_target() -> None:
    one, two, three = _make(), _make(), _make()
    early = _of(two)
    one.isolate("p/m", WALL)

    _tell(one, two, 0.0)
    _tell(two, three, 0.0)

    assert early.state is State.ISOLATED
    assert _of(two, settings=OTHER).state is State.ISOLATED
    assert _of(three).state is State.ISOLATED
    assert _of(two, "p/n").state is State.CLOSED


def test_the_last_word_counts_whoever_brings_it() -> None:
    one, two = _make(), _make()
    one.isolate("p/m", WALL)
    _tell(one, two, 0.0)
    two.release("p/m", WALL + 5)

    _tell(one, two, 6.0)
    _tell(two, one, 6.0)

    assert _of(two).state is State.CLOSED
    assert _of(one).state is State.CLOSED


def test_memory_is_bounded_and_what_is_open_is_kept() -> None:
    breakers = _make()
    _break(_of(breakers, "open"), 0.0)
    for number in range(MAX_BREAKERS):
        _of(breakers, f"t/{number}")
    for number in range(MAX_ISOLATED):
        breakers.release(f"t/{number}", WALL)
    breakers.isolate("held", WALL)
    breakers.release("last", WALL)

    states = breakers.states(0.0)
    assert len(states) == MAX_BREAKERS + 1
    assert {"open", "held"} <= {state.target for state in states}
    assert len(breakers.notice(0.0, WALL).isolated) == MAX_ISOLATED


def test_where_all_are_open_the_oldest_goes() -> None:
    breakers = _make()
    for number in range(MAX_BREAKERS + 1):
        _break(_of(breakers, f"t/{number}"), 0.0)
    for number in range(MAX_ISOLATED + 1):
        breakers.isolate(f"t/{number}", WALL)

    assert len(breakers.states(0.0)) == MAX_BREAKERS
    assert "t/0" not in {state.target for state in breakers.states(0.0)}
