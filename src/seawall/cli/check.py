"""`seawall check`."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import click

from seawall.cli.output import clean, print_json
from seawall.cli.policy_file import DEFAULT, Judgement, judge
from seawall.policy.fault import Fault, fault_line, path_text
from seawall.policy.lint.judged import Finding
from seawall.policy.secret_shape import masked

_LEVELS: Final = ("error", "warning", "note")


@click.command("check")
@click.argument("file", default=DEFAULT, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
def command(file: Path, as_json: bool, strict: bool) -> None:
    """Check a policy: errors with their place, and what is legal but unsafe.

    Exit codes: 0 good, also with warnings; 1 errors (with --strict: or warnings); 2 no such file.
    """
    judgement = judge(file)
    counts = _counts(judgement)
    is_good = not counts["error"] and not (strict and counts["warning"])
    if as_json:
        print_json(_plain(judgement, is_good))
    else:
        _print(judgement, counts)
    sys.exit(0 if is_good else 1)


def _counts(judgement: Judgement) -> Counter[str]:
    return Counter(finding.level for finding in judgement.findings) + Counter({"error": len(judgement.compiled.faults)})


def _print(judgement: Judgement, counts: Counter[str]) -> None:
    source = judgement.reading.source
    for fault in judgement.compiled.faults:
        click.echo(clean(fault_line(source, fault)))
    for finding in judgement.findings:
        _print_finding(source, finding)
    click.echo()
    click.echo(f"{source}: {_summary(judgement, counts)}")


def _print_finding(source: str, finding: Finding) -> None:
    where = f"{finding.place.source or source}:{finding.place.line}:{finding.place.column}"
    click.echo(clean(f"{where} {path_text(finding.path)}: {finding.level} [{finding.code}]"))
    click.echo(clean(f"    {masked(finding.message)}"))
    if finding.mend:
        click.echo(clean(f"    -> {masked(finding.mend)}"))


def _summary(judgement: Judgement, counts: Counter[str]) -> str:
    parts = [_number(counts[level], level) for level in _LEVELS if counts[level]]
    if judgement.compiled.policy is None:
        return ", ".join(parts)
    routes = _number(len(judgement.compiled.policy.plans), "route")
    return f"good, {routes}" + "".join(f", {part}" for part in parts) if not counts["error"] else ", ".join(parts)


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _plain(judgement: Judgement, is_good: bool) -> dict[str, Any]:  # JSON values
    source = judgement.reading.source
    return {
        "file": source,
        "good": is_good,
        "version": judgement.reading.version,
        "findings": [
            *(_plain_fault(source, fault) for fault in judgement.compiled.faults),
            *(_plain_finding(source, finding) for finding in judgement.findings),
        ],
    }


def _plain_fault(source: str, fault: Fault) -> dict[str, Any]:  # JSON values
    return {
        "level": "error",
        "code": fault.code,
        "file": fault.place.source or source,
        "line": fault.place.line,
        "column": fault.place.column,
        "path": path_text(fault.path),
        "message": masked(f"found {fault.found}, expected {fault.expected}"),
        "mend": masked(fault.hint),
    }


def _plain_finding(source: str, finding: Finding) -> dict[str, Any]:  # JSON values
    return {
        "level": finding.level,
        "code": finding.code,
        "file": finding.place.source or source,
        "line": finding.place.line,
        "column": finding.place.column,
        "path": path_text(finding.path),
        "message": masked(finding.message),
        "mend": masked(finding.mend),
    }
