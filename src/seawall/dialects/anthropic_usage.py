"""The usage object of the Messages dialect, read and written."""

from typing import Any

import msgspec

from seawall.core.price import STANDARD, Mode
from seawall.core.usage import Usage
from seawall.dialects.dialect import UsageState
from seawall.dialects.partial import Count, word


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _ServerToolUse(msgspec.Struct):
    web_search_requests: Count | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: Count | None = None


class UsageObject(msgspec.Struct):
    """A usage object as it came, a field None where it was absent or null."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerToolUse | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    def overlay(self, newer: "UsageObject") -> None:
        """Take over every field that a newer object tells: the counts of a stream are cumulative.

        Only the first object of a stream splits the cache writes by lifetime. Where later rounds of the provider's own
        tools have written more, nobody says for how long: the dearer reading is the longer one.
        """
        split, written = self.cache_creation, newer.cache_creation_input_tokens
        if split is not None and written is not None and newer.cache_creation is None:
            short, long = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
            if written > short + long >= 0:
                self.cache_creation = _CacheCreation(short, written - short)
        for name in self.__struct_fields__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)


def sorted_usage(found: UsageObject) -> tuple[Usage, UsageState]:
    """Sort a usage object's counts into disjoint buckets.

    Where the provider's numbers contradict each other, the dearer reading is taken: cache writes that no lifetime
    claims are the longer one's, and no part is cut to its total.
    """
    plain, read, output = found.input_tokens or 0, found.cache_read_input_tokens or 0, found.output_tokens or 0
    short, long = found.cache_creation_input_tokens or 0, 0
    tools, details, split = found.server_tool_use, found.output_tokens_details, found.cache_creation
    searches = tools.web_search_requests or 0 if tools is not None else 0
    thinking = details.thinking_tokens or 0 if details is not None else 0
    written, unclaimed = short, 0
    if split is not None:
        short, long = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
        if found.cache_creation_input_tokens is not None:
            unclaimed = written - short - long
    readable = output - thinking
    if not unclaimed and min(plain, read, short, long, readable, thinking, searches) >= 0:
        return Usage(plain, read, short, long, readable, thinking, searches), "reported"
    short, long = max(short, 0), max(long, 0)
    if unclaimed:
        long += max(written - short - long, 0)
    thinking = max(thinking, 0)
    readable = output - thinking
    if readable < 0:  # thinking is counted beside the output, then, and not in it
        readable = max(output, 0)
    return Usage(max(plain, 0), max(read, 0), short, long, readable, thinking, max(searches, 0)), "unsound"


def mode_of(found: UsageObject) -> Mode:
    """Say under which conditions a call was served, which decide its price."""
    tier, speed, geo = found.service_tier or "", found.speed or "", found.inference_geo or ""
    if tier in ("", "standard") and speed in ("", "standard") and geo in ("", "global", "not_available"):
        return STANDARD
    return Mode(service_tier=word(tier), speed=word(speed), geo=word(geo))


def usage_fields(usage: Usage) -> dict[str, Any]:
    """Write a usage object of disjoint buckets, in which every count is told: the last one told stands."""
    short, long = usage.cache_write_short, usage.cache_write_long
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": short + long,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
        "output_tokens": usage.billed_output,
        "output_tokens_details": {"thinking_tokens": usage.thinking},
        "server_tool_use": {"web_search_requests": usage.web_searches, "web_fetch_requests": 0},
    }
