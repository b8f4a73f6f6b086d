"""What is measured of a peer in one round, stage by stage."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench.native import Native
from bench.peer import BASE_HEADERS, Launch
from bench.process import Cpu, Memory, Running, StartError, core_busy_s, cpu_of, memory_of, started
from bench.traffic import Call, Door, Load, Shape, apply, write_call

CALL_RATE: Final = 300.0  # calls a second for the latencies
STREAM_RATE: Final = 50.0  # streams a second for the first token
PACE_US: Final = 2000  # between two events of a stream
STREAMS_AT_ONCE: Final = 16
WARM_CALLS: Final = 20_000
FLUSH_S: Final = 0.25  # what is written behind an answer's back belongs to its price
POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Scene:
    """What all peers share: the programs, the cores, the upstream, and how long a stage takes."""

    native: Native
    gateway_core: int
    load_core: int
    upstream: Running
    upstream_port: int
    folder: Path
    seconds: float
    warm_s: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One stage: what the load saw and what the kernel accounted for meanwhile.

    `answered` is what the upstream says it answered; `foreign` is the share of the gateway's core that others used,
    `load_busy` the share of its core that upstream and load used.
    """

    load: Load
    gateway: Cpu
    answered: int
    foreign: float
    load_busy: float


@dataclass(frozen=True, slots=True)
class Round:
    """All stages of one peer in one round; `cold_start_s` and `memory` are absent where no gateway stands between."""

    saturated: Sample
    even: Sample
    even_rate: float
    streams: Sample
    first_token: Sample
    first_token_rate: float
    burst: Sample
    cold_start_s: float | None = None
    memory: Memory | None = None
    calls_before_memory: int = 0


@contextmanager
def upstream_before(native: Native, core: int, folder: Path) -> Iterator[tuple[Running, int]]:
    """Run the upstream; gives its process and its port.

    Raises:
        StartError: it did not come up within five seconds.
    """
    with started([str(native.upstream), "--max-seconds", "7200"], core, folder / "upstream.log") as running:
        until = time.monotonic() + 5
        while not (words := running.log.read_text().split()):
            if time.monotonic() > until or not running.is_alive():
                raise StartError(f"the upstream did not start: {running.last_lines()}")
            time.sleep(POLL_S)
        yield running, int(words[1])


def _answered(port: int) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    line.request("GET", "/stats")
    stats = json.loads(line.getresponse().read())
    line.close()
    return int(stats["messages"]) + int(stats["streams"])


def _call_once(door: Door, call: Call) -> tuple[int, bytes]:
    """Make one call as the request file has it; status 0 when nobody listens yet."""
    line = http.client.HTTPConnection("127.0.0.1", door.port, timeout=5)
    body = call.file.read_bytes().partition(b"\r\n\r\n")[2]
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", **door.headers}
    try:
        line.request("POST", door.path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error).encode()
    finally:
        line.close()


def first_success_s(launch: Launch, running: Running, call: Call, begin: float) -> float:
    """Call until a call succeeds and say how long after `begin` (of `time.perf_counter`) that was.

    Raises:
        StartError: the process ended, or its time is over.
    """
    status, body = 0, b""
    while time.perf_counter() - begin < launch.start_timeout_s and running.is_alive():
        status, body = _call_once(launch.plain, call)
        if status == 200 and b"output_tokens" in body:
            return time.perf_counter() - begin
        time.sleep(POLL_S)
    alive = "no call succeeded" if running.is_alive() else f"it ended with {running.child.returncode}"
    raise StartError(f"{alive} (last answer: {status} {body[:300]!r}); its log ends with:\n{running.last_lines()}")


def _measure(scene: Scene, pid: int | None, port: int, call: Call, shape: Shape) -> Sample:
    def gateway() -> Cpu:
        return cpu_of(pid) if pid is not None else Cpu(0.0, 0.0, 0.0)

    answered, busy, upstream = _answered(scene.upstream_port), core_busy_s(scene.gateway_core), _upstream_s(scene)
    begin, before = time.perf_counter(), gateway()
    load = apply(scene.native.load, scene.load_core, port, call, shape)
    time.sleep(FLUSH_S)
    used, elapsed = gateway() - before, time.perf_counter() - begin
    busy, upstream = core_busy_s(scene.gateway_core) - busy, _upstream_s(scene) - upstream
    return Sample(
        load=load,
        gateway=used,
        answered=_answered(scene.upstream_port) - answered,
        foreign=max(0.0, busy - used.total_s) / elapsed,
        load_busy=(load.load_cpu_s + upstream) / load.seconds if load.seconds > 0 else 0.0,
    )


def _upstream_s(scene: Scene) -> float:
    return cpu_of(scene.upstream.child.pid).total_s


def _within(rate: float, sample: Sample) -> float:
    """Lower a rate to half of what the peer can do at most, so that a latency is not only a queue."""
    return min(rate, max(1.0, 0.5 * sample.load.per_s))


def stages(scene: Scene, launch: Launch, pid: int | None) -> Round:
    """Apply all loads, one after the other, to what listens at the launch's doors."""
    folder, seconds = scene.folder, scene.seconds
    plain = write_call(folder / "plain.http", launch.plain)
    paced = write_call(folder / "paced.http", launch.stream, stream=True, pace_us=PACE_US)
    burst = write_call(folder / "burst.http", launch.stream, stream=True)
    port = launch.plain.port
    saturated = _measure(scene, pid, port, plain, Shape(seconds))
    call_rate = _within(CALL_RATE, saturated)
    even = _measure(scene, pid, port, plain, Shape(seconds, connections=64, rate=call_rate))
    _measure(scene, pid, port, paced, Shape(min(1.0, seconds), connections=STREAMS_AT_ONCE))  # warm
    streams = _measure(scene, pid, port, paced, Shape(seconds, connections=STREAMS_AT_ONCE))
    stream_rate = _within(STREAM_RATE, streams)
    first = _measure(scene, pid, port, paced, Shape(seconds, connections=64, rate=stream_rate))
    flood = _measure(scene, pid, port, burst, Shape(seconds, connections=STREAMS_AT_ONCE))
    return Round(saturated, even, call_rate, streams, first, stream_rate, flood)


def direct_round(scene: Scene) -> Round:
    """Measure the way without a gateway: what load and upstream can do, and the latencies that are theirs."""
    door = Door(scene.upstream_port, "/v1/messages", BASE_HEADERS)
    return stages(scene, Launch([], door, door), None)


@contextmanager
def peer_up(scene: Scene, launch: Launch, folder: Path) -> Iterator[tuple[Running, float]]:
    """Run a peer; gives its process and its cold start, from spawn to the first call that succeeded."""
    call = write_call(folder / "first.http", launch.plain)
    begin = time.perf_counter()
    with started(launch.command, scene.gateway_core, folder / "peer.log") as running:
        yield running, first_success_s(launch, running, call, begin)


def peer_round(scene: Scene, launch: Launch, folder: Path) -> Round:
    """Start a peer, warm it with 20,000 calls (as many as the time allows), look at its memory, measure it, stop it.

    Raises:
        StartError: it did not come up.
    """
    with peer_up(scene, launch, folder) as (running, cold_start_s):
        call = write_call(folder / "warm.http", launch.plain)
        warm = Shape(scene.warm_s, requests=WARM_CALLS)
        calls = apply(scene.native.load, scene.load_core, launch.plain.port, call, warm).good
        memory = memory_of(running.child.pid)
        measured = stages(replace(scene, folder=folder), launch, running.child.pid)
        if not running.is_alive():
            raise StartError(f"it ended while it was measured; its log ends with:\n{running.last_lines()}")
        return replace(measured, cold_start_s=cold_start_s, memory=memory, calls_before_memory=calls)
