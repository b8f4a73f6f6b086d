"""`seawall spend unsettled`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from seawall.cli.output import print_json, print_table
from seawall.cli.spend_amount import amount_text, short_name, unit_text, whole_text
from seawall.cli.spend_books import open_books
from seawall.cli.state import state_dir_option
from seawall.core.account import Unit, holder_of, unit_of
from seawall.core.money import usd_text
from seawall.ports.books import Charge
from seawall.telemetry.period import moment_text

_COLUMNS: Final = ("ID", "WHEN", "REASON", "TARGET", "CHARGED", "ACCOUNTS")
_DECIDED: Final = ("ID", "WHEN", "REASON", "TARGET", "CHARGED", "WAS", "DECIDED", "BY", "WHY")
_RIGHT: Final = ("CHARGED", "WAS")


@click.command("unsettled", short_help="List charges that nobody knows to be right.")
@click.option("--decided", is_flag=True, help="Those that were decided instead, with who did and why.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000_000), help="The oldest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, decided: bool, limit: int, as_json: bool, state_dir: Path) -> None:
    """List charges that nobody knows to be right, the oldest first.

    An attempt whose outcome is unknown (unknown), that was cut off when its client left (hung_up), or a lease of a
    worker that died (crashed) is charged at its worst case. It counts against every cap until it is put right with
    `seawall spend reconcile`. Times are UTC.
    """
    with open_books(chosen_state_dir(ctx, state_dir)) as books:
        charges = [] if books is None else books.unsettled_rows(decided=decided)
    shown = charges[:limit]
    if as_json:
        for charge in shown:
            print_json(plain(charge))
        return
    if not charges:
        click.echo("No charge was ever put right by a decision." if decided else "Nothing is unsettled.")
        return
    if decided:
        print_table(_DECIDED, map(_decided_row, shown), right=_RIGHT)
    else:
        print_table(_COLUMNS, map(_row, shown), right=_RIGHT)
    if len(charges) > limit:
        click.echo(f"\n{len(charges) - limit} more: --limit shows more of them.")
    if not decided:
        print_sum(charges, with_hint=False)


def chosen_state_dir(ctx: click.Context, state_dir: Path) -> Path:
    """Give the state directory: what the command was given itself, else what `seawall spend` was given before it."""
    source = ctx.get_parameter_source("state_dir")
    is_own = source is not None and source.name == "COMMANDLINE"
    return state_dir if is_own or not isinstance(ctx.obj, Path) else ctx.obj


def print_sum(charges: Sequence[Charge], *, with_hint: bool = True) -> None:
    """Say how much is unsettled in all, if anything is."""
    if not charges:
        return
    nusd = sum(largest(charge, Unit.NUSD) for charge in charges)
    what = "1 charge" if len(charges) == 1 else f"{len(charges)} charges"
    hint = "`seawall spend unsettled` lists, " if with_hint else ""
    click.echo(f"\nUnsettled: {what}, up to ${usd_text(nusd)}. {hint}`seawall spend reconcile` puts right.".lstrip(" "))


def largest(charge: Charge, unit: Unit) -> int:
    """Give what was charged at most on one account of a unit: an attempt has the same on all of them."""
    return max((amount for account, amount in charge.unsettled.charges if unit_of(account) is unit), default=0)


def plain(charge: Charge) -> dict[str, object]:
    """Give a charge as a program reads it."""
    unsettled, decision = charge.unsettled, charge.decision
    actual = dict(charge.actual)
    nusd = largest(charge, Unit.NUSD)
    known: dict[str, object] = {
        "id": unsettled.id,
        "at": _moment(unsettled.at_s),
        "reason": unsettled.reason,
        "target": unsettled.target,
        "worker": charge.owner,
        "charged_nusd": nusd,
        "charged_usd": usd_text(nusd),
        "accounts": [
            {
                "account": account,
                "unit": unit_text(unit_of(account)) if unit_of(account) is not Unit.NUSD else "nusd",
                "charged": amount,
                **({"actual": actual[account]} if account in actual else {}),
            }
            for account, amount in unsettled.charges
        ],
    }
    if decision is not None:
        known["decision"] = {"by": decision.who, "why": decision.why, "at": _moment(decision.at_s)}
    return known


def amounts_text(amounts: Sequence[tuple[str, int]]) -> str:
    """Write what stands on accounts, the largest of each unit, exactly: `$0.0123, 4100 tokens`."""
    most: dict[Unit, int] = {}
    for account, amount in amounts:
        unit = unit_of(account)
        most[unit] = max(most.get(unit, 0), amount)
    return ", ".join(whole_text(unit, amount) for unit, amount in most.items())


def _row(charge: Charge) -> list[str]:
    unsettled = charge.unsettled
    units: dict[Unit, set[int]] = {}
    for account, amount in unsettled.charges:
        units.setdefault(unit_of(account), set()).add(amount)
    if all(len(amounts) == 1 for amounts in units.values()):
        accounts = [holder_of(account) for account, _ in unsettled.charges]
    else:
        accounts = [f"{account} {amount_text(unit_of(account), amount)}" for account, amount in unsettled.charges]
    accounts = [short_name(account) for account in dict.fromkeys(accounts)]
    return [*_head(charge), amounts_text(unsettled.charges), ", ".join(accounts)]


def _decided_row(charge: Charge) -> list[str]:
    decision = charge.decision
    when, who, why = ("", "", "") if decision is None else (moment_text(decision.at_s), decision.who, decision.why)
    return [*_head(charge), amounts_text(charge.unsettled.charges), amounts_text(charge.actual), when, who, why]


def _head(charge: Charge) -> list[str]:
    unsettled = charge.unsettled
    return [unsettled.id, moment_text(unsettled.at_s), unsettled.reason, unsettled.target or "-"]


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
