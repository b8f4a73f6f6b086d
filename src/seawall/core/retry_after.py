"""How long a provider asks to be left alone."""

import math
import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_NUMBER: Final = re.compile(rb"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
_DATE_LIMIT: Final = 64


def retry_after_s(headers: Iterable[tuple[bytes, bytes]], wall_s: float) -> float | None:
    """Read `retry-after-ms`, or else `retry-after`, as seconds from `wall_s` (since 1970), however many they are.

    Whole and broken numbers are understood, and HTTP dates (RFC 9110 §10.2.3). What is not above zero, not finite or
    not readable counts as not said: None.
    """
    said = dict(headers)
    in_ms = _positive(said.get(b"retry-after-ms", b""))
    if in_ms is not None:
        return in_ms / 1000
    value = said.get(b"retry-after", b"")
    found = _positive(value)
    return _until(value, wall_s) if found is None else found


def _positive(value: bytes) -> float | None:
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if 0 < number < math.inf else None


def _until(value: bytes, wall_s: float) -> float | None:
    if not value or len(value) > _DATE_LIMIT:
        return None
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
        at_s = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # what the parser lets through for one garbage or other
        return None
    return at_s - wall_s if at_s > wall_s else None
