"""What was spent, by whom and on what, summed from the records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Final

import msgspec

from seawall.core.record import AttemptRecord
from seawall.telemetry.journal.query import Archive, Row
from seawall.telemetry.journal.schema import is_unpriced
from seawall.telemetry.period import Period

# What people ask for, and the column that answers it.
DIMENSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "feature": "feature",
        "user": "user",
        "team": "team",
        "route": "route",
        "model": "model",
        "provider": "provider",
        "project": "project",
        "key": "key_id",
    }
)
_SUMS: Final = (
    "count(*)",
    "sum(outcome = 'failed')",
    "sum(outcome = 'refused')",
    "sum(unpriced)",
    "sum(input_tokens)",
    "sum(cache_read_tokens)",
    "sum(cache_write_tokens)",
    "sum(output_tokens)",
    "sum(thinking_tokens)",
    "sum(cost_nusd)",
)


@dataclass(slots=True)
class Spend:
    """Sums over calls.

    `failed` and `refused` are outcomes; `unpriced` counts attempts that may have been billed, nobody knows how much.
    """

    calls: int = 0
    failed: int = 0
    refused: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    cost_nusd: int = 0

    def add(self, other: "Spend") -> None:
        """Add another sum to this one."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def spend_by(archive: Archive, dimension: str, period: Period) -> dict[str, Spend]:
    """Sum a period's records by one of `DIMENSIONS`, the dearest first; an empty name is what has none.

    By model and provider each attempt counts where it went, so that a call that fell back to a second model is split
    between both; its call, and how it ended, counts for the last.

    Raises:
        KeyError: there is no such dimension.
    """
    column = DIMENSIONS[dimension]
    is_split = column in ("model", "provider")
    found: dict[str, Spend] = {}
    until_s = float("inf") if period.until_s is None else period.until_s
    sums = f"SELECT {column}, {', '.join(_SUMS)} FROM calls WHERE at_s >= ? AND at_s < ?"  # noqa: S608  # our columns
    if is_split:
        sums += " AND attempts < 2"
    for day in archive.days(period):
        for name, *numbers in archive.rows(day, f"{sums} GROUP BY 1", [period.since_s, until_s]):
            found.setdefault(name, Spend()).add(Spend(*map(int, numbers)))
        if is_split:
            split = (
                f"SELECT {column}, outcome, record ->> '$.attempts' FROM calls"  # noqa: S608  # our columns
                " WHERE at_s >= ? AND at_s < ? AND attempts > 1"
            )
            _add_split(found, column, archive.rows(day, split, [period.since_s, until_s]))
    return dict(sorted(found.items(), key=lambda item: (-item[1].cost_nusd, -item[1].calls, item[0])))


def total(spends: Iterable[Spend]) -> Spend:
    """Sum sums."""
    sum_of_all = Spend()
    for spend in spends:
        sum_of_all.add(spend)
    return sum_of_all


def _add_split(found: dict[str, Spend], column: str, rows: Iterable[Row]) -> None:
    for name, outcome, attempts in rows:
        call = Spend(calls=1, failed=outcome == "failed", refused=outcome == "refused")
        found.setdefault(name, Spend()).add(call)
        for attempt in msgspec.json.decode(attempts, type=list[AttemptRecord]):
            found.setdefault(getattr(attempt, column), Spend()).add(_of_attempt(attempt))


def _of_attempt(attempt: AttemptRecord) -> Spend:
    return Spend(
        unpriced=is_unpriced(attempt),
        input_tokens=attempt.input_tokens,
        cache_read_tokens=attempt.cache_read_tokens,
        cache_write_tokens=attempt.cache_write_short_tokens + attempt.cache_write_long_tokens,
        output_tokens=attempt.output_tokens,
        thinking_tokens=attempt.thinking_tokens,
        cost_nusd=attempt.cost_nusd or 0,
    )
