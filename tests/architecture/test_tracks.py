import re
from typing import Final, NamedTuple

import pytest

from tests.architecture.layout import DOCS, shown

TRACKS: Final = DOCS / "tracks"
SIZES: Final = {"C": 12, "L": 7, "R": 10, "S": 15, "O": 10, "E": 5, "P": 6, "X": 9}
IDS: Final = [f"{letter}{number}" for letter, size in SIZES.items() for number in range(1, size + 1)]
NONE_YET: Final = "-"
LINK: Final = re.compile(r"\[[^\]]+\]\(([^)]+)\)")


class Row(NamedTuple):
    page: str
    id: str
    what: str
    state: str
    room: str
    test: str
    drill: str


def _rows() -> list[Row]:
    return [
        Row(shown(page), *(cell.strip() for cell in line.strip("|").split("|")))
        for page in sorted(TRACKS.glob("*.md"))
        for line in page.read_text("utf-8").splitlines()
        if re.match(r"\| [A-Z]\d+ \|", line)
    ]


def test_every_row_of_the_mission_stands_once_and_nothing_else_does() -> None:
    assert sorted(row.id for row in _rows()) == sorted(IDS)


def test_every_row_has_one_of_three_states() -> None:
    assert [row.id for row in _rows() if row.state not in {"done", "part", "open"}] == []


@pytest.mark.parametrize("column", ["room", "test"])
def test_what_is_done_or_begun_is_linked(column: str) -> None:
    rows = [row for row in _rows() if row.state != "open"]

    assert [row.id for row in rows if not LINK.search(getattr(row, column))] == []


def test_a_cell_is_a_link_or_a_dash() -> None:
    odd = [
        f"{row.id}: {cell}"
        for row in _rows()
        for cell in (row.room, row.test, row.drill)
        if cell != NONE_YET and not LINK.match(cell)
    ]

    assert odd == []


def test_what_is_missing_of_a_begun_row_is_said() -> None:
    silent = [
        row.id
        for row in _rows()
        if row.state == "part" and f"\n- {row.id}: " not in (DOCS.parent / row.page).read_text("utf-8")
    ]

    assert silent == []
