"""What `seawall spend` prints for a period: what the journal's records come to."""

from dataclasses import asdict
from datetime import tzinfo
from pathlib import Path
from typing import Final

import click

from seawall.cli.journal import open_archive, print_troubles
from seawall.cli.output import print_json, print_table
from seawall.core.money import usd_text
from seawall.telemetry.journal.spend import Spend, spend_by, total
from seawall.telemetry.period import Period, moment_text

_NUMBERS: Final = ("CALLS", "FAILED", "REFUSED", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "THINKING", "COST")


def print_period(state_dir: Path, dimension: str, period: Period, zone: tzinfo, *, as_json: bool) -> None:
    """Print what every name of a dimension cost in a period, the dearest first."""
    archive = open_archive(state_dir)
    found = spend_by(archive, dimension, period)
    if as_json:
        for name, spend in found.items():
            print_json({dimension: name, **asdict(spend), "cost_usd": usd_text(spend.cost_nusd)})
    else:
        _print(dimension, found, period, zone)
    print_troubles(archive)


def _print(dimension: str, found: dict[str, Spend], period: Period, zone: tzinfo) -> None:
    sum_of_all = total(found.values())
    until = "now" if period.until_s is None else moment_text(period.until_s, zone)
    click.echo(f"from {moment_text(period.since_s, zone)} until {until} ({zone})")
    rows = [[name or "(none)", *_cells(spend)] for name, spend in found.items()]
    print_table((dimension.upper(), *_NUMBERS), [*rows, ["total", *_cells(sum_of_all)]], right=_NUMBERS)
    if sum_of_all.unpriced:
        click.echo(f"\nNot in the costs: {sum_of_all.unpriced} attempts whose usage the provider never told.")


def _cells(spend: Spend) -> list[str]:
    numbers = (
        spend.calls,
        spend.failed,
        spend.refused,
        spend.input_tokens,
        spend.cache_read_tokens,
        spend.cache_write_tokens,
        spend.output_tokens,
        spend.thinking_tokens,
    )
    return [*map(str, numbers), f"${usd_text(spend.cost_nusd)}"]
