"""The breaker against a reference model that keeps everything and counts it anew each time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from seawall.guards.breaker.rule import BUCKETS, Breaker, Outcome, Permit
from seawall.guards.breaker.settings import BreakerSettings


class Model:
    """What a breaker is, in the plainest words."""

    def __init__(self, s: BreakerSettings) -> None:
        self.s, self.state, self.generation = s, "closed", 0
        self.until = self.half_until = 0.0
        self.open_for = s.open_s
        self.log: list[tuple[float, Outcome]] = []
        self.let_out: list[Outcome | None] = []

    def turn(self, state: str, until: float = 0.0) -> None:
        self.state, self.until, self.generation = state, until, self.generation + 1
        self.log, self.let_out = [], []

    def admit(self, now: float) -> int | None:
        over = self.state == "open" and now >= self.until
        if over or (self.state == "half_open" and now >= self.half_until):
            self.turn("half_open")
            self.half_until = now + self.open_for
        if self.state == "half_open":
            if len([o for o in self.let_out if o is not Outcome.UNKNOWN]) >= self.s.probes:
                return None
            self.let_out.append(None)
        return self.generation if self.state in ("closed", "half_open") else None

    def report(self, generation: int, outcome: Outcome, now: float) -> None:
        if generation != self.generation:
            return
        if self.state == "half_open":
            self.let_out[self.let_out.index(None)] = outcome
            back = [o for o in self.let_out if o in (Outcome.GOOD, Outcome.SLOW)]
            slow = back.count(Outcome.SLOW)
            crawls = slow > 0 and slow / self.s.probes >= self.s.slow_ratio
            if outcome is Outcome.FAILED or (len(back) == self.s.probes and crawls):
                self.open_for = min(self.open_for * 2, self.s.longest_open_s)
                self.turn("open", now + self.open_for)
            elif len(back) == self.s.probes:
                self.open_for = self.s.open_s
                self.turn("closed")
        elif outcome is not Outcome.UNKNOWN:
            self.log.append((now, outcome))
            width = self.s.window_s / BUCKETS
            seen = [o for at, o in self.log if at // width > now // width - BUCKETS]
            failed, slow = seen.count(Outcome.FAILED), seen.count(Outcome.SLOW)
            n = len(seen)
            broken = failed > 0 and failed / n >= self.s.failure_ratio
            if n >= self.s.min_calls and (broken or (slow > 0 and slow / n >= self.s.slow_ratio)):
                self.turn("open", now + self.open_for)


class Comparison(RuleBasedStateMachine):
    """Do the same to both; permits are reported in any order, late, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.out: list[tuple[Permit, int]] = []

    @initialize(
        ratio=st.sampled_from([0.1, 0.5, 1.0]),
        slow_ratio=st.sampled_from([0.3, 0.9]),
        min_calls=st.integers(1, 6),
        probes=st.integers(1, 4),
    )
    def begin(self, ratio: float, slow_ratio: float, min_calls: int, probes: int) -> None:
        self.settings = BreakerSettings(ratio, slow_ratio, None, min_calls, 10.0, 4.0, 13.0, probes)
        self.breaker, self.model = Breaker(self.settings), Model(self.settings)

    @rule(by=st.sampled_from([0.0, 0.1, 0.7, 1.0, 3.3, 4.0, 11.0]))
    def time_passes(self, by: float) -> None:
        self.now += by

    @rule(calls=st.integers(1, 5))
    def calls_come(self, calls: int) -> None:
        for _ in range(calls):
            permit, expected = self.breaker.admit(self.now), self.model.admit(self.now)
            assert (permit is None) == (expected is None)
            if permit is not None and expected is not None:
                self.out.append((permit, expected))

    @rule(which=st.integers(0, 10_000), outcome=st.sampled_from(Outcome))
    def a_call_ends(self, which: int, outcome: Outcome) -> None:
        if self.out:
            permit, generation = self.out.pop(which % len(self.out))
            self.breaker.report(permit, outcome, self.now)
            self.model.report(generation, outcome, self.now)

    @rule(outcomes=st.lists(st.sampled_from(Outcome), max_size=8))
    def calls_come_and_end(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.calls_come(1)
            self.a_call_ends(-1, outcome)

    @rule(for_s=st.sampled_from([-1.0, 2.0, 9.0, 100.0]))
    def the_provider_names_a_time(self, for_s: float) -> None:
        self.breaker.hold_open(self.now + for_s, self.now)
        until = self.now + min(for_s, self.settings.longest_open_s)
        if for_s > 0 and self.model.state == "open":
            self.model.until = max(self.model.until, until)
        elif for_s > 0 and self.model.state != "isolated":
            self.model.turn("open", until)

    @rule(isolates=st.sampled_from([False, False, True]))
    def an_operator_acts(self, isolates: bool) -> None:
        if isolates:
            self.breaker.isolate()
            if self.model.state != "isolated":
                self.model.turn("isolated")
        else:
            self.breaker.release()
            if self.model.state == "isolated":
                self.model.open_for = self.settings.open_s
                self.model.turn("closed")

    @invariant()
    def both_stand_alike(self) -> None:
        if hasattr(self, "model"):
            assert self.breaker.state.name.lower() == self.model.state
            if self.model.state == "open":
                assert self.breaker.open_until_s == self.model.until


TestBreakerAgainstItsModel = Comparison.TestCase
TestBreakerAgainstItsModel.settings = settings(max_examples=100, stateful_step_count=100)
