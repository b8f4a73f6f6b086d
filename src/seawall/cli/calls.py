"""`seawall calls`."""

import sys
from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from seawall.cli.journal import open_archive, print_troubles, user_hash
from seawall.cli.output import clean, print_json, print_table
from seawall.cli.period import now, period_options, read_period
from seawall.cli.state import state_dir_option
from seawall.cli.story import print_story
from seawall.core.money import usd_text
from seawall.core.record import CallRecord
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.query import CallFilter, every
from seawall.telemetry.period import moment_text

LOOK_S: Final = 0.25
_COLUMNS: Final = ("TIME", "ID", "ROUTE", "MODEL", "OUTCOME", "IN", "OUT", "COST", "FIRST", "TOTAL")
_RIGHT: Final = ("IN", "OUT", "COST", "FIRST", "TOTAL")
_STOOD_IN: Final = "degraded."
_WIDTHS: Final = (19, 36, 16, 32, 28, 7, 6, 12, 8, 8)  # of a line that is printed before the next one is known


@click.group("calls", invoke_without_command=True)
@period_options("today")
@click.option("--route", default="", help="Only this route.")
@click.option("--team", default="", help="Only this team.")
@click.option("--user", default="", help="Only this user: the name, or the hash that records show.")
@click.option("--feature", default="", help="Only this feature.")
@click.option("--model", default="", help="Only this model, or provider/model.")
@click.option("--outcome", type=click.Choice(["ok", "refused", "failed", "hung_up"]), help="Only calls that ended so.")
@click.option("--error", default="", help="Only this error code, or its beginning: upstream.timeout.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="The newest so many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with calls as they end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line: the whole record.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """List recorded calls, the newest last; follow them, or show one.

    Times are in the zone of --tz. IN and OUT are tokens, cached and thinking ones included; FIRST is the time to the
    first token.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = options["state_dir"]
        return
    _list(options)


@command.command("show")
@click.argument("call_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the whole record as one JSON object.")
@state_dir_option
@click.pass_context
def show(ctx: click.Context, call_id: str, as_json: bool, state_dir: Path) -> None:
    """Show one call's whole story; ID may be cut short where no other call's begins the same."""
    source = ctx.get_parameter_source("state_dir")
    is_own = source is not None and source.name == "COMMANDLINE"
    archive = open_archive(state_dir if is_own else ctx.obj)
    try:
        record = archive.find(call_id)
    finally:
        print_troubles(archive)
    if as_json:
        print_json(_plain(record))
    else:
        print_story(record)


def _list(options: dict[str, Any]) -> None:
    state_dir: Path = options["state_dir"]
    zone: tzinfo = options["zone"]
    period = read_period(options["since"], options["until"], zone)
    archive = open_archive(state_dir)
    wanted = CallFilter(
        route=options["route"],
        team=options["team"],
        user=user_hash(state_dir, options["user"]),
        feature=options["feature"],
        model=options["model"],
        outcome=options["outcome"] or "",
        error=options["error"],
    )
    # Following begins before the list is read, so that no call falls between the two.
    following = archive.follow(wanted, now, every(LOOK_S)) if options["follow"] else iter(())
    records = archive.records(period, wanted, options["limit"])
    if options["as_json"]:
        for record in records:
            print_json(_plain(record))
    elif options["follow"]:
        _print_line(_COLUMNS)
        for record in records:
            _print_line(_cells(record, zone))
    elif not records:
        since = moment_text(period.since_s, zone)
        click.echo(
            f"No call that fits is recorded in {state_dir / JOURNAL_DIR} from {since} on; --since looks further."
        )
    else:
        print_table(_COLUMNS, [_cells(record, zone) for record in records], right=_RIGHT)
    print_troubles(archive)
    _follow(following, {record.id for record in records}, zone, as_json=options["as_json"])


def _follow(following: Iterator[CallRecord], seen: set[str], zone: tzinfo, *, as_json: bool) -> None:
    try:
        for record in following:
            if record.id in seen:
                continue
            if as_json:
                print_json(_plain(record))
            else:
                _print_line(_cells(record, zone))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def _print_line(cells: tuple[str, ...] | list[str]) -> None:
    line = "  ".join(
        cell.rjust(width) if name in _RIGHT else cell.ljust(width)
        for name, cell, width in zip(_COLUMNS, map(clean, cells), _WIDTHS, strict=True)
    )
    click.echo(line.rstrip())


def _cells(record: CallRecord, zone: tzinfo = UTC) -> list[str]:
    attempts = record.attempts
    tokens_in = sum(
        a.input_tokens + a.cache_read_tokens + a.cache_write_short_tokens + a.cache_write_long_tokens for a in attempts
    )
    tokens_out = sum(a.output_tokens + a.thinking_tokens for a in attempts)
    return [
        moment_text(record.at_s, zone),
        record.id,
        record.route or "-",
        f"{record.provider}/{record.model}" if record.provider else record.model_asked or "-",
        _outcome(record),
        str(tokens_in),
        str(tokens_out),
        f"${usd_text(record.cost_nusd)}",
        "-" if record.first_token_s is None else f"{record.first_token_s:.3f} s",
        f"{record.duration_s:.3f} s",
    ]


def _outcome(record: CallRecord) -> str:
    """Say how a call ended; an answer that stood in for another is no ordinary success."""
    stood_in = [note.removeprefix(_STOOD_IN) for note in record.notes if note.startswith(_STOOD_IN)]
    return f"{record.outcome} {record.error or record.status}" + (f", degraded: {stood_in[-1]}" if stood_in else "")


def _plain(record: CallRecord) -> dict[str, object]:
    """Give every field, also those that are as they are by default."""
    return msgspec.structs.asdict(record) | {
        "attempts": [msgspec.structs.asdict(attempt) for attempt in record.attempts],
        "cost_usd": usd_text(record.cost_nusd),
    }
