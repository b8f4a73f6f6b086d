"""The journal's record: the only facts of a call that are ever written down (S15).

The schema fails closed: a fact without a field here cannot be recorded, every text has a bound, and a text that a
client chose goes through `bounded` (a label) or is hashed before it gets here. There is no field for bodies.
"""

from functools import lru_cache
from math import floor
from typing import Final

import msgspec

SCHEMA_VERSION: Final = 1
MAX_TEXT: Final = 128
MAX_NOTES: Final = 16


class AttemptRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dispatch to one provider. Times are seconds from the exchange's start, or lengths in seconds."""

    provider: str
    model: str
    started_s: float
    duration_s: float
    status: int = 0
    error: str = ""
    first_byte_s: float | None = None
    first_token_s: float | None = None
    provider_request_id: str = ""
    answered_model: str = ""
    stop_reason: str = ""
    service_tier: str = ""
    speed: str = ""
    geo: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_short_tokens: int = 0
    cache_write_long_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    web_searches: int = 0
    usage: str = "none"  # none, reported, partial, unsound
    cost_nusd: int | None = None
    price_source: str = ""


class CallRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One exchange with its attempts.

    `at_s` is wall time in seconds since 1970; other times are lengths in seconds. `outcome` is one of ok, refused
    (by us), failed (by the provider, or by us for want of something), hung_up (by the client). `cost_nusd` sums the
    attempts. `user` and `conversation` are keyed hashes. `prompt_prefix` stays empty until a redaction engine fills it.
    """

    id: str
    at_s: float
    schema: int = SCHEMA_VERSION
    outcome: str = "ok"
    status: int = 0
    error: str = ""
    dialect: str = ""
    endpoint: str = ""
    stream: bool = False
    route: str = ""
    traffic_class: str = ""
    key_id: str = ""
    team: str = ""
    project: str = ""
    user: str = ""
    feature: str = ""
    conversation: str = ""
    trace_id: str = ""
    model_asked: str = ""
    provider: str = ""
    model: str = ""
    policy_version: str = ""
    prompt_version: str = ""
    schema_version: str = ""
    cache: str = "off"
    degraded: str = ""  # model, cached, message
    replayed: bool = False
    duration_s: float = 0.0
    overhead_s: float = 0.0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    stop_reason: str = ""
    cost_nusd: int = 0
    notes: tuple[str, ...] = ()
    prompt_prefix: str = ""
    attempts: tuple[AttemptRecord, ...] = ()


@lru_cache(1024)
def bounded(text: str) -> str:
    """Cut a text to what a field may hold, with everything that a terminal or a log line could trip over replaced."""
    text = text[:MAX_TEXT]
    return text if text.isascii() and text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def whole_us(seconds: float) -> float:
    """Cut a length to whole microseconds, which is what a record keeps; five times as fast as `round`."""
    return floor(seconds * 1e6 + 0.5) / 1e6
