"""`seawall spend check`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click

from seawall.cli.journal import open_archive, print_troubles
from seawall.cli.output import print_json, print_table
from seawall.cli.spend_amount import short_name
from seawall.cli.spend_books import open_needed_books
from seawall.cli.spend_compare import Day, compare_days
from seawall.cli.spend_unsettled import chosen_state_dir
from seawall.cli.state import state_dir_option
from seawall.core.balance import Balance, Entry
from seawall.core.ledger_check import Difference, ledger_differences
from seawall.core.money import usd_text
from seawall.ports.books import Books

_SHOWN: Final = 50
_DIFFERENCES: Final = ("ACCOUNT", "WHAT", "BOOKED", "BY THE HISTORY", "LINE")
_DAYS: Final = ("ACCOUNT", "LEDGER", "UNSETTLED", "JOURNAL", "DIFFERENCE")


class Findings(NamedTuple):
    """What was checked of a ledger, and what does not add up."""

    balances: list[Balance]
    entries: int
    leases: int
    workers: int
    unsettled: int
    differences: list[Difference]


@click.command("check", short_help="Recompute every balance from the history.")
@click.option("--days", default=14, show_default=True, type=click.IntRange(0, 10_000), help="Days beside the journal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, days: int, as_json: bool, state_dir: Path) -> None:
    """Recompute every balance of the ledger from its history, and name each difference.

    Exit code 0: all adds up. 1: something does not. Workers may go on meanwhile.

    What budgets a day have settled is then set beside the costs in the journal, for your information. The journal
    knows what providers counted; the ledger knows more while something is unsettled, and less while workers have not
    reported yet.
    """
    directory = chosen_state_dir(ctx, state_dir)
    with open_needed_books(directory) as books:
        found = _check(books)
    archive = open_archive(directory)
    compared = compare_days(found.balances, archive, days)
    if as_json:
        _print_json(found, compared)
    else:
        _print(found)
        _print_days(compared)
    print_troubles(archive)
    if found.differences:
        ctx.exit(1)


def _check(books: Books) -> Findings:
    counted = [0]
    with books.snapshot():
        balances, leases = books.balances(), books.leases()
        differences = ledger_differences(_counted(books.history(), counted), balances, leases)
        unsettled = len(books.unsettled_rows())
    workers = len({lease.owner for lease in leases})
    return Findings(balances, counted[0], len(leases), workers, unsettled, differences)


def _counted(entries: Iterable[Entry], counted: list[int]) -> Iterator[Entry]:
    for entry in entries:
        counted[0] += 1
        yield entry


def _print(found: Findings) -> None:
    click.echo(
        f"Checked: {_count(len(found.balances), 'account')} against {_count(found.entries, 'line')} of history, "
        f"{_count(found.leases, 'lease')} of {_count(found.workers, 'worker')}, "
        f"{_count(found.unsettled, 'unsettled charge')}."
    )
    if not found.differences:
        click.echo("Every balance is what its history comes to.")
        return
    rows = [
        [short_name(each.account), each.what, str(each.booked), str(each.expected), str(each.number or "-")]
        for each in found.differences
    ]
    click.echo(f"{_count(len(rows), 'difference')}; amounts are in the account's unit, money in nano-dollars:\n")
    print_table(_DIFFERENCES, rows[:_SHOWN], right=_DIFFERENCES[2:])
    if len(rows) > _SHOWN:
        click.echo(f"\n{len(rows) - _SHOWN} more: --json prints all.")


def _print_days(days: list[Day]) -> None:
    if not days:
        return
    rows = [
        [day.account, _usd(day.settled), _usd(day.unsettled), _usd(day.recorded), _usd(day.difference)] for day in days
    ]
    click.echo("\nBeside the journal (DIFFERENCE is what the ledger has beyond JOURNAL and UNSETTLED):\n")
    print_table(_DAYS, rows, right=_DAYS[1:])


def _print_json(found: Findings, days: list[Day]) -> None:
    for each in found.differences:
        print_json({"kind": "difference", **each._asdict()})
    for day in days:
        print_json({"kind": "day", **day._asdict(), "difference": day.difference})
    print_json(
        {
            "kind": "checked",
            "accounts": len(found.balances),
            "entries": found.entries,
            "leases": found.leases,
            "unsettled": found.unsettled,
            "differences": len(found.differences),
            "is_good": not found.differences,
        }
    )


def _usd(nusd: int) -> str:
    return f"-${usd_text(-nusd)}" if nusd < 0 else f"${usd_text(nusd)}"


def _count(number: int, name: str) -> str:
    return f"1 {name}" if number == 1 else f"{number} {name}s"
