"""`seawall spend`."""

from datetime import tzinfo
from pathlib import Path
from typing import Any, Final

import click

from seawall.cli.journal import user_hash
from seawall.cli.output import terminal_width
from seawall.cli.period import now, period_options, read_period
from seawall.cli.spend_account import AccountState, account_state, holder_filter, root_to_leaf
from seawall.cli.spend_alerts import command as alerts_command
from seawall.cli.spend_books import open_books
from seawall.cli.spend_check import command as check_command
from seawall.cli.spend_history import read_histories
from seawall.cli.spend_now import print_account_json, print_accounts
from seawall.cli.spend_period import print_period
from seawall.cli.spend_reconcile import command as reconcile_command
from seawall.cli.spend_unsettled import command as unsettled_command
from seawall.cli.spend_unsettled import print_sum
from seawall.cli.state import state_dir_option
from seawall.ports.books import Charge
from seawall.telemetry.journal.spend import DIMENSIONS

_OF_PERIOD: Final = ("dimension", "since", "until", "zone")
_OF_NOW: Final = {"holder": "--holder", "with_past": "--all"}
_MOST: Final = 200


@click.group("spend", invoke_without_command=True)
@click.option("--by", "dimension", type=click.Choice(list(DIMENSIONS)), help="Costs of a period by this  [feature]")
@period_options("today")
@click.option("--holder", default="", help="Only these accounts: team:a, 'team:*', user:NAME.")
@click.option("--all", "with_past", is_flag=True, help="Windows that are over, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Say what is spent now of every budget, or what a period cost.

    Without --by, --since or --until: every budget against its cap, from the ledger. LEASED is in the hands of running
    workers, to be spent or given back; UNSETTLED is the part of SETTLED that nobody knows to be right. FORECAST is what
    will be settled when the window ends, if this goes on.

    With one of them: what a feature, user, team, route or model cost, from the journal. Costs are what the provider's
    own usage comes to. By model and provider, a call that fell back is split between the models that it used.

    What did each feature cost yesterday?  seawall spend --by feature --since yesterday --until today
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = options["state_dir"]
        return
    if any(_was_given(ctx, name) for name in _OF_PERIOD):
        wrong = [option for name, option in _OF_NOW.items() if _was_given(ctx, name)]
        if wrong:
            raise click.UsageError(
                f"{wrong[0]} is for the accounts as they are now: it goes with no period and no --by"
            )
        _print_journal(options)
    else:
        _print_now(options)


command.add_command(alerts_command)
command.add_command(unsettled_command)
command.add_command(reconcile_command)
command.add_command(check_command)


def _was_given(ctx: click.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _print_journal(options: dict[str, Any]) -> None:
    zone: tzinfo = options["zone"]
    period = read_period(options["since"], options["until"], zone)
    dimension = options["dimension"] or "feature"
    print_period(options["state_dir"], dimension, period, zone, as_json=options["as_json"])


def _print_now(options: dict[str, Any]) -> None:
    state_dir: Path = options["state_dir"]
    now_s = now()
    history_of = read_histories(state_dir, now_s).of
    with open_books(state_dir) as books:
        if books is None:
            states, charges = list[AccountState](), list[Charge]()
        else:
            with books.snapshot():
                states = [account_state(balance, now_s, history_of) for balance in books.balances()]
                charges = books.unsettled_rows()
    if not states:
        _print_journal_instead(options)
        return
    fits = holder_filter(options["holder"], lambda name: user_hash(state_dir, name))
    asked = root_to_leaf(state for state in states if fits(state.holder))
    shown = [state for state in asked if options["with_past"] or not state.is_over(now_s)]
    if options["as_json"]:
        for state in shown:
            print_account_json(state, now_s)
        return
    _print_table(asked, shown, options["holder"], now_s)
    print_sum(charges)


def _print_table(asked: list[AccountState], shown: list[AccountState], holder: str, now_s: float) -> None:
    if shown:
        print_accounts(shown[:_MOST], now_s, terminal_width())
    elif not asked:
        click.echo(f"No account of {holder} has been used; `seawall spend` without --holder lists all.")
    else:
        click.echo("Nothing was spent or leased in a window of now.")
    more = []
    if len(shown) > _MOST:
        more.append(f"{len(shown) - _MOST} more accounts: name some with --holder, or see all with --json.")
    if len(asked) > len(shown):
        more.append(f"{len(asked) - len(shown)} more in windows that are over: --all shows them.")
    if more:
        click.echo("\n" + "\n".join(more))


def _print_journal_instead(options: dict[str, Any]) -> None:
    """Say that there is nothing to hold against a cap, and what the journal knows instead."""
    state_dir = options["state_dir"]
    as_json = options["as_json"]
    click.echo(f"No budget was used yet in {state_dir}, so there is no account to show. From the journal:", err=as_json)
    _print_journal(options)
