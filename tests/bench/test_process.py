import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.process import Running, cpu_of, memory_of, started, tree

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("bench")]

# A parent and its child; the child burns 0.2 s in a thread that ends, says so, and both wait to be ended.
CHILD = """
import pathlib, signal, sys, threading, time
def burn():
    while time.thread_time() < 0.2: pass
thread = threading.Thread(target=burn)
thread.start(); thread.join()
pathlib.Path(sys.argv[1]).write_text("burnt")
signal.pause()
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Running]:
    said = tmp_path / "said"
    os.mkfifo(said)
    with started([sys.executable, "-c", PARENT, CHILD, str(said)], 0, tmp_path / "log") as running:
        assert said.read_text() == "burnt"  # waits for the child
        yield running


def test_the_whole_tree_is_accounted_for_ended_threads_included(pair: Running) -> None:
    assert len(tree(pair.child.pid)) == 2
    assert cpu_of(pair.child.pid).total_s >= 0.2


def test_the_split_into_user_and_system_adds_up(pair: Running) -> None:
    cpu = cpu_of(pair.child.pid)

    assert cpu.user_s + cpu.system_s == pytest.approx(cpu.total_s, abs=0.05)


def test_shared_pages_count_once_in_pss(pair: Running) -> None:
    memory = memory_of(pair.child.pid)

    assert 0 < memory.pss < memory.rss


def test_nothing_is_left_running(tmp_path: Path) -> None:
    said = tmp_path / "said"
    os.mkfifo(said)
    with started([sys.executable, "-c", PARENT, CHILD, str(said)], 0, tmp_path / "log") as running:
        said.read_text()
        pids = tree(running.child.pid)

    assert not any(Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids)
