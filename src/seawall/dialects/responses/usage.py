"""The usage object of the Responses API, read and written."""

from typing import Any

import msgspec

from seawall.core.usage import Usage
from seawall.dialects.dialect import UsageState
from seawall.dialects.partial import Count


class _Writes(msgspec.Struct):
    ttl_30m_tokens: Count | None = None
    ttl_12h_tokens: Count | None = None


class _InputDetails(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_write_tokens_details: _Writes | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: Count | None = None


class UsageObject(msgspec.Struct):
    """The object as it travels; every count may be missing."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


def usage_of(found: UsageObject, searches: int = 0) -> tuple[Usage, UsageState]:
    """Sort the counts into disjoint buckets: cached and written tokens out of the input, reasoning out of the output.

    Where the provider's numbers contradict each other, the dearer reading is taken: writes that no lifetime claims
    are the longer one's, and parts that are larger than their total are charged beside it. An answer without a count
    of its own has been counted in part.
    """
    prompt, output = found.input_tokens or 0, found.output_tokens or 0
    read = short = long = thinking = unclaimed = 0
    if (ins := found.input_tokens_details) is not None:
        read, short = ins.cached_tokens or 0, ins.cache_write_tokens or 0
        if (writes := ins.cache_write_tokens_details) is not None:
            written = short
            short, long = writes.ttl_30m_tokens or 0, writes.ttl_12h_tokens or 0
            unclaimed = written - short - long
    if (outs := found.output_tokens_details) is not None:
        thinking = outs.reasoning_tokens or 0
    plain, readable = prompt - read - short - long, output - thinking
    if not unclaimed and min(plain, read, short, long, readable, thinking, searches) >= 0:
        state: UsageState = "partial" if found.output_tokens is None else "reported"
        return Usage(plain, read, short, long, readable, thinking, searches), state
    read, short, long, thinking = max(read, 0), max(short, 0), max(long, 0), max(thinking, 0)
    long += max(unclaimed, 0)
    plain, readable = prompt - read - short - long, output - thinking
    if plain < 0:
        plain = max(prompt, 0)
    if readable < 0:
        readable = max(output, 0)
    return Usage(plain, read, short, long, readable, thinking, max(searches, 0)), "unsound"


def usage_object(usage: Usage) -> dict[str, Any]:
    """Write the buckets as the API's totals and their parts."""
    short, long = usage.cache_write_short, usage.cache_write_long
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": short + long,
            "cache_write_tokens_details": {"ttl_30m_tokens": short, "ttl_12h_tokens": long},
        },
        "output_tokens": usage.billed_output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.prompt + usage.billed_output,
    }
