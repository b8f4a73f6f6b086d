from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.core.error import LedgerUnavailable, Refused
from seawall.ports.ledger import Grant, Move, Short, Unsettled, Want
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_file import LedgerFile
from seawall.testing.ledger import NOW_S, TEAM, standing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def file(path: Path) -> Iterator[LedgerFile]:
    made = LedgerFile(path)
    yield made
    made.close()


def _lease(file: LedgerFile, owner: str, amount: int) -> Grant | Short:
    return file.lease(owner, [[Want(TEAM, amount, amount)]], NOW_S)[0]


def test_reading_the_books_sees_one_moment(file: LedgerFile, path: Path) -> None:
    _lease(file, "w1", 100)
    books = SqliteBooks(path)

    with books.snapshot():
        before = books.balances()
        _lease(file, "w1", 100)
        assert books.balances() == before

    assert books.balances() != before
    books.close()


def test_prefixes_are_taken_literally(file: LedgerFile, path: Path) -> None:
    for name in ("team:a_b@lifetime", "team:axb@lifetime", "team:a%@lifetime"):
        file.lease("w1", [[Want(TEAM._replace(name=name), 1, 1)]], NOW_S)
    books = SqliteBooks(path)

    assert [each.name for each in books.balances("team:a_")] == ["team:a_b@lifetime"]
    assert [each.name for each in books.balances("team:a%")] == ["team:a%@lifetime"]
    books.close()
    books.close()


def test_more_than_is_settled_never_comes_back(file: LedgerFile, path: Path) -> None:
    _lease(file, "w1", 100)
    doubt = Unsettled("a1", NOW_S, "unknown", "x/y", ((TEAM.name, 50),))
    file.report("w1", 1, [Move(TEAM.name, 40, 0)], [doubt], NOW_S)
    books = SqliteBooks(path)

    with pytest.raises(Refused, match="less settled than that"):
        books.reconcile("a1", {TEAM.name: 0}, "ann", "because", NOW_S)

    assert standing(books, TEAM).settled == 40
    assert books.unsettled_rows()[0].decision is None
    books.close()


def test_closed_books_say_so(path: Path) -> None:
    books = SqliteBooks(path)
    books.close()

    with pytest.raises(LedgerUnavailable, match="cannot use the ledger"):
        books.balances()
