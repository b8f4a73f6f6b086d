"""`python -m torture.run`: put a gateway's caps through runs of everything that can go wrong, and print the meter."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from torture.judge import Line, complaints, judge
from torture.peer import Peer
from torture.peers.plain import Plain
from torture.peers.seawall import Seawall
from torture.provider import Provider
from torture.scenario import CALLERS, Scenario, exact, scenario
from torture.traffic import traffic

_SHOWN: Final = 5  # accounts a run, the fullest first
_USD: Final = 1e9


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run: what the meter says of every cap, what is wrong, and what became of the calls."""

    scenario: Scenario
    lines: list[Line]
    complaints: list[str]
    answers: Counter[str]
    took_s: float


def torment(peer: Peer, provider: Provider, run: Scenario, folder: Path) -> Outcome:
    """Carry one run out, from a gateway's start to its end."""
    began_s = time.monotonic()
    provider.prepare(run)
    peer.start(run, provider.url, folder)
    try:
        answers = asyncio.run(_all_at_once(peer, run))  # the process's own door
    finally:
        peer.stop()
    lines = judge(run, provider.meter())
    found = [*complaints(run, lines), *peer.complaints(lines[0].billed_nusd)]
    return Outcome(run, lines, found, answers, time.monotonic() - began_s)


async def _all_at_once(peer: Peer, run: Scenario) -> Counter[str]:
    async def events() -> None:
        began_s = time.monotonic()
        for event in run.events:
            await asyncio.sleep(max(began_s + event.after_s - time.monotonic(), 0))
            await peer.befall(event)

    answers, _ = await asyncio.gather(traffic(run.asks, peer.door), events())
    return answers


def told(outcome: Outcome) -> Iterator[str]:
    """Say how a run went, for a person."""
    run = outcome.scenario
    befell = ", ".join(event.act for event in run.events) or "nothing befell it"
    faults = ", ".join(fault for fault, _ in run.faults) or "a provider without fault"
    word = "exact" if run.is_exact else f"{run.on_exhausted}, {run.on_hang_up}, {run.retries} retries"
    yield f"seed {run.seed} ({word}; {befell}; {faults}), {outcome.took_s:.1f} s"
    yield "  calls: " + ", ".join(f"{count} of {status}" for status, count in sorted(outcome.answers.items()))
    fullest = sorted(outcome.lines[1:], key=lambda line: line.billed_nusd / line.cap_nusd, reverse=True)[:_SHOWN]
    for line in (outcome.lines[0], *fullest):
        share = line.billed_nusd / line.cap_nusd
        yield f"  {line.account:<20} billed ${line.billed_nusd / _USD:.9f} of ${line.cap_nusd / _USD:.2f}  {share:7.2%}"
    yield from (f"  WRONG: {complaint}" for complaint in outcome.complaints)


def main(arguments: Sequence[str]) -> int:
    """Run the command; exit code 1 where a cap did not hold."""
    asked = _arguments(arguments)
    make = exact if asked.exact else scenario
    good, over_nusd = 0, 0
    if shutil.which("cc") is None:
        print("no C compiler: clocks will not jump")
    with _folder(asked.keep) as folder, Provider(folder) as provider:
        for seed in range(asked.seed, asked.seed + asked.runs):
            peer: Peer = Plain(asked.url, asked.key) if asked.url else Seawall()
            place = folder / f"run-{seed}"
            place.mkdir()
            outcome = torment(peer, provider, make(seed, asked.callers), place)
            print("\n".join(told(outcome)), flush=True)
            good += not outcome.complaints
            over_nusd = max([over_nusd, *(line.billed_nusd - line.cap_nusd for line in outcome.lines)])
    print(
        f"\n{good} of {asked.runs} runs kept every cap; the most that any cap was exceeded by: ${over_nusd / _USD:.9f}"
    )
    return 0 if good == asked.runs else 1


@contextmanager
def _folder(kept: str) -> Iterator[Path]:
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        yield Path(folder)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how many seeded runs (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--callers", type=int, default=CALLERS, help=f"callers a run (default {CALLERS})")
    parser.add_argument("--exact", action="store_true", help="no faults, and every call costs a cent")
    parser.add_argument("--url", default="", help="another gateway's address, which runs already")
    parser.add_argument("--key", default="", help="its client key")
    parser.add_argument("--keep", default="", metavar="FOLDER", help="keep logs and state of every run here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
