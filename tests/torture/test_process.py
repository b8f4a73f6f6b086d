import os
import sys
import time
from pathlib import Path

import pytest

from torture.process import Process, workers_of

PATIENCE_S = 30.0
STUBBORN = """\
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", "a-worker"])
print("child", child.pid, flush=True)
signal.pause()
"""
ORDERLY = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye', flush=True)))\n"


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _until_gone(*pids: int) -> None:
    """Wait for what was killed: the kernel takes its time."""
    end_s = time.monotonic() + PATIENCE_S
    while not all(map(_is_gone, pids)):
        assert time.monotonic() < end_s, f"some of {pids} still run"
        os.sched_yield()


def test_what_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", STUBBORN], tmp_path, "out.log")
    child = int(process.when_printed("\n", PATIENCE_S).split()[1])

    process.stop(0.1)

    _until_gone(process.pid, child)


def test_what_ends_in_order_has_its_time(tmp_path: Path) -> None:
    program = ORDERLY + "print('ready', flush=True)\nwhile True: signal.pause()"
    process = Process([sys.executable, "-c", program], tmp_path, "out.log")
    process.when_printed("ready", PATIENCE_S)

    process.stop(PATIENCE_S)

    assert process.printed() == "ready\nbye\n"


def test_stopping_twice_changes_nothing(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "pass"], tmp_path, "out.log")

    process.stop(PATIENCE_S)
    process.stop(PATIENCE_S)

    assert _is_gone(process.pid)


def test_an_interruption_while_waiting_for_the_end_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process([sys.executable, "-c", STUBBORN], tmp_path, "out.log")
    child = int(process.when_printed("\n", PATIENCE_S).split()[1])

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("torture.process.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            process.stop(PATIENCE_S)

    _until_gone(process.pid, child)


def test_what_ends_instead_of_starting_is_an_error_that_shows_what_it_wrote(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "print('no such thing')"], tmp_path, "gateway.log")

    with pytest.raises(TimeoutError, match="gateway did not start: no such thing"):
        process.when_printed("ready", PATIENCE_S)


def test_a_text_may_be_waited_for_more_than_once(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", "print('up'); print('up')"], tmp_path, "out.log")

    assert process.when_printed("up", PATIENCE_S, times=2).split() == ["up", "up"]
    process.stop(PATIENCE_S)


def test_workers_are_known_by_their_command_line(tmp_path: Path) -> None:
    process = Process([sys.executable, "-c", STUBBORN], tmp_path, "out.log")
    child = int(process.when_printed("\n", PATIENCE_S).split()[1])
    try:
        assert workers_of(process, whose=b"a-worker\0") == [child]
        assert workers_of(process, whose=b"somebody else's") == []
    finally:
        process.stop(0)
