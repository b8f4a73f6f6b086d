"""Processes on one core each: started, measured by the kernel's own accounting, and always ended."""

import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STOP_S: Final = 5.0
PROC: Final = Path("/proc")
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class StartError(Exception):
    """A process did not come up; the message holds the last lines it wrote."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU time of a process tree so far; `total_s` is exact to the nanosecond, the split to a clock tick."""

    total_s: float
    user_s: float
    system_s: float

    def __sub__(self, earlier: "Cpu") -> "Cpu":
        """Say what was used since an earlier reading."""
        return Cpu(self.total_s - earlier.total_s, self.user_s - earlier.user_s, self.system_s - earlier.system_s)


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process tree in MB (10^6 bytes); `pss` counts shared pages once, `rss` once a process."""

    rss: float
    pss: float


@dataclass(frozen=True, slots=True)
class Running:
    """A started process and where its output goes."""

    child: subprocess.Popen[bytes]
    log: Path

    def last_lines(self, count: int = 12) -> str:
        """Give the end of what it wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])

    def is_alive(self) -> bool:
        """Say whether it still runs."""
        return self.child.poll() is None


def tree(root: int) -> list[int]:
    """List a process and all its living descendants."""
    pids, at = [root], 0
    while at < len(pids):
        # A process may end between two looks; then it has no children that count.
        with contextlib.suppress(OSError):
            for task in (PROC / str(pids[at]) / "task").iterdir():
                pids.extend(int(pid) for pid in (task / "children").read_text().split())
        at += 1
    return pids


def _cpu_clock(pid: int) -> int:
    """Name the CPU clock of another process, as clock_getcpuclockid(3) does; threads that ended are in it."""
    return (~pid << 3) | 2


def cpu_of(root: int) -> Cpu:
    """Read the CPU time of a process tree."""
    total_s = user_s = system_s = 0.0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            total_s += time.clock_gettime(_cpu_clock(pid))
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
            user_s += int(fields[11]) / TICKS_PER_S
            system_s += int(fields[12]) / TICKS_PER_S
    return Cpu(total_s, user_s, system_s)


def memory_of(root: int) -> Memory:
    """Read the resident memory of a process tree."""
    kib = {"Rss:": 0, "Pss:": 0}
    for pid in tree(root):
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                name, *rest = line.split()
                if name in kib:
                    kib[name] += int(rest[0])
    return Memory(rss=kib["Rss:"] * 1024 / 1e6, pss=kib["Pss:"] * 1024 / 1e6)


def core_busy_s(core: int) -> float:
    """Read how long a core has been busy with anything, interrupts and stolen time included."""
    for line in (PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = (int(tick) for tick in ticks[:8])
            return (user + nice + system + irq + softirq + steal) / TICKS_PER_S
    raise ValueError(f"core {core} does not exist; found {os.cpu_count()} cores, numbered from 0")


def free_port() -> int:
    """Find a loopback port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def started(command: Sequence[str], core: int, log: Path) -> Iterator[Running]:
    """Run a command on one core; on leaving, its whole tree is asked to end and, after a while, ended."""
    with log.open("wb") as out:
        child = subprocess.Popen(
            # Should this script be killed outright, the kernel ends what it started.
            ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(core), *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(child, log)
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    descendants = _handles(tree(child.pid)[1:])
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    for handle in descendants:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [], STOP_S)  # readable once it has ended
        os.close(handle)


def _handles(pids: Sequence[int]) -> list[int]:
    """Open a handle for each process, so that a number that is given anew later is never mistaken for it."""
    handles = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(pid))
    return handles


def wall_s(command: Sequence[str], core: int, times: int) -> list[float]:
    """Run a command to its end several times and say how long each took, shortest first."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run(["taskset", "-c", str(core), *command], capture_output=True, timeout=60, check=True)
        taken.append(time.perf_counter() - begin)
    return sorted(taken)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us, for this process and those it starts."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
