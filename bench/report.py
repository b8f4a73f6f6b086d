"""Show the figures: a table for the terminal and for the documentation, and a JSON file for machines."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.figure import DIRECT, METRICS, Figures, Metric, missed

JUDGED: Final = "seawall"
ABSENT: Final = "n/a"
BEGIN: Final = "<!-- report -->"
END: Final = "<!-- end of report -->"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found out."""

    machine: str
    versions: Mapping[str, str]
    settings: Mapping[str, object]
    rounds: Mapping[str, Sequence[Figures]]
    medians: Mapping[str, Figures]
    notes: Sequence[str]


def _cell(metric: Metric, figures: Figures) -> str:
    value = figures.get(metric.name)
    if value is None:
        return ABSENT
    return "none" if math.isnan(value) else f"{value:,.{metric.digits}f}"


def table(report: Report) -> str:
    """Write the medians as a Markdown table, one column a peer; limits stand beside Seawall's metrics."""
    peers = [DIRECT, *(name for name in report.medians if name != DIRECT)]
    rows = [["median of the rounds", "limit", *peers]]
    for metric in METRICS:
        cells = [_cell(metric, report.medians[peer]) for peer in peers]
        if any(cell != ABSENT for cell in cells):
            limit = "" if metric.limit is None else f"≤ {metric.limit:g}"
            rows.append([metric.title, limit, *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], _line(rule, widths), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = f"{cells[0]:<{widths[0]}}"
    rest = [f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join([first, *rest]) + " |"


def warnings_of(medians: Mapping[str, Figures]) -> list[str]:
    """Say where the run's own checks failed, so that nobody reads more into a figure than it carries."""
    found = []
    for peer, figures in medians.items():
        if figures["bad"] or figures["uncounted"]:
            found.append(f"{peer}: {figures['bad']:.0f} bad answers, {figures['uncounted']:.0f} not from the upstream")
        if peer == DIRECT:
            continue
        if not figures["headroom"] >= 3:
            own = figures["core_used"] >= 95
            found.append(
                f"{peer}: load and upstream are only {figures['headroom']:.1f} times faster, expected 3; its core was "
                f"{'full all the same, so its calls/s are its own' if own else 'not full, so its calls/s are theirs'}"
            )
        if not figures["burst_headroom"] >= 3:
            found.append(
                f"{peer}: load and upstream are only {figures['burst_headroom']:.1f} times faster for unpaced streams, "
                "expected 3; its unpaced streams/s may be theirs"
            )
        if figures["foreign_share"] > 5:
            found.append(
                f"{peer}: other work took {figures['foreign_share']:.0f} % of the gateway's core; "
                "rates and latencies suffer from that, CPU figures less"
            )
        if figures["rate"] < 299:
            found.append(f"{peer}: latencies at {figures['rate']:.0f} calls/s, half of what it can do; not at 300")
    return found


def judgement(medians: Mapping[str, Figures]) -> list[str]:
    """Say which limits Seawall misses; empty when it holds all, or was not measured."""
    return missed(medians[JUDGED]) if JUDGED in medians else []


def markdown(report: Report) -> str:
    """Write the whole report as Markdown, ready to be pasted into the documentation."""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    settings = ", ".join(f"{name} {value}" for name, value in report.settings.items())
    lines = [
        f"- Machine: {report.machine}.",
        f"- Versions: {versions}.",
        f"- Date: {datetime.now(UTC):%Y-%m-%d}.",
        f"- Settings: {settings}.",
        "",
        table(report),
        "",
    ]
    found = warnings_of(report.medians)
    lines += [f"- Limit missed: {line}." for line in judgement(report.medians)]
    lines += [f"- {line}." for line in [*found, *report.notes]]
    return "\n".join(lines) + "\n"


def save(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `latest.json` and `latest.md`; gives both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_text = folder / "latest.json", folder / "latest.md"
    document = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": report.machine,
        "versions": dict(report.versions),
        "settings": dict(report.settings),
        "limits": {metric.name: metric.limit for metric in METRICS if metric.limit is not None},
        "medians": {peer: _finite(figures) for peer, figures in report.medians.items()},
        "rounds": {peer: [_finite(one) for one in rounds] for peer, rounds in report.rounds.items()},
        "missed": judgement(report.medians),
        "warnings": warnings_of(report.medians),
        "notes": list(report.notes),
    }
    as_json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    as_text.write_text(markdown(report))
    return as_json, as_text


def publish(report: Report, page: Path) -> None:
    """Put the report into a page of the documentation, between its two markers.

    Raises:
        ValueError: the page has no markers.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for the report; expected `{BEGIN}` and `{END}`")
    page.write_text(f"{before}{begin}\n{markdown(report)}{end}{after}")


def _finite(figures: Figures) -> dict[str, float | None]:
    return {name: round(value, 4) if math.isfinite(value) else None for name, value in figures.items()}
