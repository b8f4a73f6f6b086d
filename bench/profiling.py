"""Show where a gateway's time goes: py-spy for its Python stacks, perf for what is below them."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.peer import Launch, Room
from bench.process import cpu_of, tree
from bench.stage import PACE_US, STREAMS_AT_ONCE, Scene, peer_up
from bench.traffic import Call, Shape, apply, write_call

SAMPLES_PER_S: Final = 400
TOP: Final = 60
_LINE_NUMBER: Final = re.compile(r":\d+(?=\)$)")


def _busiest(root: int) -> int:
    """Find the process of a tree that used most CPU: the worker."""
    return max(tree(root), key=lambda pid: cpu_of(pid).total_s)


def _spy(pid: int, seconds: float, to: Path) -> list[str] | None:
    program = shutil.which(
        "py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}/usr/local/bin{os.pathsep}/usr/bin"
    )
    if program is None:
        return None
    return [
        *(program, "record", "--pid", str(pid), "--duration", str(round(seconds)), "--rate", str(SAMPLES_PER_S)),
        *("--format", "raw", "--output", str(to), "--nonblocking"),
    ]


def _perf(pid: int, seconds: float, to: Path) -> list[str] | None:
    program = shutil.which("perf")
    if program is None:
        return None
    record = [program, "record", "-q", "-F", "999", "-p", str(pid), "-o", str(to)]
    return [*record, "--", "sleep", str(round(seconds))]


def top_of(stacks: Iterable[str]) -> str:
    """Rank lines by their own samples and functions by those of all they call, from collapsed stacks (`a;b;c 12`)."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        own[frames[-1]] += int(count)
        for function in {_LINE_NUMBER.sub("", frame) for frame in frames}:
            whole[function] += int(count)
    total = max(own.total(), 1)
    lines = [f"{own.total()} samples"]
    for title, ranked in (("itself, by line", own), ("with all it calls, by function", whole)):
        lines += ["", f"    %  {title}"]
        lines += [f"{100 * samples / total:5.1f}  {name}" for name, samples in ranked.most_common(TOP)]
    return "\n".join(lines) + "\n"


def _under(watch: list[str], scene: Scene, launch: Launch, call: Call, shape: Shape) -> None:
    """Watch while the load runs; the watcher shares the load's core."""
    watcher = subprocess.Popen(
        ["taskset", "-c", str(scene.load_core), *watch], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with watcher:
        apply(scene.native.load, scene.load_core, launch.plain.port, call, shape)
        try:
            watcher.wait(30)
        except subprocess.TimeoutExpired:
            watcher.terminate()
        said = watcher.stderr.read().decode(errors="replace") if watcher.stderr else ""
        if watcher.returncode != 0:
            print(f"{watch[0]} ended with {watcher.returncode}: {said[-400:]}", flush=True)


def profile(name: str, launch: Launch, room: Room, scene: Scene, results: Path) -> list[Path]:
    """Record one profile of plain calls and one of streams, each with py-spy and with perf where they are installed.

    Writes collapsed stacks (for any flame graph viewer) and ranked lists; gives the files.
    """
    written: list[Path] = []
    results.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        running, _ = stack.enter_context(peer_up(scene, launch, room.folder))
        calls = {
            "calls": (write_call(room.folder / "calls.http", launch.plain), Shape(scene.seconds)),
            "streams": (
                write_call(room.folder / "streams.http", launch.stream, stream=True, pace_us=PACE_US),
                Shape(scene.seconds, connections=STREAMS_AT_ONCE),
            ),
        }
        for kind, (call, shape) in calls.items():
            apply(scene.native.load, scene.load_core, launch.plain.port, call, replace(shape, seconds=1.0))
            pid = _busiest(running.child.pid)
            longer = replace(shape, seconds=scene.seconds + 2)
            spied = results / f"profile-{name}-{kind}.collapsed"
            if command := _spy(pid, scene.seconds, spied):
                _under(command, scene, launch, call, longer)
                top = spied.with_suffix(".txt")
                top.write_text(top_of(spied.read_text().splitlines()))
                written += [spied, top]
            raw = room.folder / f"perf-{kind}.data"
            if command := _perf(pid, scene.seconds, raw):
                _under(command, scene, launch, call, longer)
                to = results / f"perf-{name}-{kind}.txt"
                to.write_text(_perf_top(raw))
                written.append(to)
    return written


def _perf_top(raw: Path) -> str:
    parts = []
    for sort in ("dso", "dso,symbol"):
        command = ["perf", "report", "-i", str(raw), "--stdio", "-q", "--sort", sort, "--percent-limit", "0.5"]
        parts.append(subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout)
    return "\n".join(parts)
