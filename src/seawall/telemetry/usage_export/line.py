"""One line of a provider's usage export, whatever its columns are called; pure.

Read by name are the columns of Anthropic's console (`usage_date_utc`, `usage_input_tokens_no_cache`, `cost_usd`) and
Admin API (`uncached_input_tokens`, `cache_creation.ephemeral_5m_input_tokens`), those of OpenAI's usage and cost
endpoints (`input_cached_tokens`, `amount.value`) and older dashboard (`n_context_tokens_total`), and the fields of the
usage objects in both providers' answers.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from seawall.core.money import nusd_from_usd
from seawall.core.price import Mode
from seawall.core.usage import Usage

_REQUEST_ID: Final = (
    "request_id", "requestid", "x_request_id", "provider_request_id", "anthropic_request_id", "openai_request_id",
)  # fmt: skip  # lists of names, not columns
_TIME: Final = (
    "timestamp", "time", "created_at", "created", "request_time", "start_time", "starting_at", "start_time_iso",
    "aggregation_timestamp", "usage_date_utc", "usage_date", "date",
)  # fmt: skip
_MODEL: Final = ("model", "model_version", "model_name", "model_id", "snapshot_id", "response_model")
_COST: Final = ("cost_usd", "total_cost_usd", "amount_usd", "cost_in_usd", "usd", "cost_dollars")
_MAYBE_COST: Final = ("amount_value", "cost_value")  # dollars where `…_currency` beside it says so
_NO_UNIT: Final = ("cost", "amount", "total_cost", "price")  # Anthropic's cost report says cents here, others dollars
_REQUESTS: Final = ("num_model_requests", "n_requests", "num_requests", "requests", "request_count")
# Input without what the cache gave or took, and input with it.
_FRESH: Final = ("uncached_input_tokens", "input_tokens_no_cache", "input_uncached_tokens")
_WHOLE: Final = ("prompt_tokens", "n_context_tokens_total", "total_input_tokens")
_BARE: Final = ("input_tokens",)
_READ: Final = ("cache_read_input_tokens", "input_tokens_cache_read", "cache_read_tokens")
_READ_OF_WHOLE: Final = (
    "input_cached_tokens", "cached_tokens", "prompt_tokens_details_cached_tokens", "cached_input_tokens",
    "input_tokens_details_cached_tokens", "n_cached_context_tokens_total",
)  # fmt: skip
_WRITE_SHORT: Final = (
    "cache_creation_ephemeral_5m_input_tokens", "input_tokens_cache_write_5m", "cache_write_5m_tokens",
    "cache_creation_input_tokens", "input_tokens_cache_write", "cache_write_tokens",
    "prompt_tokens_details_cache_write_tokens", "input_tokens_details_cache_write_tokens", "input_cache_write_tokens",
)  # fmt: skip
_WRITE_LONG: Final = (
    "cache_creation_ephemeral_1h_input_tokens", "input_tokens_cache_write_1h", "cache_write_1h_tokens",
)  # fmt: skip
_OUTPUT: Final = ("output_tokens", "completion_tokens", "n_generated_tokens_total", "total_output_tokens")
_SEARCHES: Final = ("web_search_count", "web_search_requests", "server_tool_use_web_search_requests")
_WITH_LONG: Final = ("cache_creation_input_tokens", "input_tokens_cache_write", "cache_write_tokens")

_WORD_END: Final = re.compile(r"[^a-z0-9]+")
_COUNT: Final = re.compile(r"\d{1,15}|\d{1,3}(?:,\d{3}){1,4}")
_DOLLARS: Final = re.compile(r"\$? ?(\d{1,12}(?:\.\d{1,30})?(?:e-?\d{1,2})?)", re.IGNORECASE)
_SECONDS: Final = re.compile(r"\d{9,11}(\.\d+)?")
_MILLISECONDS: Final = re.compile(r"\d{12,14}")


class ExportLine(NamedTuple):
    """What one line says, as far as it says it.

    `number` counts lines of the file from 1, its heading included, or entries of a JSON document. `at_s` is wall time,
    `requests` how many requests the line sums up. `trouble` says what of it cannot be read; then the rest means little.
    """

    number: int
    request_id: str = ""
    at_s: float | None = None
    model: str = ""
    cost_nusd: int | None = None
    usage: Usage | None = None
    mode: Mode = Mode()
    requests: int = 1
    trouble: str = ""


def read_line(number: int, fields: Mapping[str, str]) -> ExportLine:
    """Read one line; never raises: what cannot be read is its `trouble`."""
    named = _named(fields)
    request_id = _first(named, _REQUEST_ID)
    if not request_id and named.get("id", "").startswith("req_"):
        request_id = named["id"]  # and not an answer's: msg_…, resp_…
    line = ExportLine(number, request_id, model=_first(named, _MODEL))
    try:
        return line._replace(
            at_s=_moment(_first(named, _TIME)),
            cost_nusd=_cost(named),
            usage=_usage(named),
            mode=_mode(named),
            requests=_count(named, _REQUESTS, 1),
        )
    except ValueError as error:
        return line._replace(trouble=str(error))


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    """Give what is said under plain names: lower case, one underscore between words, no `usage_` in front."""
    named: dict[str, str] = {}
    for name, text in fields.items():
        plain = _WORD_END.sub("_", name.lower()).strip("_")
        plain = plain if plain in _TIME else plain.removeprefix("usage_")
        if text.strip():
            named.setdefault(plain, text.strip())
    return named


def _first(named: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((named[name] for name in names if name in named), "")


def _count(named: Mapping[str, str], names: tuple[str, ...], absent: int = 0) -> int:
    text = _first(named, names)
    if not text:
        return absent
    text = text.removesuffix(".0")
    if not _COUNT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no count (column {_column(named, names)})")
    return int(text.replace(",", ""))


def _column(named: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next(name for name in names if name in named)


def _cost(named: Mapping[str, str]) -> int | None:
    column = next((name for name in (*_COST, *_MAYBE_COST, *_NO_UNIT) if name in named), None)
    if column is None:
        return None
    found = _DOLLARS.fullmatch(named[column])
    if found is None:
        raise ValueError(f"{named[column][:40]!r} is no amount of dollars (column {column})")
    currency = named.get(f"{column.removesuffix('_value')}_currency", "usd" if column in _COST else "")
    if column in _NO_UNIT and not named[column].startswith("$"):
        raise ValueError(f"column {column} says {named[column][:40]!r}, dollars or cents: name it cost_usd if dollars")
    if column in _MAYBE_COST and currency.lower() != "usd":
        raise ValueError(f"column {column} is in {currency or 'no named currency'}, expected USD")
    return nusd_from_usd(found[1])


def _usage(named: Mapping[str, str]) -> Usage | None:
    """Read the counts into disjoint buckets; None where the line has not both input and output."""
    has_input = any(name in named for name in (*_FRESH, *_WHOLE, *_BARE))
    if not has_input or not any(name in named for name in _OUTPUT):
        return None
    short, long = _count(named, _WRITE_SHORT), _count(named, _WRITE_LONG)
    if long and next((name for name in _WRITE_SHORT if name in named), "") in _WITH_LONG:
        short -= long  # a total and its longer part
    cached_of_whole = _count(named, _READ_OF_WHOLE)
    read = cached_of_whole + _count(named, _READ)
    if any(name in named for name in _FRESH):
        fresh = _count(named, _FRESH)
    elif any(name in named for name in _WHOLE) or any(name in named for name in _READ_OF_WHOLE):
        fresh = _count(named, (*_WHOLE, *_BARE)) - read - short - long
    else:
        fresh = _count(named, _BARE)
    usage = Usage(fresh, read, short, long, _count(named, _OUTPUT), 0, _count(named, _SEARCHES))
    if not usage.is_sound():
        raise ValueError("its counts contradict each other: the parts of the input are more than the whole")
    return usage


def _mode(named: Mapping[str, str]) -> Mode:
    return Mode(named.get("service_tier", ""), named.get("speed", ""), named.get("inference_geo", ""))


def _moment(text: str) -> float | None:
    """Read a moment: ISO 8601 (without an offset it is UTC), or seconds or milliseconds since 1970."""
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return float(text)
    if _MILLISECONDS.fullmatch(text):
        return int(text) / 1000
    try:
        read = datetime.fromisoformat(text.upper().removesuffix(" UTC"))
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is no moment: expected ISO 8601 or seconds since 1970") from None
