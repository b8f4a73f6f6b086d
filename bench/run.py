"""Run the benchmark: every peer in every round, one after the other, and the medians over the rounds.

    python -m bench.run                      the whole thing, LiteLLM included (some fifteen minutes)
    python -m bench.run --quick              about two minutes, without LiteLLM: for before and after a change
    python -m bench.run --only seawall,nginx
    python -m bench.run --profile            no figures: where Seawall's time goes

Exit codes: 0 measured, 1 an answer was bad, a peer that was asked for did not run, or with --strict a limit was missed,
2 wrong use.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Final

from bench.figure import DIRECT, Figures, figures_of, medians
from bench.machine import machine_line
from bench.native import HERE, BuildError, build
from bench.peer import PEERS, PeerUnavailable, Room, seawall_program, versions
from bench.process import StartError, raise_file_limit, wall_s
from bench.profiling import profile
from bench.report import JUDGED, Report, judgement, publish, save, table, warnings_of
from bench.stage import PACE_US, STREAMS_AT_ONCE, Round, Scene, direct_round, peer_round, upstream_before
from bench.traffic import LoadError

RESULTS: Final = HERE / "results"
PAGE: Final = HERE.parent / "docs" / "bench.md"
HELP_TIMES: Final = 11
QUICK: Final = ("seawall", "nginx", "bare")


@dataclass(slots=True)
class Findings:
    """What the rounds gave so far; a peer that failed is not asked again."""

    rounds: dict[str, list[Figures]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)


def options(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure Seawall beside its peers on one core.")
    parser.add_argument("--quick", action="store_true", help="short stages, without LiteLLM")
    parser.add_argument("--only", default="", metavar="PEER,…", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of a stage: 5, with --quick 1")
    parser.add_argument("--gateway-core", type=int, default=0, metavar="N")
    parser.add_argument("--load-core", type=int, default=1, metavar="N")
    parser.add_argument("--strict", action="store_true", help="exit 1 when Seawall misses a limit")
    parser.add_argument("--publish", action="store_true", help="put the report into docs/bench.md")
    parser.add_argument("--profile", action="store_true", help="profile Seawall, or the peer of --only, instead")
    chosen = parser.parse_args(words)
    chosen.peers = [name for name in chosen.only.split(",") if name] or list(QUICK if chosen.quick else PEERS)
    chosen.seconds = chosen.seconds or (1.0 if chosen.quick else 5.0)
    if unknown := [name for name in chosen.peers if name not in PEERS]:
        parser.error(f"--only: found {', '.join(unknown)}, expected some of {', '.join(PEERS)}")
    if chosen.rounds < 1 or not 0.5 <= chosen.seconds <= 60:
        parser.error("expected at least 1 round and stages of 0.5 to 60 seconds")
    cores = os.sched_getaffinity(0)
    if chosen.gateway_core == chosen.load_core or not {chosen.gateway_core, chosen.load_core} <= cores:
        parser.error(f"expected two different cores of {sorted(cores)} for gateway and load")
    return chosen


def _peer_round(name: str, scene: Scene, number: int) -> Round:
    folder = scene.folder / f"{name}-{number}"
    folder.mkdir()
    return peer_round(scene, PEERS[name](Room(folder, scene.upstream_port)), folder)


def run_rounds(peers: Sequence[str], scene: Scene, count: int) -> Findings:
    """Measure all peers in turn, `count` times over; the direct way opens every round."""
    findings = Findings()
    for number in range(1, count + 1):
        direct = direct_round(scene)
        findings.rounds.setdefault(DIRECT, []).append(figures_of(direct, direct))
        print(f"round {number}: direct {direct.saturated.load.per_s:,.0f} calls/s", flush=True)
        for name in peers:
            if name in findings.failed:
                continue
            try:
                one = _peer_round(name, scene, number)
            except (PeerUnavailable, StartError, LoadError) as error:
                findings.failed.add(name)
                findings.notes.append(f"{name} did not run in round {number}: {str(error).splitlines()[0]}")
                print(f"round {number}: {name} did not run: {error}", flush=True)
                continue
            figures = figures_of(one, direct)
            findings.rounds.setdefault(name, []).append(figures)
            print(
                f"round {number}: {name} {figures['cpu_call_us']:,.1f} µs a call, {figures['cpu_stream_ms']:.3f} ms a "
                f"stream, {figures['calls_per_s']:,.0f} calls/s, {_first_error(one)}",
                flush=True,
            )
    return findings


def _first_error(one: Round) -> str:
    samples = (one.saturated, one.even, one.streams, one.first_token, one.burst)
    return next((f"BAD: {sample.load.first_error}" for sample in samples if sample.load.bad), "all answers good")


def _help_ms(core: int) -> dict[str, float]:
    program = seawall_program()
    return {"help_ms": median(wall_s([program, "--help"], core, HELP_TIMES)) * 1e3}


def measure(chosen: argparse.Namespace, scene: Scene) -> int:
    """Run all rounds, show and save what they gave; gives the exit code."""
    findings = run_rounds(chosen.peers, scene, chosen.rounds)
    middle: dict[str, Figures] = {name: medians(rounds) for name, rounds in findings.rounds.items()}
    if JUDGED in middle:
        middle[JUDGED] = {**middle[JUDGED], **_help_ms(scene.gateway_core)}
    settings = {
        "rounds": chosen.rounds,
        "seconds a stage": chosen.seconds,
        "connections": "32 (calls), 64 (open loop)",
        "streams at once": STREAMS_AT_ONCE,
        "µs between events": PACE_US,
        "gateway core": chosen.gateway_core,
        "load and upstream core": chosen.load_core,
    }
    report = Report(machine_line(), versions(), settings, findings.rounds, middle, findings.notes)
    paths = save(report, RESULTS)
    if chosen.publish:
        publish(report, PAGE)
    print(f"\n{report.machine}\n\n{table(report)}\n")
    shortfalls = judgement(middle)
    for line in [*warnings_of(middle), *findings.notes]:
        print(f"note: {line}")
    for line in shortfalls:
        print(f"limit missed: {line}")
    print("saved " + ", ".join(str(path) for path in paths))
    bad = any(figures["bad"] or figures["uncounted"] for figures in middle.values())
    return 1 if bad or findings.failed or (chosen.strict and shortfalls) else 0


def show_profile(chosen: argparse.Namespace, scene: Scene) -> int:
    """Profile one peer and say where the files are; gives the exit code."""
    name = chosen.peers[0] if chosen.only else JUDGED
    folder = scene.folder / f"{name}-profile"
    folder.mkdir()
    room = Room(folder, scene.upstream_port)
    try:
        written = profile(name, PEERS[name](room), room, replace(scene, seconds=max(5.0, scene.seconds)), RESULTS)
    except (PeerUnavailable, StartError, LoadError) as error:
        print(f"{name} could not be profiled: {error}")
        return 1
    for path in written:
        print(path)
    return 0 if written else 1


def main(words: Sequence[str]) -> int:
    """Set the scene, measure, and leave nothing running."""
    chosen = options(words)
    # Leave through the context managers, so that every process that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    raise_file_limit()
    try:
        native = build()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 2
    os.sched_setaffinity(0, {chosen.load_core})
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as room:
        folder = Path(room)
        with upstream_before(native, chosen.load_core, folder) as (upstream, port):
            scene = Scene(
                native=native,
                gateway_core=chosen.gateway_core,
                load_core=chosen.load_core,
                upstream=upstream,
                upstream_port=port,
                folder=folder,
                seconds=chosen.seconds,
                warm_s=5.0 if chosen.quick else 30.0,
            )
            return show_profile(chosen, scene) if chosen.profile else measure(chosen, scene)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
