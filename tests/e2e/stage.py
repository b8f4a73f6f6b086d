"""Real processes on loopback: the sandbox provider, the gateway, the official clients, and how to ask them things."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, TypeVar

import httpx2

from seawall.core.key import KeyGrant
from seawall.stores.sqlite.keys import FILE_NAME, SqliteKeyStore

T = TypeVar("T")
Json = dict[str, Any]  # any JSON object

HERE: Final = Path(__file__).parent
START_S: Final = 30.0
WAIT_S: Final = 15.0
PROVIDER_KEYS: Final = {"ANTHROPIC_API_KEY": "provider-key-for-claude", "OPENAI_API_KEY": "provider-key-for-gpt"}
POLICY: Final = """\
version: 1
providers:
  anthropic: {{base_url: "{url}", api_key: "env:ANTHROPIC_API_KEY"}}
  openai: {{base_url: "{url}/v1", api_key: "env:OPENAI_API_KEY"}}
profiles:  # every test is a call of its own: none is tried again, and none leaves a target shut for the next
  alone: {{retries: 0, breaker: {{min_calls: 100000, open_s: 1.0e-6, longest_open_s: 1.0e-6, probes: 1000}}}}
routes:
"""


def wait_for(look: Callable[[], T | None], what: str, timeout_s: float = WAIT_S) -> T:
    """Look until there is something to see; this is the suite's one way to wait for another process.

    Raises:
        AssertionError: it did not happen in time.
    """
    until_s = monotonic() + timeout_s
    while not (found := look()):
        if monotonic() > until_s:
            raise AssertionError(f"waited {timeout_s:g} s for {what}")
        sleep(0.005)  # a loop, since no event of another process's inside reaches us
    return found


class Program:
    """A running `seawall …`; its output goes to files of its own."""

    def __init__(self, place: Path, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self._stdout, self._stderr = place / "stdout", place / "stderr"
        base = {"PATH": os.defpath, "PYTHONWARNINGS": "always::ResourceWarning"}
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seawall", *words],
                cwd=place,
                env={**base, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._stdout.read_text("utf-8")

    @property
    def log(self) -> str:
        """What it has written to its standard error."""
        return self._stderr.read_text("utf-8")

    def children(self) -> list[int]:
        """Give the processes that it started and that run."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [int(word) for word in text.split()]

    def printed(self, pattern: str) -> str:
        """Wait until a line is printed that matches; give the pattern's first group.

        Raises:
            AssertionError: it ended, or did not print it in time.
        """

        def look() -> re.Match[str] | None:
            found = re.search(pattern, self.output)
            assert found or self.process.poll() is None, f"it ended with {self.process.returncode}: {self.log}"
            return found

        return wait_for(look, pattern, START_S)[1]

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, timeout_s: float = WAIT_S) -> int:
        """Wait for its end; give the exit code."""
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """End it for good, with whatever it started."""
        if self.process.poll() is None:
            orphans = self.children()
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                for pid in (self.pid, *orphans):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait(5)
        assert "ResourceWarning" not in self.log, self.log


class SandboxProcess(Program):
    """The simulated provider, steered over its control endpoint."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, ["sandbox", "--port", "0"])
        self.url = self.printed(r"listens on (http://\S+) ")
        self._http = httpx2.Client(base_url=self.url, timeout=10)

    def steer(self, *faults: str | Json, **settings: Any) -> None:
        """Put these settings and faults, and no others, in force."""
        self._http.delete("/sandbox/control").raise_for_status()
        body = {"settings": settings, "faults": list(faults)}
        self._http.put("/sandbox/control", json=body).raise_for_status()

    def forget(self) -> None:
        """Begin anew: no faults, no settings, nothing metered, nothing seen."""
        for name in ("control", "meter", "requests"):
            self._http.delete(f"/sandbox/{name}").raise_for_status()

    def meter(self, entries: int = 1000) -> list[Json]:
        """Give what it metered, call by call, the newest first."""
        found: list[Json] = self._http.get("/sandbox/meter", params={"entries": entries}).json()["entries"]
        return found

    def requests(self) -> list[Json]:
        """Give the requests that came, byte for byte, the oldest first."""
        found: list[Json] = self._http.get("/sandbox/requests", params={"last": 1000}).json()["requests"]
        return found

    def stop(self) -> None:
        """End it."""
        self._http.close()
        super().stop()


class GatewayProcess(Program):
    """A gateway, with the keys of its state directory, its journal and its admin port."""

    def __init__(
        self,
        place: Path,
        policy: str,
        *words: str,
        environment: Mapping[str, str] | None = None,
        state_dir: Path | None = None,
    ) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.policy = place / "policy.yaml"
        self.policy.write_text(policy, "utf-8")
        self.state_dir = state_dir or place / "state"
        ports = ["--port", "0", "--admin-port", "0", "--state-dir", str(self.state_dir)]
        super().__init__(
            place, ["serve", "--policy", "policy.yaml", *ports, *words], {**PROVIDER_KEYS, **(environment or {})}
        )
        self.url = self.printed(r"Seawall listens on (http://\S+) ")
        self.port = int(self.url.rpartition(":")[2])
        self.admin_url = self.printed(r"docs +(http://\S+)/")

    @property
    def admin_token(self) -> str:
        """The token of the admin port."""
        return (self.state_dir / "admin_token").read_text("ascii").strip()

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return self.children() or [self.pid]

    def key(self, **grant: Any) -> str:
        """Issue a key, good for every worker when this returns."""
        with contextlib.closing(SqliteKeyStore(self.state_dir / FILE_NAME)) as store:
            key = store.create(KeyGrant(**grant), 0.0).key.reveal()
        if self.process.poll() is None:
            head = {"x-api-key": key, "anthropic-version": "2023-06-01"}
            wait_for(lambda: self.status("/v1/nowhere", head) == httpx2.codes.NOT_FOUND, "the new key to count")
        return key

    def status(self, path: str, headers: Mapping[str, str]) -> int:
        """Give the status that a GET is answered with."""
        return httpx2.get(self.url + path, headers=dict(headers)).status_code

    def records(self) -> list[Json]:
        """Give what is in the journal's files of lines."""
        lines = [
            line
            for path in sorted((self.state_dir / "journal").glob("calls-*.jsonl"))
            for line in path.read_text("utf-8").splitlines()
        ]
        found = (_object(line) for line in lines)
        return sorted((record for record in found if record), key=lambda record: record["at_s"])

    def record(self, request_id: str) -> Json:
        """Wait for the record of one call."""
        return wait_for(
            lambda: next((record for record in self.records() if record["id"] == request_id), None),
            f"the record {request_id}",
        )


def _object(line: str) -> Json | None:
    """Read a line; a process that was killed may have torn its last one."""
    try:
        found: Json = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found


class OfficialClient:
    """An official SDK in a process of its own, which runs one scenario after the other."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE, env={"PATH": os.defpath}
        )
        self._rest = b""

    def run(self, scenario: str, **asked: Any) -> Json:
        """Run a scenario; give what it saw as `ok`, or what it raised as `error`.

        Raises:
            AssertionError: the client ended, or took too long.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"scenario": scenario, **asked}).encode() + b"\n")
        self._process.stdin.flush()
        told: Json = json.loads(self._line())
        return told

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        descriptor, until_s = self._process.stdout.fileno(), monotonic() + START_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([descriptor], [], [], max(until_s - monotonic(), 0))
            piece = os.read(descriptor, 65536) if ready else b""
            assert piece, f"{self.name} said nothing more"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class Wire:
    """A bare connection to a gateway, for what no client library would do."""

    def __init__(self, port: int, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """Read up to a mark, and what came with it."""
        data = b""
        while mark not in data:
            piece = self.socket.recv(65536)
            assert piece, f"the connection ended after {data[-300:]!r}"
            data += piece
        return data

    def rest(self) -> bytes:
        """Read to the connection's end; a reset raises ConnectionResetError."""
        data = b""
        while piece := self.socket.recv(65536):
            data += piece
        return data

    def reset(self) -> None:
        """Close as a process that is killed does, at once."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        """Close."""
        self.socket.close()
