"""The page of this room names what the tables name, no more and no less."""

import re
from pathlib import Path

from seawall.sandbox.fault import FAULTS
from seawall.sandbox.setting import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "rooms" / "sandbox.md"


def _rows(heading: str) -> list[tuple[str, ...]]:
    """Give the cells of the table under a heading."""
    section = PAGE.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines]


def test_the_page_lists_every_fault_as_its_table_has_it() -> None:
    assert _rows("Faults") == [(f"`{fault.example}`", fault.meaning) for fault in FAULTS.values()]


def test_the_page_lists_every_setting_as_its_table_has_it() -> None:
    assert _rows("Settings") == [(f"`{name}`", setting.meaning) for name, setting in SETTINGS.items()]
