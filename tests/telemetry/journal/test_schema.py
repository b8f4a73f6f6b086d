from collections.abc import Callable

import apsw
import pytest

from seawall.core.record import AttemptRecord, CallRecord
from seawall.telemetry.journal.schema import COLUMNS, CREATE, insert, row_of


def test_the_table_has_the_columns_in_their_order() -> None:
    db = apsw.Connection(":memory:")
    db.execute(CREATE)

    names = [row[1] for row in db.execute("PRAGMA table_info(calls)")]

    assert names == ["seq", *COLUMNS]


def test_one_statement_inserts_many_rows(record: Callable[..., CallRecord]) -> None:
    db = apsw.Connection(":memory:")
    db.execute(CREATE)
    rows = [row_of(record(), "{}") for _ in range(3)]

    db.execute(insert(3), [value for row in rows for value in row])

    assert [row[0] for row in db.execute("SELECT id FROM calls ORDER BY seq")] == [row[0] for row in rows]


def test_tokens_are_sums_over_attempts_and_unknown_costs_are_counted(record: Callable[..., CallRecord]) -> None:
    first = record().attempts[0]
    second = AttemptRecord("openai", "gpt", 0.0, 1.0, input_tokens=1, output_tokens=2, thinking_tokens=3)

    row = dict(zip(COLUMNS, row_of(record(attempts=(first, second)), "{}"), strict=True))

    assert (row["attempts"], row["unpriced"]) == (2, 1)
    assert (row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"]) == (101, 20, 15)
    assert (row["output_tokens"], row["thinking_tokens"]) == (32, 10)


def test_numbers_that_no_column_holds_are_refused(record: Callable[..., CallRecord]) -> None:
    with pytest.raises(OverflowError, match="do not fit into 64 bits"):
        row_of(record(cost_nusd=2**63), "{}")
