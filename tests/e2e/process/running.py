"""Real processes: a gateway as an operator starts it, commands as a user types them, and what can be seen of both."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from seawall.core.record import CallRecord
from seawall.telemetry.journal.query import Archive, CallFilter
from seawall.telemetry.period import Period

PATIENCE_S: Final = 30.0  # what takes longer than this on the busiest machine is broken
LOOK_S: Final = 0.01
SEAWALL: Final = (sys.executable, "-m", "seawall")
ENVIRONMENT: Final = {"PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)), "PYTHONUNBUFFERED": "1"}
PROVIDER_KEY: Final = {"PROVIDER_KEY": "what-the-provider-knows"}
POLICY: Final = """\
providers:
  anthropic: {{base_url: '{url}', api_key: env:PROVIDER_KEY}}
  openai: {{base_url: '{url}/v1', api_key: env:PROVIDER_KEY}}
routes:
  /ai/chat: {{model: {model}, max_tokens: 120000, streaming: true}}
  /ai/gpt: {{model: gpt-5.4, max_tokens: 120000, streaming: true}}
"""


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for something that happens in another process or thread, which can tell us only by being looked at."""
    end_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"{patience_s} s have passed without this: {what}")
        time.sleep(LOOK_S)


def is_running(pid: int) -> bool:
    """Say whether a process lives; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def memory_mb(pid: int) -> float:
    """Give the memory that is a process's own: of its files' pages the kernel takes and brings back what it likes."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "VmSwap:"))) / 1024


def run(words: Sequence[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end in a folder, with an environment that holds nothing of ours."""
    return subprocess.run(
        words,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def seawall(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours to its end."""
    return run([*SEAWALL, *words], folder, **environment)


@dataclass
class Gateway:
    """One `seawall serve`, which leads a process group of its own, as a shell's foreground job does."""

    folder: Path
    popen: "subprocess.Popen[bytes]"
    printed: Path
    _worker_pids: set[int] = field(default_factory=set)

    @classmethod
    def start(cls, folder: Path, *options: str, number: int = 0, **environment: str) -> "Gateway":
        """Start one on free ports with its state in the folder, and wait until it says that it serves."""
        printed = folder / f"printed{number}"
        words = [*SEAWALL, "serve", "--port", "0", "--admin-port", "0", "--state-dir", "state", *options]
        with printed.open("wb") as file:
            popen = subprocess.Popen(
                words,
                cwd=folder,
                env={**ENVIRONMENT, **environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        gateway = cls(folder, popen, printed)
        try:
            until(lambda: popen.poll() is not None or "Try it:" in gateway.output, "the gateway serves")
            assert popen.poll() is None, gateway.output
        except BaseException:
            gateway.close()
            raise
        return gateway

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self.printed.read_text("utf-8")

    @property
    def url(self) -> str:
        """Its data port's address, as it says it itself, be it behind lines of the log."""
        return self.output.partition("Seawall listens on ")[2].split()[0]

    @property
    def port(self) -> int:
        """Its data port."""
        return int(self.url.rpartition(":")[2])

    @property
    def state_dir(self) -> Path:
        """Where its keys and records are."""
        return self.folder / "state"

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Give the log's entries of an event."""
        lines = [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]
        return [line for line in lines if event in line.values()]

    def workers(self) -> dict[int, int]:
        """Give the process ids of the workers that live, by slot."""
        found = {}
        children = Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        for pid in map(int, children.read_text().split()):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"seawall.gateway.worker" in words and is_running(pid):
                    found[int(words[words.index(b"seawall.gateway.worker") + 2])] = pid
        self._worker_pids.update(found.values())
        return found

    def server_of(self, line: socket.socket) -> int:
        """Give the process id of the worker that serves a connection of ours."""
        ours, theirs = (f":{address[1]:04X}" for address in (line.getpeername(), line.getsockname()))
        rows = (row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:])
        wanted = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(ours) and row[2].endswith(theirs)}

        def leads_there(entry: Path) -> bool:
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                return str(entry.readlink()) in wanted
            return False

        return next(pid for pid in self.workers().values() if any(map(leads_there, Path(f"/proc/{pid}/fd").iterdir())))

    def records(self) -> list[CallRecord]:
        """Read its journal, oldest first."""
        return Archive(self.state_dir / "journal").records(Period(), CallFilter(), 100_000)

    def recorded(self, count: int) -> list[CallRecord]:
        """Wait for so many records and read them."""
        until(lambda: len(self.records()) >= count, f"{count} calls are recorded")
        return self.records()

    def write_policy(self, text: str) -> None:
        """Replace the policy file in one step, as a careful editor does."""
        fresh = self.folder / "policy.new"
        fresh.write_text(text, "utf-8")
        fresh.replace(self.folder / "policy.yaml")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process that was started."""
        self.popen.send_signal(number)

    def ends(self) -> int:
        """Wait for its end and give its exit code."""
        return self.popen.wait(PATIENCE_S)

    def close(self) -> None:
        """End it and its workers, whatever state they are in."""
        if self.popen.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                self.workers()
            self.popen.terminate()
            try:
                self.popen.wait(5.0)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pid in filter(is_running, self._worker_pids):  # their supervisor is gone, so they end within a second
            until(lambda pid=pid: not is_running(pid), f"worker {pid} ends")  # type: ignore[misc]  # bound at once
