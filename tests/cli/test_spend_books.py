import contextlib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from seawall.cli.spend_books import find_charge, open_books, open_needed_books
from seawall.core.error import LedgerUnavailable
from seawall.ports.books import Charge
from seawall.ports.ledger import Unsettled
from seawall.stores.sqlite.ledger_file import LedgerFile
from seawall.stores.sqlite.ledger_schema import FILE_NAME


def charge(charge_id: str) -> Charge:
    return Charge(Unsettled(charge_id, 0.0, "unknown", "p/m", ()), "w", None, ())


CHARGES = [charge("req_1-1"), charge("req_1-10"), charge("req_2-1")]


def test_looking_makes_no_file(state_dir: Path) -> None:
    with open_books(state_dir) as books:
        assert books is None
    with pytest.raises(click.UsageError, match="there is no ledger in"), open_needed_books(state_dir):
        pass
    assert not state_dir.exists()


def test_a_ledger_is_read_beside_the_workers(
    state_dir: Path, ledger: Callable[[], contextlib.closing[LedgerFile]]
) -> None:
    with ledger() as file, open_needed_books(state_dir) as books, file.change():
        assert books.balances() == []


def test_what_is_no_ledger_is_refused(state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / FILE_NAME).write_bytes(b"no database" * 500)

    with pytest.raises(LedgerUnavailable), open_books(state_dir):
        pass


@pytest.mark.parametrize(("text", "found"), [("req_2", "req_2-1"), ("req_1-1", "req_1-1"), ("req_1-10", "req_1-10")])
def test_an_id_may_be_cut_short_where_it_is_clear(text: str, found: str) -> None:
    assert find_charge(CHARGES, text).unsettled.id == found


@pytest.mark.parametrize(("text", "why"), [("req_1", "fits 2 charges"), ("", "names no"), ("req_3", "names no")])
def test_an_unclear_id_is_refused(text: str, why: str) -> None:
    with pytest.raises(click.UsageError, match=why):
        find_charge(CHARGES, text)
