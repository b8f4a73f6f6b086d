"""Who is measured: each peer is a way to start a gateway in front of the same upstream."""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from string import Template
from typing import Final

from bench.native import BUILD, HERE
from bench.process import free_port
from bench.traffic import Door

LITELLM: Final = "litellm[proxy]==1.106.2"  # the newest that resolved when this was written
LITELLM_VENV: Final = BUILD / "litellm-venv"
# Three budgets and two limits on every call, so high that none is ever met.
SPENDING: Final = """
budgets:
  all: {per_day_usd: 1000000}
  "team:*": {per_day_usd: 500000}
  "key:*": {per_day_usd: 500000}
limits:
  "key:*": {requests_per_minute: 1000000000}
  "route:/ai/chat": {requests_per_minute: 1000000000}
"""
BASE_HEADERS: Final = {"authorization": "Bearer sk-bench"}


class PeerUnavailable(Exception):
    """A peer cannot be run on this machine; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Room:
    """A peer's own folder for one round, and the upstream it stands before."""

    folder: Path
    upstream_port: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How a peer is started and called; `worker` is a word in the command line of the process to profile."""

    command: list[str]
    plain: Door
    stream: Door
    worker: str = ""
    start_timeout_s: float = 20.0


def _fill(template: str, room: Room, port: int, spending: str = "") -> Path:
    text = (HERE / "peers" / template).read_text()
    filled = Template(text).substitute(upstream_port=room.upstream_port, room=room.folder, port=port, spending=spending)
    to = room.folder / template
    to.write_text(filled)
    return to


def nginx(room: Room) -> Launch:
    """Run nginx as a plain proxy."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise PeerUnavailable("nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)")
    port = free_port()
    command = [program, "-p", str(room.folder), "-e", "stderr", "-c", str(_fill("nginx.conf", room, port))]
    plain = Door(port, "/v1/messages", BASE_HEADERS)
    return Launch(command, plain, Door(port, "/stream/v1/messages", BASE_HEADERS), worker="worker process")


def bare(room: Room) -> Launch:
    """Run the bare prototype: the floor for a gateway in Python."""
    port = free_port()
    settings = {"port": port, "upstream_port": room.upstream_port, "log": str(room.folder / "calls.log")}
    door = Door(port, "/v1/messages", BASE_HEADERS)
    return Launch([sys.executable, str(HERE / "peers" / "bare.py"), json.dumps(settings)], door, door)


def _seawall_key(program: str, state: Path) -> str:
    command = [program, "keys", "create", "--team", "bench", "--route", "/ai/chat", "--state-dir", str(state), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        key = json.loads(done.stdout)["key"]
    except (subprocess.SubprocessError, ValueError, KeyError) as error:
        said = getattr(error, "stderr", None) or ""
        raise PeerUnavailable(f"`seawall keys create` gave no key: {error}\n{said[-1500:]}") from error
    return str(key)


def seawall_program() -> str:
    """Find the `seawall` command of the environment that runs the benchmark.

    Raises:
        PeerUnavailable: it is not installed there.
    """
    program = Path(sys.executable).parent / "seawall"
    if not program.exists():
        raise PeerUnavailable(f"{program} does not exist; expected Seawall installed beside this Python")
    return str(program)


def seawall(room: Room) -> Launch:
    """Run Seawall as an operator does: keys, policy, budgets, limits, journal and cost on, one worker."""
    return _seawall(room, SPENDING)


def uncapped(room: Room) -> Launch:
    """Run Seawall without budgets and limits, so that what they cost can be seen."""
    return _seawall(room, "")


def _seawall(room: Room, spending: str) -> Launch:
    program = seawall_program()
    port, state = free_port(), room.folder / "state"
    key = _seawall_key(program, state)
    command = [
        *(
            "env",
            "BENCH_KEY=sk-ant-bench",
            program,
            "serve",
            "--policy",
            str(_fill("policy.yaml", room, port, spending)),
        ),
        *("--host", "127.0.0.1", "--port", str(port), "--admin-port", str(free_port())),
        *("--state-dir", str(state), "--workers", "1"),
    ]
    door = Door(port, "/ai/chat/v1/messages", {"authorization": f"Bearer {key}"})
    return Launch(command, door, door)


def install_litellm() -> None:
    """Make LiteLLM's own environment, unless it is there.

    Raises:
        PeerUnavailable: pip could not install it.
    """
    if (LITELLM_VENV / "bin" / "litellm").exists():
        return
    print(f"installing {LITELLM} in its own environment (some 600 MB) …", flush=True)
    venv.create(LITELLM_VENV, with_pip=True, clear=True)
    command = [str(LITELLM_VENV / "bin" / "pip"), "install", "--quiet", LITELLM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode != 0:
        shutil.rmtree(LITELLM_VENV)
        raise PeerUnavailable(f"{LITELLM} could not be installed: {done.stderr[-1500:]}")


def litellm(room: Room) -> Launch:
    """Run LiteLLM's proxy with one worker, its master key and no database."""
    install_litellm()
    port = free_port()
    command = [
        # Both settings are in its favour: no look-up of a price list on the network, no log line for each call.
        *("env", "LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_LOG=ERROR", str(LITELLM_VENV / "bin" / "litellm")),
        *("--config", str(_fill("litellm.yaml", room, port)), "--host", "127.0.0.1", "--port", str(port)),
        *("--num_workers", "1", "--telemetry", "False"),
    ]
    door = Door(port, "/v1/messages", BASE_HEADERS)
    return Launch(command, door, door, start_timeout_s=120.0)


PEERS: Final[dict[str, Callable[[Room], Launch]]] = {
    "seawall": seawall,
    "uncapped": uncapped,
    "nginx": nginx,
    "bare": bare,
    "litellm": litellm,
}


def _first_line(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return "not installed"
    lines = (done.stdout + done.stderr).splitlines()
    return lines[0] if lines else "unknown"


def versions() -> dict[str, str]:
    """Say which version of what runs in the benchmark."""
    found = {name: metadata.version(name) for name in ("seawall", "uvicorn", "uvloop", "httptools", "orjson")}
    found["nginx"] = _first_line(["/usr/sbin/nginx", "-v"]).rpartition("/")[2]
    python = LITELLM_VENV / "bin" / "python"
    if python.exists():
        code = "import importlib.metadata as m; print(m.version('litellm'))"
        found["litellm"] = _first_line([str(python), "-c", code])
    return found
