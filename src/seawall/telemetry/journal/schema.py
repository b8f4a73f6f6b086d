"""The one table of a day file, and how a record becomes a row of it."""

from typing import Final

from seawall.core.record import AttemptRecord, CallRecord

VERSION: Final = 1

COLUMNS: Final = (
    "id",
    "at_s",
    "outcome",
    "status",
    "error",
    "route",
    "key_id",
    "team",
    "project",
    "user",
    "feature",
    "provider",
    "model",
    "cost_nusd",
    "unpriced",  # attempts that may have been billed, nobody knows how much
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "thinking_tokens",
    "attempts",
    "duration_s",
    "first_token_s",
    "record",  # the whole record as JSON
)

# Ids begin with their time, so that both indexes grow at one end: an index over random texts would touch a page of its
# own for every row, and double what a row costs.
CREATE: Final = """
CREATE TABLE calls (
    seq INTEGER PRIMARY KEY, -- in order of commit, which is what following needs
    id TEXT NOT NULL UNIQUE,
    at_s REAL NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL,
    route TEXT NOT NULL,
    key_id TEXT NOT NULL,
    team TEXT NOT NULL,
    project TEXT NOT NULL,
    user TEXT NOT NULL,
    feature TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    cost_nusd INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    thinking_tokens INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    first_token_s REAL,
    record TEXT NOT NULL
);
CREATE INDEX calls_at ON calls (at_s);
"""

MAX_INTEGER: Final = 2**63 - 1
# Endings that no provider bills: no connection, or an error status instead of an answer.
_UNBILLED: Final = frozenset(
    {"upstream.unreachable", "upstream.timeout.connect", "upstream.refused", "upstream.credentials"}
)
Row = tuple[str | int | float | None, ...]


def insert(rows: int) -> str:
    """Give the statement that inserts this many rows at once; an id that is there already stays as it is."""
    places = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT OR IGNORE INTO calls ({', '.join(COLUMNS)}) VALUES {', '.join([places] * rows)}"  # noqa: S608  # constants only


def row_of(record: CallRecord, line: str) -> Row:
    """Give a record's values in the order of `COLUMNS`; tokens are sums over its attempts.

    Raises:
        OverflowError: the sums are more than a column holds.
    """
    tokens_in = tokens_out = thinking = read = written = unpriced = 0
    for attempt in record.attempts:
        tokens_in += attempt.input_tokens
        tokens_out += attempt.output_tokens
        thinking += attempt.thinking_tokens
        read += attempt.cache_read_tokens
        written += attempt.cache_write_short_tokens + attempt.cache_write_long_tokens
        unpriced += attempt.cost_nusd is None and is_unpriced(attempt)
    if tokens_in + tokens_out + thinking + read + written + record.cost_nusd + record.status > MAX_INTEGER:
        raise OverflowError("a record's numbers do not fit into 64 bits")
    return (
        record.id,
        record.at_s,
        record.outcome,
        record.status,
        record.error,
        record.route,
        record.key_id,
        record.team,
        record.project,
        record.user,
        record.feature,
        record.provider,
        record.model,
        record.cost_nusd,
        unpriced,
        tokens_in,
        read,
        written,
        tokens_out,
        thinking,
        len(record.attempts),
        record.duration_s,
        record.first_token_s,
        line,
    )


def is_unpriced(attempt: AttemptRecord) -> bool:
    """Say whether an attempt may have been billed without anybody knowing how much."""
    return attempt.cost_nusd is None and attempt.error not in _UNBILLED
