"""The processes that are attacked: a real gateway and, behind it, a sandbox provider, each in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.request import Request, urlopen

from seawall.core.key import IssuedKey, KeyGrant
from seawall.stores.sqlite.keys import FILE_NAME, SqliteKeyStore
from tests.hostile.wire import Case, converse

_STOP_S: Final = 20.0
_COUNTS_S: Final = 5.0  # a key counts within a second; a busy machine may take longer


@dataclass(slots=True)
class Process:
    """One child process; its output is kept as bytes and read by a thread, so that it never waits for us."""

    popen: "subprocess.Popen[bytes]"
    first_line: bytes = b""
    _output: list[bytes] = field(default_factory=list)
    _reader: threading.Thread | None = None

    @classmethod
    def start(cls, words: Sequence[str], environment: Mapping[str, str], folder: Path) -> "Process":
        """Start it and wait for the first line that it prints; both of its streams go to one."""
        popen = subprocess.Popen(
            [sys.executable, *words],
            env={"PATH": os.defpath, "PYTHONUNBUFFERED": "1", **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        process = cls(popen)
        assert popen.stdout is not None
        process.first_line = popen.stdout.readline()
        process._output.append(process.first_line)
        process._reader = threading.Thread(target=process._drain, daemon=True)
        process._reader.start()
        return process

    def _drain(self) -> None:
        assert self.popen.stdout is not None
        while line := self.popen.stdout.readline():
            self._output.append(line)

    @property
    def output(self) -> bytes:
        """All that it has printed so far."""
        return b"".join(self._output)

    def memory_kb(self) -> int:
        """The memory that is its own: of its files' pages the kernel takes and brings back what it likes."""
        lines = Path(f"/proc/{self.popen.pid}/status").read_text("ascii").splitlines()
        sizes = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "VmSwap:"))]
        return sum(sizes)

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return sum(1 for _ in Path(f"/proc/{self.popen.pid}/fd").iterdir())

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal, and give its exit code; safe to call twice."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            code = self.popen.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            code = self.popen.wait()
        if self._reader is not None:
            self._reader.join(_STOP_S)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


@dataclass(slots=True)
class Provider:
    """A sandbox provider and its control endpoint."""

    process: Process
    url: str

    @classmethod
    def start(cls, folder: Path) -> "Provider":
        """Start one on a free port."""
        process = Process.start(["-m", "seawall", "sandbox", "--port", "0"], {}, folder)
        return cls(process, process.first_line.split()[5].decode())

    def call(self, method: str, path: str, body: object = None) -> Any:  # JSON
        """Call one of its own endpoints."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/sandbox/{path}", data, method=method), timeout=10) as answer:  # noqa: S310  # our own http address
            return json.loads(answer.read())

    def set(self, *faults: str, **settings: str | float | None) -> None:
        """Put faults in force in place of those before, and change settings."""
        self.call("PUT", "control", {"faults": list(faults), "settings": settings})

    def reset(self) -> None:
        """Let everything go well again, and forget what was asked."""
        self.call("DELETE", "control")
        self.call("DELETE", "requests")

    def seen(self) -> list[dict[str, Any]]:
        """Give the requests since the last time, at most a thousand of them, and forget them."""
        requests: list[dict[str, Any]] = self.call("GET", "requests?last=1000")["requests"]
        self.call("DELETE", "requests")
        return requests


@dataclass(slots=True)
class Gateway:
    """A gateway with one worker; `issued` has the ids of the keys that were made here."""

    process: Process
    state_dir: Path
    port: int
    admin_port: int
    issued: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        folder: Path,
        policy: str,
        environment: Mapping[str, str],
        *,
        python: Sequence[str] = ("-m", "seawall"),
        options: Sequence[str] = (),
    ) -> "Gateway":
        """Start one under this policy and wait until it listens."""
        path, state_dir = folder / "policy.yaml", folder / "state"
        path.write_text(policy, "utf-8")
        words = ["serve", "--policy", str(path), "--state-dir", str(state_dir), "--port", "0", "--admin-port", "0"]
        process = Process.start([*python, *words, *options], environment, folder)
        if not process.first_line.startswith(b"Seawall listens on "):
            process.end()
            raise RuntimeError(process.output.decode())
        port = int(process.first_line.split()[3].rpartition(b":")[2])
        return cls(process, state_dir, port, _admin_port(process))

    def issue(self, grant: KeyGrant | None = None) -> str:
        """Make a client key and wait until it counts; one that has expired never does."""
        grant = grant or KeyGrant()
        issued = issue(self.state_dir, grant)
        key = issued.key.reveal()
        self.issued[key] = issued.entry.id
        if grant.expires_at_s is None:
            self.wait_for(key, counts=True)
        return key

    def revoke(self, key: str) -> None:
        """End a client key and wait until it no longer counts."""
        store = SqliteKeyStore(self.state_dir / FILE_NAME)
        try:
            store.revoke(self.issued[key], now_s())
        finally:
            store.close()
        self.wait_for(key, counts=False)

    def wait_for(self, key: str, *, counts: bool) -> None:
        """Wait until a key counts, or no longer does."""
        case = Case("key", (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nx-api-key: %b\r\n\r\n" % key.encode(),))
        until_s = time.monotonic() + _COUNTS_S
        while (converse(self.port, case).answers[0].status != 401) is not counts:
            if time.monotonic() > until_s:
                raise TimeoutError("the key store's change does not count")

    def log(self) -> list[dict[str, Any]]:
        """Give the log's lines, each a JSON object; what is printed at the start is left out."""
        lines = self.process.output.splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]


def _admin_port(process: Process) -> int:
    until = time.monotonic() + _STOP_S
    while time.monotonic() < until:
        for line in process.output.splitlines():
            if line.startswith(b"  docs "):
                return int(line.rstrip(b"/ ").rpartition(b":")[2])
    raise RuntimeError(process.output.decode())


def issue(state_dir: Path, grant: KeyGrant) -> IssuedKey:
    """Make a client key as `seawall keys create` does."""
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = SqliteKeyStore(state_dir / FILE_NAME)
    try:
        return store.create(grant, now_s())
    finally:
        store.close()


def now_s() -> float:
    """Give the wall time that the processes go by, too."""
    return time.time()  # noqa: TID251  # they are real processes on the real clock
