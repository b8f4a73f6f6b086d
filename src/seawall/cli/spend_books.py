"""How commands open the ledger: only where there is one, so that looking makes none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from seawall.ports.books import Books, Charge
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME


@contextmanager
def open_books(state_dir: Path) -> Iterator[Books | None]:
    """Open the ledger of a state directory, or give None where nothing was ever booked.

    Raises:
        LedgerUnavailable: it cannot be read.
    """
    path = state_dir / FILE_NAME
    if not path.exists():
        yield None
        return
    books = SqliteBooks(path)
    try:
        yield books
    finally:
        books.close()


@contextmanager
def open_needed_books(state_dir: Path) -> Iterator[Books]:
    """Open the ledger of a state directory that must have one.

    Raises:
        click.UsageError: it has none.
        LedgerUnavailable: it cannot be read.
    """
    with open_books(state_dir) as books:
        if books is None:
            raise click.UsageError(
                f"there is no ledger in {state_dir}: no budget was ever used here; "
                "name the gateway's own directory with --state-dir or SEAWALL_STATE_DIR"
            )
        yield books


def find_charge(charges: list[Charge], id_or_prefix: str) -> Charge:
    """Give the charge with this id, or the only one whose id begins so.

    Raises:
        click.UsageError: there is none, or there are several.
    """
    found = [charge for charge in charges if charge.unsettled.id.startswith(id_or_prefix)]
    exact = [charge for charge in found if charge.unsettled.id == id_or_prefix]
    if len(exact or found) != 1 or not id_or_prefix:
        what = f"fits {len(found)} charges: give more of it" if found and id_or_prefix else "names no unsettled charge"
        raise click.UsageError(f"{id_or_prefix!r} {what}; `seawall spend unsettled` lists them")
    return (exact or found)[0]
