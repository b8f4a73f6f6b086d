"""The one way in which commands print: aligned plain text, or JSON, one object a line."""

import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import click
import orjson

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

_ONE_LINE: Final = {ord("\t"): " ", ord("\n"): " "}  # a cell with a line break could pass for a row of its own


def clean(text: str) -> str:
    """Replace what a terminal would obey (escape sequences, carriage returns) by a visible mark."""
    return _CONTROL.sub("�", text)


def terminal_width() -> int | None:
    """Give the width of the terminal that is printed to, in characters; None for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_json(value: Any) -> None:  # whatever orjson can write
    """Print one JSON object on one line."""
    click.echo(orjson.dumps(value).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print rows under their headings; columns named in `right` are aligned to the right, as numbers are."""
    cells = [list(columns), *([clean(cell).translate(_ONE_LINE) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        line = "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(row, widths, columns, strict=True)
        )
        click.echo(line.rstrip())
