"""What is remembered of earlier spending, for forecasts that know the hours of the week."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from seawall.cli.output import clean
from seawall.cli.spend_account import window_alone
from seawall.core.error import Unavailable
from seawall.core.spending import HourSpend, SpendingPast, Standing
from seawall.stores.sqlite.spending import FILE_NAME, SqliteSpending
from seawall.telemetry.spending.forecast import SpendHistory


class Histories:
    """Give every budget's history; one that was never watched has none but its running window."""

    def __init__(self, hours: Mapping[str, Mapping[int, int]]) -> None:
        self._hours = hours

    def of(self, read: Standing) -> SpendHistory:
        """Give the history of the budget that this account is a window of."""
        hours = self._hours.get(read.budget)
        if not hours:
            return window_alone(read)
        return SpendHistory(read.spent, hours, float(min(hours)), read.zone)


NO_HISTORIES = Histories({})


def read_histories(state_dir: Path, now_s: float) -> Histories:
    """Read what the gateway remembers; where it cannot be read, say so and do without."""
    path = state_dir / FILE_NAME
    if not path.exists():
        return NO_HISTORIES
    try:
        past = asyncio.run(_load(path, now_s))
    except Unavailable as error:
        click.echo(clean(f"seawall: forecasts go by the running window alone: {error}"), err=True)
        return NO_HISTORIES
    return Histories(_by_budget(past.hours))


async def _load(path: Path, now_s: float) -> SpendingPast:
    store = SqliteSpending(path)
    try:
        return await store.load(now_s)
    finally:
        store.close()


def _by_budget(hours: Iterable[HourSpend]) -> Mapping[str, Mapping[int, int]]:
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for hour in hours:
        found[hour.budget][hour.starts_s] = hour.spent
    return found
