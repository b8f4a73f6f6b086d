"""`seawall spend alerts`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from seawall.cli.output import clean, print_json, print_table
from seawall.cli.period import now
from seawall.cli.spend_amount import short_name
from seawall.cli.spend_unsettled import chosen_state_dir
from seawall.cli.state import state_dir_option
from seawall.core.error import Unavailable
from seawall.core.spending import SpendAlert
from seawall.stores.sqlite.spending import FILE_NAME, read_spending
from seawall.telemetry.period import moment_text

_COLUMNS: Final = ("WHEN", "UNTIL", "SEVERITY", "RULE", "ACCOUNT", "MESSAGE")


@dataclass(frozen=True, slots=True)
class _Row:
    alert: SpendAlert
    is_in_force: bool


@click.command("alerts", short_help="List what a person should hear of.")
@click.option("--in-force", is_flag=True, help="Only those that have not ended.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, in_force: bool, limit: int, as_json: bool, state_dir: Path) -> None:
    """List alerts on spending, the newest first.

    A share of a budget is spent (share), a budget burns too quickly (burn), more is spent than was to be expected
    (surge), or one user spends most of what all share (part). The gateway finds them every ten seconds; each trouble is
    told once. Times are UTC.
    """
    at_s = now()
    try:
        found = read_spending(chosen_state_dir(ctx, state_dir) / FILE_NAME, at_s).alerts
    except Unavailable as error:
        raise click.ClickException(str(error)) from None
    rows = [_Row(alert, alert.is_in_force(at_s)) for alert in sorted(found, key=lambda each: each.at_s, reverse=True)]
    rows = [row for row in rows if row.is_in_force or not in_force]
    if as_json:
        for row in rows[:limit]:
            print_json(_plain(row))
    elif not rows:
        click.echo("No alert is in force." if in_force else "There was no alert.")
    else:
        print_table(_COLUMNS, [_cells(row) for row in rows[:limit]])
        if len(rows) > limit:
            click.echo(f"\n{len(rows) - limit} more: --limit shows more of them.")


def _cells(row: _Row) -> list[str]:
    alert = row.alert
    until = "now" if row.is_in_force else moment_text(alert.ended_at_s or alert.at_s)
    account = short_name(alert.account)
    return [moment_text(alert.at_s), until, alert.severity, alert.rule, account, clean(alert.message)]


def _plain(row: _Row) -> dict[str, object]:
    alert = row.alert
    return {
        "id": alert.id,
        "at": datetime.fromtimestamp(alert.at_s, UTC).isoformat(timespec="seconds"),
        "is_in_force": row.is_in_force,
        "severity": alert.severity,
        "rule": alert.rule,
        "account": alert.account,
        "holder": alert.holder,
        "message": alert.message,
        "figures": dict(alert.figures),
    }
