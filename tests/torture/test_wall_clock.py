import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from torture.wall_clock import WallClock

DAY_S = 86_400
PROGRAM = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler; `make torture` installs one")
    return WallClock(tmp_path)


@pytest.fixture
def child(clock: WallClock) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **clock.environment},  # noqa: TID251  # as a shell would
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def _times_of(child: "subprocess.Popen[str]") -> tuple[float, float]:
    assert child.stdin is not None
    assert child.stdout is not None
    print(file=child.stdin, flush=True)
    wall_s, monotonic_s = map(float, child.stdout.readline().split())
    return wall_s, monotonic_s


@pytest.mark.parametrize("ahead_s", [DAY_S, -3_600])
def test_a_running_process_sees_its_wall_clock_jump_and_no_other(
    clock: WallClock, child: "subprocess.Popen[str]", ahead_s: int
) -> None:
    wall_s, monotonic_s = _times_of(child)

    clock.set(ahead_s)

    later_wall_s, later_monotonic_s = _times_of(child)
    passed_s = later_monotonic_s - monotonic_s
    assert 0 <= passed_s < 60
    assert later_wall_s - wall_s == pytest.approx(ahead_s + passed_s, abs=1)


def test_without_a_compiler_nothing_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    clock = WallClock(tmp_path)
    clock.set(DAY_S)

    assert clock.environment == {}
