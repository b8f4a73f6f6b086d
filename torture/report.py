"""Say how the runs went: for a person while they go on, and as Markdown for the documentation."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from torture.outcome import Outcome
from torture.scenario import Scenario

USD: Final = 1e9
SHOWN: Final = 5  # accounts of a run, the fullest first
SINGLY: Final = 20  # no more runs than this are listed one by one
MEANINGS: Final[Mapping[str, str]] = {
    "left": "the caller hung up, as it was to",
    "cut": "the connection ended without an answer",
    "refused": "no connection",
    "no answer": "none in time",
}
_GROUPS: Final[Sequence[tuple[str, Callable[[Scenario], bool]]]] = (
    ("all", lambda _: True),
    ("`on_exhausted: refuse`", lambda run: not run.is_exact and run.on_exhausted == "refuse"),
    ("`on_exhausted: clamp`", lambda run: run.on_exhausted == "clamp"),
    ("`on_exhausted: degrade`", lambda run: run.on_exhausted == "degrade"),
    ("workers killed", lambda run: _has(run, "kill")),
    ("the ledger locked", lambda run: _has(run, "lock")),
    ("the disk full", lambda run: _has(run, "full")),
    ("the clock set", lambda run: _has(run, "ahead", "back")),
    ("a faulty provider", lambda run: bool(run.faults)),
)


def told(outcome: Outcome) -> Iterator[str]:
    """Say how a run went, for a person."""
    run = outcome.scenario
    word = "exact" if run.is_exact else f"{run.on_exhausted}, {run.on_hang_up}, {run.retries} retries"
    yield f"seed {run.seed} ({word}; {befell(run)}; {_faults(run)}), {outcome.took_s:.1f} s"
    yield "  calls: " + ", ".join(f"{count} of {status}" for status, count in sorted(outcome.answers.items()))
    fullest = sorted(outcome.lines[1:], key=lambda line: line.billed_nusd / line.cap_nusd, reverse=True)[:SHOWN]
    for line in (outcome.lines[0], *fullest):
        share = line.billed_nusd / line.cap_nusd
        yield f"  {line.account:<20} billed ${line.billed_nusd / USD:.9f} of ${line.cap_nusd / USD:.2f}  {share:7.2%}"
    if outcome.unsettled_nusd is not None:
        yield f"  unsettled            ${outcome.unsettled_nusd / USD:.9f}, held for calls whose cost nobody knows"
    yield from (f"  WRONG: {complaint}" for complaint in outcome.complaints)


def befell(run: Scenario) -> str:
    """Name what befell the gateway."""
    return ", ".join(event.act for event in run.events) or "nothing befell it"


def summary(outcomes: Sequence[Outcome]) -> str:
    """Say in one sentence how all runs went."""
    kept = sum(outcome.is_kept for outcome in outcomes)
    over = max((outcome.over_nusd for outcome in outcomes), default=0) / USD
    wrong = sum(bool(outcome.complaints) for outcome in outcomes)
    more = f"; {wrong} had something wrong" if wrong > len(outcomes) - kept else ""
    return f"{kept} of {len(outcomes)} runs kept every cap; the most that any cap was exceeded by: ${over:.9f}{more}"


def markdown(outcomes: Sequence[Outcome], facts: Mapping[str, str]) -> str:
    """Write the facts of the runs and their tables."""
    lines = [f"- {name}: {fact}." for name, fact in facts.items()]
    lines += [f"- {summary(outcomes)}.", "", *_grouped(outcomes), "", *_calls(outcomes)]
    if len(outcomes) <= SINGLY:
        lines += ["", *_singly(outcomes)]
    wrong = [f"- Seed {each.scenario.seed}: {text}." for each in outcomes for text in each.complaints]
    return "\n".join([*lines, *(["", "What was wrong:", "", *wrong[:SINGLY]] if wrong else [])]) + "\n"


def publish(text: str, name: str, page: Path) -> None:
    """Put a report into a page of the documentation, between the two markers of its name.

    Raises:
        ValueError: the page has no place for it.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = page.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page} has no place for the report; expected `{begin.strip()}` and `{end}`")
    page.write_text(f"{before}{begin}{text}{closed}{after}", "utf-8")


def _grouped(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| runs with | runs | kept every cap | most over a cap | billed of the $1, median | unsettled, median |"
    yield "|---|---:|---:|---:|---:|---:|"
    for title, belongs in _GROUPS:
        chosen = [outcome for outcome in outcomes if belongs(outcome.scenario)]
        if not chosen:
            continue
        over = max(outcome.over_nusd for outcome in chosen) / USD
        unsettled = [each.unsettled_nusd for each in chosen if each.unsettled_nusd is not None]
        yield (
            f"| {title} | {len(chosen)} | {sum(each.is_kept for each in chosen)} | ${over:.9f} | "
            f"{median(each.share for each in chosen):.2%} | {f'${median(unsettled) / USD:.4f}' if unsettled else ''} |"
        )


def _calls(outcomes: Sequence[Outcome]) -> Iterator[str]:
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(outcome.answers)
    yield "| what became of the calls | calls | share |"
    yield "|---|---:|---:|"
    for status, count in sorted(total.items()):
        yield f"| {MEANINGS.get(status, status)} | {count:,} | {count / total.total():.1%} |"


def _singly(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| seed | what befell it | billed of the $1 | most over a cap | which |"
    yield "|---:|---|---:|---:|---|"
    for outcome in outcomes:
        which = f"{outcome.worst.account}, of ${outcome.worst.cap_nusd / USD:.2f}" if outcome.over_nusd else ""
        yield (
            f"| {outcome.scenario.seed} | {befell(outcome.scenario)} | {outcome.share:.2%} | "
            f"${outcome.over_nusd / USD:.9f} | {which} |"
        )


def _faults(run: Scenario) -> str:
    return ", ".join(fault for fault, _ in run.faults) or "a provider without fault"


def _has(run: Scenario, *acts: str) -> bool:
    return any(event.act in acts for event in run.events)
