"""Every breaker of a simulated worker beside a reference model, which keeps all that it hears and counts it anew."""

from collections.abc import Callable

from seawall.guards.breaker.register import Breakers
from seawall.guards.breaker.rule import BUCKETS, JITTER, Breaker, Outcome, Permit, State
from seawall.guards.breaker.settings import BreakerSettings


class Model:
    """What a breaker is, in the plainest words; `jitter` gives the draw that the breaker itself has just made."""

    def __init__(self, settings: BreakerSettings, jitter: Callable[[], float]) -> None:
        self.s, self.jitter = settings, jitter
        self.state, self.generation = State.CLOSED, 0
        self.until = self.half_until = 0.0
        self.open_for = settings.open_s
        self.heard: list[tuple[float, Outcome]] = []
        self.let_out: list[Outcome | None] = []

    def turn(self, state: State, until: float = 0.0) -> None:
        self.state, self.until, self.generation = state, until, self.generation + 1
        self.heard, self.let_out = [], []

    def trip(self, now: float) -> None:
        self.turn(State.OPEN, now + min(self.open_for * (1 + JITTER * self.jitter()), self.s.longest_open_s))

    def admit(self, now: float) -> bool:
        over = self.state is State.OPEN and now >= self.until
        if over or (self.state is State.HALF_OPEN and now >= self.half_until):
            self.turn(State.HALF_OPEN)
            self.half_until = now + self.open_for
        if self.state is State.HALF_OPEN:
            if len([outcome for outcome in self.let_out if outcome is not Outcome.UNKNOWN]) >= self.s.probes:
                return False
            self.let_out.append(None)
        return self.state in (State.CLOSED, State.HALF_OPEN)

    def report(self, generation: int, outcome: Outcome, now: float) -> None:
        if generation != self.generation:
            return
        if self.state is State.HALF_OPEN:
            self.let_out[self.let_out.index(None)] = outcome
            back = [found for found in self.let_out if found in (Outcome.GOOD, Outcome.SLOW)]
            slow, is_whole = back.count(Outcome.SLOW), len(back) == self.s.probes
            crawls = slow > 0 and slow / self.s.probes >= self.s.slow_ratio
            if outcome is Outcome.FAILED or (is_whole and crawls):
                self.open_for = min(self.open_for * 2, self.s.longest_open_s)
                self.trip(now)
            elif is_whole:
                self.open_for = self.s.open_s
                self.turn(State.CLOSED)
        elif outcome is not Outcome.UNKNOWN:
            self.heard.append((now, outcome))
            width = self.s.window_s / BUCKETS
            seen = [found for at, found in self.heard if at // width > now // width - BUCKETS]
            failed, slow = seen.count(Outcome.FAILED), seen.count(Outcome.SLOW)
            broken = failed > 0 and failed / len(seen) >= self.s.failure_ratio
            crawls = slow > 0 and slow / len(seen) >= self.s.slow_ratio
            if len(seen) >= self.s.min_calls and (broken or crawls):
                self.trip(now)

    def hold_open(self, until: float, now: float) -> None:
        until = min(until, now + self.s.longest_open_s)
        if until > now and self.state is State.OPEN:
            self.until = max(self.until, until)
        elif until > now and self.state is not State.ISOLATED:
            self.turn(State.OPEN, until)

    def isolate(self) -> None:
        if self.state is not State.ISOLATED:
            self.turn(State.ISOLATED)

    def release(self) -> None:
        if self.state is State.ISOLATED:
            self.open_for = self.s.open_s
            self.turn(State.CLOSED)


class WatchedBreaker(Breaker):
    """A real breaker that is compared with the model after everything that happens to it."""

    __slots__ = ("_complain", "_jitter", "_model", "_name")

    def __init__(
        self, settings: BreakerSettings, draw: Callable[[], float], name: str, complain: Callable[[str], None]
    ) -> None:
        self._jitter = 0.0

        def drawn() -> float:
            self._jitter = draw()
            return self._jitter

        super().__init__(settings, drawn)
        self._name, self._complain = name, complain
        self._model = Model(settings, lambda: self._jitter)

    def admit(self, now_s: float) -> Permit | None:
        """Do as a breaker does, and compare."""
        permit = super().admit(now_s)
        if self._model.admit(now_s) != (permit is not None):
            self._complain(f"the breaker of {self._name} let {permit} through at {now_s}")
        self._compare()
        return permit

    def report(self, permit: Permit, outcome: Outcome, now_s: float) -> None:
        """Do as a breaker does, and compare."""
        super().report(permit, outcome, now_s)
        self._model.report(permit.generation, outcome, now_s)
        self._compare()

    def hold_open(self, until_s: float, now_s: float) -> None:
        """Do as a breaker does, and compare."""
        super().hold_open(until_s, now_s)
        self._model.hold_open(until_s, now_s)
        self._compare()

    def isolate(self) -> None:
        """Do as a breaker does, and compare."""
        super().isolate()
        self._model.isolate()
        self._compare()

    def release(self) -> None:
        """Do as a breaker does, and compare."""
        super().release()
        self._model.release()
        self._compare()

    def _compare(self) -> None:
        model = self._model
        if self.state is not model.state or (self.state is State.OPEN and self.open_until_s != model.until):
            self._complain(
                f"the breaker of {self._name} is {self.state.name} until {self.open_until_s}, "
                f"its model {model.state.name} until {model.until}"
            )


class WatchedBreakers(Breakers):
    """A worker's breakers, each beside its model."""

    __slots__ = ("_complain",)

    def __init__(self, draw: Callable[[], float], complain: Callable[[str], None]) -> None:
        super().__init__(draw)
        self._complain = complain

    def _make(self, name: str, settings: BreakerSettings, way: str) -> Breaker:
        made = super()._make(name, settings, way)
        watched = WatchedBreaker(settings, self._draw, name, self._complain)
        if made.state is State.ISOLATED:
            watched.isolate()
        self._all[name, way].breaker = watched
        return watched
