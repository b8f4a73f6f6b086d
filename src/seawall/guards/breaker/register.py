"""All breakers of one worker, and what it tells the others of them."""

import random
from collections.abc import Callable, Iterable
from dataclasses import astuple
from typing import Final

import msgspec

from seawall.guards.breaker.rule import Breaker, State
from seawall.guards.breaker.settings import BreakerSettings

MAX_BREAKERS: Final = 1024
MAX_ISOLATED: Final = 1024


class Opened(msgspec.Struct, frozen=True):
    """A breaker that this worker opened: of which target and settings, until which wall time, and for how long."""

    target: str
    settings: str
    until_wall_s: float
    for_s: float


class Isolated(msgspec.Struct, frozen=True):
    """An operator's last word on a target, and the wall time at which it was said."""

    target: str
    is_isolated: bool
    at_wall_s: float


class Notice(msgspec.Struct, frozen=True):
    """What one worker tells the others."""

    opened: tuple[Opened, ...] = ()
    isolated: tuple[Isolated, ...] = ()


class BreakerState(msgspec.Struct, frozen=True):
    """A breaker as the status page shows it. `opens_in_s` is None for one that only a person lets through again."""

    target: str
    state: str
    opens_in_s: float | None
    calls: int
    failed: int
    slow: int


class _Entry:
    """One breaker, with what the other workers said of it.

    `followed` holds the openings that were taken over, by their wall time, and `adopted_s` until when the last of them
    keeps it open. `told` is this worker's own last opening with the moment that it was told for.
    """

    __slots__ = ("adopted_s", "breaker", "followed", "name", "told", "way")

    def __init__(self, name: str, way: str, breaker: Breaker) -> None:
        self.name = name
        self.way = way
        self.breaker = breaker
        self.followed: set[float] = set()
        self.adopted_s = 0.0
        self.told: tuple[float, Opened] | None = None


def way_of(settings: BreakerSettings) -> str:
    """Write settings as one text, by which breakers of the same target are told apart, in every worker the same."""
    return "/".join(map(str, astuple(settings)))


class Breakers:
    """The breakers of one worker, one for each target and way of asking it, made on demand; they outlive policies.

    Beyond `MAX_BREAKERS` the oldest closed one is forgotten. `draw` gives uniform numbers in [0, 1).
    """

    __slots__ = ("_all", "_draw", "_words")

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._all: dict[tuple[str, str], _Entry] = {}
        self._draw = draw
        self._words: dict[str, Isolated] = {}

    def of(self, name: str, settings: BreakerSettings, way: str) -> Breaker:
        """Give a target's breaker; a new one is closed unless the target is isolated. `way` is `way_of(settings)`."""
        found = self._all.get((name, way))
        return self._make(name, settings, way) if found is None else found.breaker

    def states(self, now_s: float) -> list[BreakerState]:
        """Say how every breaker stands, for people."""
        states = [
            BreakerState(e.name, e.breaker.state.name.lower(), e.breaker.opens_in_s(now_s), *e.breaker.counts)
            for e in self._all.values()
        ]
        named = {state.target for state in states}
        states += [
            BreakerState(word.target, State.ISOLATED.name.lower(), None, 0, 0, 0)
            for word in self._words.values()
            if word.is_isolated and word.target not in named
        ]
        return states

    def isolate(self, name: str, wall_s: float) -> None:
        """Leave a target alone until `release`, whatever its breaker thinks; the other workers follow."""
        self._obey(Isolated(name, is_isolated=True, at_wall_s=wall_s))

    def release(self, name: str, wall_s: float) -> None:
        """End an isolation here and in the other workers."""
        self._obey(Isolated(name, is_isolated=False, at_wall_s=wall_s))

    def notice(self, now_s: float, wall_s: float) -> Notice:
        """Say what the others should know: what this worker opened by itself, and who is isolated.

        What was opened by another's word is not passed on, or two workers could keep a target closed for ever. The
        notice stays the same until something happens.
        """
        opened = []
        for entry in self._all.values():
            until_s = entry.breaker.open_until_s
            if entry.breaker.state is not State.OPEN or until_s <= now_s or until_s == entry.adopted_s:
                continue
            if entry.told is None or entry.told[0] != until_s:
                left_s = until_s - now_s
                entry.told = until_s, Opened(entry.name, entry.way, wall_s + left_s, left_s)
            opened.append(entry.told[1])
        return Notice(tuple(opened), tuple(self._words.values()))

    def adopt(self, notices: Iterable[Notice], now_s: float, wall_s: float) -> None:
        """Open what other workers opened, for as long, and isolate or release what a person did there.

        Each opening is followed once: when it is over this worker finds out for itself, with its own probes. A jump of
        the wall clock makes no opening longer than it was.
        """
        openings: dict[tuple[str, str], dict[float, float]] = {}
        for notice in notices:
            for word in notice.isolated:
                self._obey(word)
            for opened in notice.opened:
                left_s = min(opened.until_wall_s - wall_s, opened.for_s)
                openings.setdefault((opened.target, opened.settings), {})[opened.until_wall_s] = left_s
        for key, entry in self._all.items():
            found = openings.get(key, {})
            for until_wall_s in found.keys() - entry.followed:
                entry.breaker.hold_open(now_s + found[until_wall_s], now_s)
                entry.adopted_s = entry.breaker.open_until_s
            entry.followed = set(found)

    def _obey(self, word: Isolated) -> None:
        """Take a person's word, unless a later one is known."""
        known = self._words.get(word.target)
        if known is not None and known.at_wall_s >= word.at_wall_s:
            return
        self._words.pop(word.target, None)
        self._words[word.target] = word
        if len(self._words) > MAX_ISOLATED:
            released = (name for name, word in self._words.items() if not word.is_isolated)
            del self._words[next(released, None) or next(iter(self._words))]
        for entry in self._all.values():
            if entry.name == word.target:
                (entry.breaker.isolate if word.is_isolated else entry.breaker.release)()

    def _make(self, name: str, settings: BreakerSettings, way: str) -> Breaker:
        if len(self._all) >= MAX_BREAKERS:
            closed = (key for key, entry in self._all.items() if entry.breaker.state is State.CLOSED)
            del self._all[next(closed, None) or next(iter(self._all))]
        breaker = Breaker(settings, self._draw)
        self._all[name, way] = _Entry(name, way, breaker)
        word = self._words.get(name)
        if word is not None and word.is_isolated:
            breaker.isolate()
        return breaker
