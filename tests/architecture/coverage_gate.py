"""Fail unless the words and the rules are covered to the last branch: coverage_gate.py REPORT.json."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.architecture.layout import ROOT, SOURCE, python_files, shown

GATED_FOLDER: Final = SOURCE / "core"
USAGE: Final = 2


def is_gated(path: Path) -> bool:
    """Say whether a file has to be covered whole: the core, and what a guard decides (`rule.py` or `rule/`)."""
    below = path.relative_to(SOURCE)
    return path.is_relative_to(GATED_FOLDER) or path.stem == "rule" or "rule" in below.parts[:-1]


def gaps(report: Mapping[str, Any]) -> list[str]:  # the shape is coverage's JSON format 3
    """Name every line and branch that a gated file lacks, and every gated file that was not measured at all."""
    files: Mapping[str, Any] = report["files"]
    found: list[str] = []
    for path in filter(is_gated, python_files(SOURCE)):
        name = shown(path)
        if name not in files:
            found.append(f"{name}: not measured")
            continue
        lines = files[name]["missing_lines"]
        found += [f"{name}:{line}: line never ran" for line in lines]
        found += [
            f"{name}:{start}: never went on to {f'line {end}' if end > 0 else 'the end'}"
            for start, end in files[name]["missing_branches"]
            if start not in lines
        ]
    return found


def main(arguments: list[str]) -> int:
    """Print what is missing; give the exit code."""
    if len(arguments) != 1:
        print("usage: coverage_gate.py REPORT.json", file=sys.stderr)
        return USAGE
    report = json.loads((ROOT / arguments[0]).read_text("utf-8"))
    found = gaps(report)
    gated = [path for path in python_files(SOURCE) if is_gated(path)]
    for line in found:
        print(line)
    whole = report["totals"]["percent_covered"]
    print(f"coverage: {len(gated)} gated files, {len(found)} gaps; {whole:.1f} % of everything")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
