"""What goes over the wire in the benchmark: one plain call and one stream, and what makes an answer a good one."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MODEL: Final = "claude-haiku-5-5"
QUESTION: Final = (
    "Where is my parcel? It was sent on Friday and should have been here by now. The order number is 4711-22 and "
    "the address is the one in my account."
)
SYSTEM: Final = (
    "You answer questions of customers of a parcel service. Be short and friendly. If you do not know, say so and "
    "name the phone number of the service desk."
)
PLAIN_CHECKS: Final = ("--must", '"output_tokens"', "--must", "on Tuesday before noon", "--must", "end_turn")
STREAM_CHECKS: Final = (
    *("--count", "event: message_start=1", "--count", "event: content_block_delta=55", "--count", "text_delta=55"),
    *("--count", "event: message_stop=1", "--must", '"output_tokens"', "--first", "text_delta"),
)


class LoadError(Exception):
    """The load generator itself failed; no figure came of it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request in a file, and how its answer is judged."""

    file: Path
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Door:
    """Where and as whom a peer is called."""

    port: int
    path: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Times:
    """Exact percentiles in microseconds over all good answers of one run."""

    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the load generator saw; `errors` by kind, never part of the times."""

    good: int
    seconds: float
    load_cpu_s: float
    bytes: int
    errors: dict[str, int]
    first_error: str
    latency_us: Times | None
    first_byte_us: Times | None
    first_token_us: Times | None

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.good / self.seconds if self.seconds > 0 else 0.0

    @property
    def bad(self) -> int:
        """Answers that were wrong, cut, late or never came."""
        return sum(self.errors.values())


def write_call(file: Path, door: Door, *, stream: bool = False, pace_us: int = 0) -> Call:
    """Write the request that a client would send to this door; `pace_us` asks the upstream to space its events."""
    question = QUESTION + (f" (pace_us={pace_us})" if pace_us else "")
    body: dict[str, Any] = {  # Any: JSON as the dialect has it
        "model": MODEL,
        "max_tokens": 300,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": question}],
    }
    if stream:
        body["stream"] = True
    payload = json.dumps(body, separators=(",", ":")).encode()
    headers = {
        "host": f"127.0.0.1:{door.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "seawall-bench",
        "anthropic-version": "2023-06-01",
        **door.headers,
        "content-length": str(len(payload)),
    }
    head = f"POST {door.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    file.write_bytes(head.encode() + b"\r\n" + payload)
    return Call(file, STREAM_CHECKS if stream else PLAIN_CHECKS)


@dataclass(frozen=True, slots=True)
class Shape:
    """How the load is applied: closed loop over `connections`, or open loop at `rate` a second; bounded both ways."""

    seconds: float
    connections: int = 32
    rate: float = 0.0
    requests: int = 0
    timeout_s: float = 10.0

    def options(self) -> list[str]:
        """Write the shape as options of the load generator."""
        words = [
            "--seconds",
            f"{self.seconds}",
            "--connections",
            str(self.connections),
            "--timeout",
            f"{self.timeout_s}",
        ]
        words += ["--rate", f"{self.rate}"] if self.rate else []
        return words + (["--requests", str(self.requests)] if self.requests else [])


def apply(program: Path, core: int, port: int, call: Call, shape: Shape) -> Load:
    """Run the load generator to its end.

    Raises:
        LoadError: it crashed or outlived its own bounds.
    """
    command = ["taskset", "-c", str(core), str(program), "--port", str(port), "--request", str(call.file)]
    command += [*shape.options(), *call.checks]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=shape.seconds + 3 * shape.timeout_s + 90, check=True
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise LoadError(f"the load generator failed: {error}; {error.stderr!r}") from error
    found: dict[str, Any] = json.loads(done.stdout)
    for name in ("latency_us", "first_byte_us", "first_token_us"):
        found[name] = Times(**found[name]) if found[name] is not None else None
    return Load(**found)
