"""Decide about rates: whose buckets a call takes from, how much, and what it is told where they are empty; pure."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from seawall.core.holder import KINDS, Subject, holder_of
from seawall.core.rate import Bucket, Rate
from seawall.core.record import AttemptRecord
from seawall.core.verdict import Refuse
from seawall.dialects.dialect import CHAT, MESSAGES, RESPONSES, Endpoint
from seawall.guards.limits.settings import Limit

# Who is told to wait for longer than this, is told to give up.
LONGEST_RETRY_S: Final = 60.0
_CEILINGS: Final = {
    MESSAGES: ("max_tokens",),
    CHAT: ("max_completion_tokens", "max_tokens"),
    RESPONSES: ("max_output_tokens",),
}
_COUNTED: Final = frozenset({"none", "reported", "unsound"})


class Wanted(NamedTuple):
    """The buckets that a call takes from: a unit each, or its tokens. From the leaf to the root."""

    requests: tuple[Bucket, ...]
    tokens: tuple[Bucket, ...]


def buckets_of(limits: Iterable[Limit], subject: Subject) -> Wanted:
    """Name the buckets that a call counts against, each once; where two limits mean one bucket, the smaller holds.

    The leaf comes first, so that who has used up what is its own takes nothing from what is everybody's.
    """
    found: dict[tuple[str, str], Rate] = {}
    for limit in sorted(limits, key=lambda each: -KINDS.index(each.kind)):
        holder = holder_of(limit.kind, limit.name, subject)
        if holder is not None:
            key, rate = (limit.counts, f"{holder}#{limit.counts}"), limit.rate
            other = found.get(key, rate)
            found[key] = Rate(min(rate.per_minute, other.per_minute), min(rate.burst, other.burst))
    requests, tokens = (
        tuple(Bucket(name, rate) for (counts, name), rate in found.items() if counts == wanted)
        for wanted in ("requests", "tokens")
    )
    return Wanted(requests, tokens)


def output_tokens(endpoint: Endpoint, fields: dict[str, object], ceiling: int) -> int:
    """Say how many tokens an answer may have: what the request asks for, but no more than the route gives."""
    asked = [fields.get(name) for name in _CEILINGS.get(endpoint, ())]
    numbers = [number for number in asked if type(number) is int and number >= 0]
    if not asked:
        return 0
    return min(max(numbers, default=ceiling), ceiling)


def used_tokens(attempts: Sequence[AttemptRecord], estimate: int) -> int:
    """Say how many tokens a call used in all its attempts, in and out, cached or not.

    An attempt whose count is missing or broke off is taken for the estimate, unless more is known.
    """
    used = 0
    for each in attempts:
        known = (
            each.input_tokens
            + each.cache_read_tokens
            + each.cache_write_short_tokens
            + each.cache_write_long_tokens
            + each.output_tokens
            + each.thinking_tokens
        )
        used += known if each.usage in _COUNTED else max(known, estimate)
    return used


def refusal(bucket: Bucket, units: int, wait_s: float) -> Refuse:
    """Word the refusal of a call that the bucket does not have enough for."""
    holder, _, counts = bucket.name.rpartition("#")
    rate = bucket.rate
    return Refuse(
        f"limit.{counts}",
        f"{holder} may use {rate.per_minute} {counts} a minute, {rate.burst} at once, and has used them;"
        f" this call needs {units} and would pass in {wait_s:.3f} s",
    )


def is_worth_retrying(wait_s: float) -> bool:
    """Say whether a client that tries again by itself would still be waited for."""
    return wait_s <= LONGEST_RETRY_S
