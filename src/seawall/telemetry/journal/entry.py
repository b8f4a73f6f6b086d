"""A record on its way to the disk: encoded once, in every form that a sink wants, and clean."""

import math
import re
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from seawall.core.record import MAX_NOTES, MAX_TEXT, AttemptRecord, CallRecord, bounded
from seawall.telemetry.journal.schema import Row, row_of
from seawall.telemetry.period import utc_day
from seawall.telemetry.scrub import Scrubber
from seawall.telemetry.secret_format import looks_like_secret

MAX_ATTEMPTS: Final = 16
_MAX_NUMBER: Final = 2**53  # what every reader of JSON can hold, and a sum of some dozens fits into a column
# Letters and digits behind a known word, and UUIDs, need no closer look: only AWS's and Google's credentials are made
# of nothing else.
_PLAIN_IDS: Final = re.compile(
    r"(?:(?:(?:req_)?+(?!AKIA|ASIA|AIza)[A-Za-z0-9]{0,120}+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n)*+"
)

_json: Final = msgspec.json.Encoder()
_Common = tuple[str | tuple[str, ...], ...]


class Entry(NamedTuple):
    """One record for the sinks: the UTC day it belongs to, its JSON line without the line break, its row."""

    day: str
    line: str
    row: Row


class EntryMaker:
    """Encode records, and clean those that are not fit to be written.

    Who makes a record keeps credentials, control characters and long texts out of it; this is the second lock. The
    texts that most records share are checked once and remembered, those that are new in every record (ids, hashes)
    pass by their form, and whatever is not plainly good takes the slow way through the scrubber.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._version = scrubber.version
        self._is_common_good = lru_cache(maxsize=4096)(self._check_common)

    def make(self, record: CallRecord) -> Entry | None:
        """Encode one record; never raises. None for one that no cleaning makes fit, with a date that is none."""
        try:
            if self._is_good(record):
                return _entry(record)
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError):
            pass  # a lone surrogate, a number beyond 64 bits: the slow way mends them
        try:
            return _entry(self._cleaned(record))
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError):
            return None

    def _is_good(self, record: CallRecord) -> bool:
        if self._version != self._scrubber.version:
            self._version = self._scrubber.version
            self._is_common_good.cache_clear()
        if record.prompt_prefix or len(record.attempts) > MAX_ATTEMPTS:
            return False
        ids = [record.id, record.trace_id, record.user, record.conversation]
        common = _common(record)
        for attempt in record.attempts:
            ids.append(attempt.provider_request_id)
            common += _common_of_attempt(attempt)
        return self._is_common_good(common) and self._are_ids_good(ids)

    def _are_ids_good(self, ids: list[str]) -> bool:
        """Check texts that are new in every record."""
        joined = "\n".join(ids) + "\n"
        if joined.count("\n") != len(ids) or _PLAIN_IDS.fullmatch(joined) is None:
            for text in ids:
                if len(text) > MAX_TEXT or not text.isprintable() or looks_like_secret(text):
                    return False
        return not self._scrubber.names_one(joined)

    def _check_common(self, texts: _Common) -> bool:
        """Check texts that many records share; a tuple among them is the notes."""
        for text in texts:
            if isinstance(text, tuple):
                if len(text) > MAX_NOTES or not self._check_common(text):
                    return False
            elif not self._is_text_good(text):
                return False
        return True

    def _is_text_good(self, text: str) -> bool:
        return len(text) <= MAX_TEXT and text.isprintable() and not self._scrubber.is_dirty(text)

    def _cleaned(self, record: CallRecord) -> CallRecord:
        fields = msgspec.to_builtins(record)
        fields["notes"] = fields.get("notes", ())[:MAX_NOTES]
        fields["attempts"] = fields.get("attempts", ())[:MAX_ATTEMPTS]
        # No date is invented for a record without one: it is unfit.
        return msgspec.convert(self._clean(fields) | {"at_s": record.at_s}, CallRecord)

    def _clean(self, value: Any) -> Any:  # what to_builtins gives: texts, numbers, None, and lists and dicts of them
        if isinstance(value, str):
            return bounded(self._scrubber.scrub(value))
        if isinstance(value, list | tuple):
            return [self._clean(item) for item in value]
        if isinstance(value, dict):
            return {key: self._clean(item) for key, item in value.items()}
        if isinstance(value, bool):
            return value
        if isinstance(value, float) and not math.isfinite(value):
            return 0.0
        if isinstance(value, int):
            return min(max(value, -_MAX_NUMBER), _MAX_NUMBER)
        return value


def _entry(record: CallRecord) -> Entry:
    line = _json.encode(record).decode()
    return Entry(utc_day(record.at_s), line, row_of(record, line))


def _common(record: CallRecord) -> _Common:
    return (
        record.outcome,
        record.error,
        record.dialect,
        record.endpoint,
        record.route,
        record.traffic_class,
        record.key_id,
        record.team,
        record.project,
        record.feature,
        record.model_asked,
        record.provider,
        record.model,
        record.policy_version,
        record.prompt_version,
        record.schema_version,
        record.cache,
        record.degraded,
        record.stop_reason,
        record.notes,
    )


def _common_of_attempt(attempt: AttemptRecord) -> _Common:
    return (
        attempt.provider,
        attempt.model,
        attempt.error,
        attempt.answered_model,
        attempt.stop_reason,
        attempt.service_tier,
        attempt.speed,
        attempt.geo,
        attempt.usage,
        attempt.price_source,
    )
