"""Prompt caches as the two providers account for them.

A prompt is a row of segments; an entry of the cache stands for everything up to the end of one segment, byte for byte,
under one API key and one model. Nothing of the prompt is kept, only digests.

Entries are looked up when a request comes and written when its answer begins, so that two requests that come together
both pay for the write. A lifetime counts from the start of the request that wrote or last read the entry.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from seawall.sandbox.draw import digest

SHORT_S: Final = 300.0
LONG_S: Final = 3_600.0
LOOKBACK: Final = 20  # segments that a breakpoint looks back over, itself included
AUTOMATIC_FROM: Final = 1_024  # tokens; OpenAI caches nothing shorter
AUTOMATIC_STEP: Final = 128  # OpenAI reports multiples of it
AUTOMATIC_S: Final = 1_800.0
AUTOMATIC_LONG_S: Final = 43_200.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt; `ttl_s` marks a breakpoint at its end."""

    data: bytes
    tokens: int
    ttl_s: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One prefix to keep: its digest, and for how long."""

    key: bytes
    ttl_s: float


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What a prompt's tokens are, each counted once, and the entries that its answer writes or refreshes."""

    plain: int
    read: int = 0
    write_short: int = 0
    write_long: int = 0
    entries: tuple[Entry, ...] = ()


class PromptCache:
    """Remember prefixes, at most `limit` of them; the one used longest ago goes first."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._until: OrderedDict[bytes, tuple[float, float]] = OrderedDict()  # digest: (end, lifetime)

    def is_live(self, key: bytes, now_s: float) -> bool:
        """Say whether a prefix can be read now."""
        until = self._until.get(key)
        return until is not None and now_s < until[0]

    def lifetime_s(self, key: bytes) -> float:
        """Give the lifetime an entry was written with."""
        return self._until[key][1]

    def write(self, entries: Sequence[Entry], now_s: float) -> None:
        """Keep or refresh entries, from the start of the request on."""
        for entry in entries:
            self._until[entry.key] = (now_s + entry.ttl_s, entry.ttl_s)
            self._until.move_to_end(entry.key)
        while len(self._until) > self._limit:
            self._until.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._until.clear()


def _keys(scope: bytes, segments: Sequence[Segment]) -> list[bytes]:
    return list(accumulate((segment.data for segment in segments), digest, initial=scope))[1:]


def explicit(cache: PromptCache, scope: bytes, segments: Sequence[Segment], least: int, now_s: float) -> CacheUse:
    """Account as Anthropic does: only breakpoints write, and each looks back over at most 20 segments.

    A breakpoint with fewer than `least` tokens before it does nothing. With A the tokens at the longest prefix found,
    B those at the last 1-hour breakpoint after it and C those at the last breakpoint: A are read, B-A written for an
    hour, C-B for five minutes, the rest is plain input.
    """
    totals = list(accumulate(segment.tokens for segment in segments))
    marks = [(i, segment.ttl_s) for i, segment in enumerate(segments) if segment.ttl_s and totals[i] >= least]
    if not marks:
        return CacheUse(plain=totals[-1] if totals else 0)
    keys = _keys(scope, segments)
    found = -1
    for mark, _ in marks:
        for i in range(mark, max(found, mark - LOOKBACK), -1):
            if cache.is_live(keys[i], now_s):
                found = i
                break
    refreshed = [i for i, _ in marks if i < found and cache.is_live(keys[i], now_s)]
    read = 0
    if found >= 0:
        refreshed.append(found)
        read = totals[found]
    written = [(i, ttl_s) for i, ttl_s in marks if i > found]
    to_long = max((totals[i] for i, ttl_s in written if ttl_s == LONG_S), default=read)
    to_end = max((totals[i] for i, _ in written), default=read)
    entries = [Entry(keys[i], cache.lifetime_s(keys[i])) for i in refreshed]
    entries += [Entry(keys[i], ttl_s) for i, ttl_s in written]
    return CacheUse(totals[-1] - to_end, read, to_end - to_long, to_long - read, tuple(entries))


def automatic(
    cache: PromptCache, scope: bytes, segments: Sequence[Segment], now_s: float, *, until: int, has_write_fee: bool
) -> CacheUse:
    """Account as OpenAI does: the longest known prefix is read, in steps of 128 tokens, from 1,024 on.

    `until` is the last segment that may be cached, -1 for none. Segments up to the last one marked for 12 hours are
    written for that long. Models without a fee for writing report no written tokens.
    """
    totals = list(accumulate(segment.tokens for segment in segments))
    total = totals[-1] if totals else 0
    first = next((i for i, tokens in enumerate(totals) if tokens >= AUTOMATIC_FROM), len(totals))
    if first > until:
        return CacheUse(plain=total)
    keys = _keys(scope, segments[: until + 1])
    found = next((i for i in range(until, first - 1, -1) if cache.is_live(keys[i], now_s)), None)
    read = 0 if found is None else _in_steps(totals[found])
    last_long = max((i for i in range(until + 1) if segments[i].ttl_s == AUTOMATIC_LONG_S), default=-1)
    entries = tuple(
        Entry(keys[i], AUTOMATIC_LONG_S if i <= last_long else AUTOMATIC_S) for i in range(first, until + 1)
    )
    if not has_write_fee:
        return CacheUse(total - read, read, entries=entries)
    to_end = max(_in_steps(totals[until]), read)
    to_long = max(_in_steps(totals[last_long]), read) if last_long >= first else read
    return CacheUse(total - to_end, read, to_end - to_long, to_long - read, entries)


def _in_steps(tokens: int) -> int:
    return tokens - tokens % AUTOMATIC_STEP
