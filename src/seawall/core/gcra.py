"""Rates by GCRA, as the continuous-state leaky bucket of ITU-T I.371, in whole numbers; pure.

A bucket is what it lacks of being full, counted in parts: a unit is `UNIT` of them, and in every microsecond
`per_minute` of them come back. No division happens between two takes, so no rounding ever adds up, whatever the rate.
Times are whole microseconds of wall time.
"""

from typing import Final, NamedTuple

from seawall.core.rate import Rate

US: Final = 1_000_000
UNIT: Final = 60 * US
# Askers read the clock before they queue for the bucket, so that times come a little out of order; what lies further
# back than this is another clock.
SLACK_US: Final = 5 * US
# What a bucket can owe at most, so that a store may keep it in 64 bits.
MOST_UNITS: Final = 100_000_000_000


class Level(NamedTuple):
    """What a bucket lacked at a time, in parts of a unit; full at 0, and more than `burst` where something is owed."""

    parts: int
    at_us: int


class Took(NamedTuple):
    """The bucket after `units` were taken from it."""

    level: Level
    units: int


class Later(NamedTuple):
    """The bucket does not have enough before `at_us`, and then does, if nobody else takes any.

    `level` is the one that there was, unless the clock was set back, which has to be kept.
    """

    level: Level
    at_us: int


def whole_us(at_s: float) -> int:
    """Round a wall time to the microseconds that buckets count in; exact for every time that came from `seconds`."""
    return round(at_s * US)


def seconds(at_us: int) -> float:
    """Give a wall time in seconds, of which `whole_us` makes the same microseconds again."""
    return at_us / US


def level_at(level: Level, rate: Rate, now_us: int) -> Level:
    """Let come back what came back until now.

    A time a little before the last one counts as the last one. One far before it is a clock that was set back: what
    the bucket lacked then it lacks now, and it fills from here on, so that it is locked no longer than it takes to fill
    up. A clock that jumps ahead fills it once.
    """
    gone_us = now_us - level.at_us
    if gone_us >= 0:
        return Level(max(level.parts - gone_us * rate.per_minute, 0), now_us)
    return level if gone_us >= -SLACK_US else Level(level.parts, now_us)


def take(level: Level, rate: Rate, least: int, most: int, now_us: int) -> Took | Later:
    """Take as many units as there are, up to `most`, or say when there will be `least`; 1 <= least <= most.

    More than `burst` at once is let through when the bucket is full, and owed afterwards.
    """
    now = level_at(level, rate, now_us)
    has = (rate.burst * UNIT - now.parts) // UNIT
    if has >= least:
        units = min(has, most)
    elif now.parts == 0:
        units = least
    else:
        return Later(now if now.at_us < level.at_us else level, _when(now, rate, least))
    return Took(_lacking(now, units), units)


def look(level: Level, rate: Rate, units: int, now_us: int) -> int:
    """Say at which time the bucket will have so many units, if nobody takes any; now where it has them."""
    level = level_at(level, rate, now_us)
    return max(_when(level, rate, units), now_us)


def charge(level: Level, rate: Rate, units: int, now_us: int) -> Level:
    """Count units that were used already, whether they were there or not; what was not is owed."""
    return _lacking(level_at(level, rate, now_us), units)


def put_back(level: Level, rate: Rate, units: int, now_us: int) -> Level:
    """Give units back; a bucket is never more than full."""
    level = level_at(level, rate, now_us)
    return Level(max(level.parts - units * UNIT, 0), level.at_us)


def full_at_us(level: Level, rate: Rate) -> int:
    """Say from when on the bucket is as good as one that nobody ever used."""
    return level.at_us - -level.parts // rate.per_minute


def _when(level: Level, rate: Rate, units: int) -> int:
    over = level.parts - max(rate.burst - units, 0) * UNIT
    return level.at_us - -max(over, 0) // rate.per_minute


def _lacking(level: Level, units: int) -> Level:
    return Level(min(level.parts + units * UNIT, MOST_UNITS * UNIT), level.at_us)
