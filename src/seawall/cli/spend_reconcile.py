"""`seawall spend reconcile`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from seawall.cli.output import print_json, print_table
from seawall.cli.period import now
from seawall.cli.spend_amount import whole_text
from seawall.cli.spend_books import find_charge, open_needed_books
from seawall.cli.spend_decision import AS_CHARGED, NOTHING, Known, actual_amounts
from seawall.cli.spend_export import Proof, print_proof, print_proof_json, prove, read_lines
from seawall.cli.spend_price import PolicyPrices
from seawall.cli.spend_unsettled import amounts_text, chosen_state_dir, plain
from seawall.cli.state import state_dir_option
from seawall.cli.switch import who
from seawall.core.account import Unit, unit_of
from seawall.core.money import nusd_from_usd, usd_text
from seawall.ports.books import Books, Charge

_COLUMNS = ("ID", "CHARGED", "WAS", "FREE AGAIN", "")
_RIGHT = ("CHARGED", "WAS", "FREE AGAIN")


class Decided(NamedTuple):
    """A charge and what its accounts are to have settled; `was_before` says that this is what they have already."""

    charge: Charge
    actual: dict[str, int]
    was_before: bool = False


@click.command("reconcile", short_help="Put unsettled charges right.")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--nothing", is_flag=True, help="It is proved that nothing was billed.")
@click.option("--usd", default="", help="What was really billed, such as 0.0123.")
@click.option("--tokens", type=click.IntRange(0), help="With --usd: how many tokens that were. None: as charged.")
@click.option("--all-charged", is_flag=True, help="What was charged is accepted as spent.")
@click.option("--export", type=click.Path(path_type=Path), help="Take it from a provider's usage export (CSV, JSON).")
@click.option(
    "--policy",
    "file",
    default="seawall.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Prices for an export that has tokens and no cost_usd.",
)
@click.option("--why", default="", help="How you know, for the record.")
@click.option("--by", default="", help="Who decides. None: the user of the operating system.")
@click.option("--dry-run", is_flag=True, help="Show what it would do, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Put unsettled charges right: once and for all, by what is proved or decided.

    ID is a charge's id, as `seawall spend unsettled` lists it, or its beginning. Say exactly one of --nothing, --usd,
    --all-charged and --export; without IDs, --export looks at every unsettled charge.

    A line of an export settles a charge only by the request id that the provider gave the call. The totals of a model
    and a time prove nothing about one call: such lines are named, and change nothing. A decision is final and recorded,
    with who, when and why; to decide the same again changes nothing.
    """
    _refuse_unclear(options)
    state_dir = chosen_state_dir(ctx, options["state_dir"])
    as_json, is_dry = options["as_json"], options["dry_run"]
    with open_needed_books(state_dir) as books:
        proof = None
        if options["export"] is None:
            decided = _decide_all(books, options["ids"], _known(options))
        else:
            decided, proof = _decide_by_export(books, options, state_dir)
        if not is_dry:
            _book(books, decided, who(options["by"]), options["why"].strip())
    if as_json:
        for one in decided:
            print_json({"kind": "charge", **_plain(one), "dry_run": is_dry})
        if proof is not None:
            print_proof_json(proof)
    else:
        _print(decided, proof, is_dry=is_dry)


def _refuse_unclear(options: dict[str, Any]) -> None:
    ways = {
        "--nothing": options["nothing"],
        "--usd": options["usd"],
        "--all-charged": options["all_charged"],
        "--export": options["export"],
    }
    said = [name for name, value in ways.items() if value]
    if len(said) != 1:
        raise click.UsageError(f"say one of {', '.join(ways)}" + (f", not {' and '.join(said)}" if said else ""))
    if not options["ids"] and options["export"] is None:
        raise click.UsageError("say which charges: `seawall spend unsettled` lists their ids")
    if options["usd"] and len(options["ids"]) > 1:
        raise click.UsageError("--usd is what one charge was: name one ID")
    if options["tokens"] is not None and not options["usd"]:
        raise click.UsageError("--tokens goes with --usd")
    if not options["why"].strip():
        raise click.UsageError('say how you know with --why "…": it is recorded with the decision')


def _known(options: dict[str, Any]) -> Known:
    if options["nothing"]:
        return NOTHING
    if options["all_charged"]:
        return AS_CHARGED
    try:
        nusd = nusd_from_usd(options["usd"].removeprefix("$"))
    except ValueError as error:
        raise click.UsageError(f"--usd: {error}") from None
    if nusd < 0:
        raise click.UsageError(f"--usd {options['usd']}: expected no less than 0")
    return Known(nusd, options["tokens"])


def _decide_all(books: Books, ids: Sequence[str], known: Known) -> list[Decided]:
    """Say what a decision means for every charge that was named, each once."""
    with books.snapshot():
        waiting = books.unsettled_rows()
        before = {charge.unsettled.id: charge for charge in books.unsettled_rows(decided=True)}
    decided = [_decide(before.get(charge_id) or find_charge(waiting, charge_id), known) for charge_id in ids]
    return list({one.charge.unsettled.id: one for one in decided}.values())


def _decide(charge: Charge, known: Known) -> Decided:
    """Say what a decision means for one charge; one that was decided already stays as it is.

    Raises:
        click.UsageError: it cannot be so, or it was decided otherwise.
    """
    try:
        actual = actual_amounts(charge, known)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if charge.decision is None:
        return Decided(charge, actual)
    if dict(charge.actual) != actual:
        raise click.UsageError(
            f"{charge.unsettled.id} was decided by {charge.decision.who}: {amounts_text(charge.actual)} "
            f"({charge.decision.why}). That is final"
        )
    return Decided(charge, actual, was_before=True)


def _decide_by_export(books: Books, options: dict[str, Any], state_dir: Path) -> tuple[list[Decided], Proof]:
    charges = books.unsettled_rows()
    if options["ids"]:
        charges = [find_charge(charges, charge_id) for charge_id in dict.fromkeys(options["ids"])]
    proof = prove(read_lines(options["export"]), charges, state_dir, PolicyPrices(options["file"]).cost_nusd)
    known = [(charge, proof.known.get(charge.unsettled.id)) for charge in charges]
    return [Decided(charge, actual_amounts(charge, said)) for charge, said in known if said is not None], proof


def _book(books: Books, decided: Sequence[Decided], decider: str, why: str) -> None:
    for one in decided:
        if not one.was_before:
            books.reconcile(one.charge.unsettled.id, one.actual, decider, why, now())


def _print(decided: Sequence[Decided], proof: Proof | None, *, is_dry: bool) -> None:
    if proof is not None:
        print_proof(proof)
        if decided:
            click.echo()
    if decided:
        print_table(_COLUMNS, [_row(one, proof) for one in decided], right=_RIGHT)
    if is_dry:
        click.echo("\nA dry run: nothing was changed.")


def _row(one: Decided, proof: Proof | None) -> list[str]:
    charge, actual = one.charge, tuple(one.actual.items())
    if one.was_before:
        note = "was decided so already"
    else:
        note = f"line {proof.lines[charge.unsettled.id]}" if proof is not None else ""
    charged, was = amounts_text(charge.unsettled.charges), amounts_text(actual)
    return [charge.unsettled.id, charged, was, whole_text(Unit.NUSD, _freed(one)), note]


def _freed(one: Decided) -> int:
    """Give how much money comes back to the account that gets most of it."""
    charges = one.charge.unsettled.charges
    return max((amount - one.actual[name] for name, amount in charges if unit_of(name) is Unit.NUSD), default=0)


def _plain(one: Decided) -> dict[str, object]:
    freed = _freed(one)
    shown = plain(one.charge._replace(actual=tuple(one.actual.items())))
    return {**shown, "freed_nusd": freed, "freed_usd": usd_text(freed), "was_before": one.was_before}
