"""LiteLLM's proxy in the strictest budget set-up that runs without its database; docs/torture.md says how and why."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from bench.peer import LITELLM_VENV, install_litellm, versions
from bench.process import free_port
from torture.peer import PeerUnavailable
from torture.process import Process, workers_of
from torture.scenario import FLAT, SILENT_S, Ask, Event, Scenario, exact
from torture.traffic import Door, traffic
from torture.wall_clock import JUMPS_S, WallClock

WORKERS: Final = 4
PATIENCE_S: Final = 300.0  # four workers take half a minute to start on two idle cores
CALLERS_S: Final = 120.0
END_S: Final = 20.0
AUTH: Final = Path(__file__).with_name("litellm_auth.py")
# Dollars per million tokens, input and output: the provider's own, given to it for every model.
PRICES: Final[Mapping[str, tuple[str, float, float]]] = {
    "claude-opus-5-5": ("anthropic", 4, 20),
    "claude-sonnet-5-5": ("anthropic", 2, 10),
    "claude-haiku-4-5": ("anthropic", 1, 5),
    "gpt-5.4": ("openai", 2.5, 15),
    "gpt-4o-mini": ("openai", 0.15, 0.6),
    FLAT: ("anthropic", 0, 100),
}
_MTOK: Final = 1e6
_USD: Final = 1e9
_SOCKET_S: Final = 2.0


class LiteLlm:
    """Implements `Peer` on LiteLLM in its own environment, with a Redis of its own that all workers share."""

    name = "litellm"
    caps = frozenset({"all", "provider", "user"})  # a team's needs the database
    unsettled_nusd: int | None = None

    def __init__(self) -> None:
        self._redis: Process | None = None
        self._process: Process | None = None
        self._clock: WallClock | None = None
        self._redis_port = self._port = 0
        self._draw = random.Random(0)  # noqa: S311  # the same seed is the same run

    def version(self) -> str:
        """Name the versions that are installed."""
        said = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, timeout=END_S, check=True)
        redis = next((word[2:] for word in said.stdout.split() if word.startswith("v=")), "unknown")
        return f"LiteLLM {versions().get('litellm', 'unknown')}, Redis {redis}, {WORKERS} workers"

    def start(self, scenario: Scenario, provider_url: str, folder: Path) -> None:
        """Write the configuration, and start Redis and four workers."""
        program = shutil.which("redis-server")
        if program is None:
            raise PeerUnavailable("redis-server is not installed (Debian, Ubuntu: apt-get install redis-server)")
        install_litellm()
        self._draw = random.Random(scenario.seed)  # noqa: S311  # as above
        self._redis_port, self._port = free_port(), free_port()
        words = ["--port", str(self._redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._redis = Process([program, *words], folder, "redis.log")
        self._redis.when_printed("Ready to accept connections", END_S)
        caps = scenario.caps
        (folder / "caps.json").write_text(json.dumps({"all": caps.all / _USD, "user": caps.user / _USD}), "utf-8")
        (folder / "config.json").write_text(
            json.dumps(configuration(scenario, provider_url, self._redis_port), indent=1), "utf-8"
        )
        shutil.copy(AUTH, folder)
        self._clock = WallClock(folder)
        environment = {
            **os.environ,  # noqa: TID251  # as a shell does
            **self._clock.environment,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONUNBUFFERED": "1",
        }
        command = [
            *(str(LITELLM_VENV / "bin" / "litellm"), "--config", "config.json", "--telemetry", "False"),
            *("--host", "127.0.0.1", "--port", str(self._port), "--num_workers", str(WORKERS)),
            # Its server ends a worker that is still importing after 5 s, for ever where the machine is slow.
            *("--timeout_worker_healthcheck", str(int(PATIENCE_S))),
        ]
        self._process = Process(command, folder, "gateway.log", environment=environment)
        self._process.when_printed("startup complete.", PATIENCE_S, times=WORKERS)
        self._warm()

    def door(self, ask: Ask) -> Door:
        """Give its one address; its callers are patient, for it is slower."""
        return Door("127.0.0.1", self._port, "", {"authorization": f"Bearer sk-t{ask.team}"}, CALLERS_S)

    async def befall(self, event: Event) -> None:
        """Kill a worker, let Redis be silent or full for a while, or set the workers' clock."""
        match event.act:
            case "kill":
                workers = [] if self._process is None else workers_of(self._process, whose=b"spawn_main")
                if workers:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self._draw.choice(workers), signal.SIGKILL)
            case "lock":
                self._tell_redis(f"CLIENT PAUSE {SILENT_S * self._draw.random() * 1e3:.0f}")
            case "full":
                self._tell_redis("CONFIG SET maxmemory 1")
                await asyncio.sleep(SILENT_S * self._draw.random())
                self._tell_redis("CONFIG SET maxmemory 0")
            case _:
                if self._clock is not None:
                    self._clock.set(JUMPS_S[event.act])

    def stop(self) -> None:
        """Ask it for an orderly end, then end Redis."""
        try:
            if self._process is not None:
                self._process.stop(END_S)
        finally:
            if self._redis is not None:
                self._redis.stop(END_S)

    def complaints(self, billed_nusd: int) -> Sequence[str]:
        """Leave its books alone: only the meter is compared."""
        del billed_nusd
        return ()

    def _warm(self) -> None:
        """Let every worker load what it loads with its first call, by calls that it refuses."""
        ask = exact(0, 1).asks[0]
        asyncio.run(traffic([replace(ask, model="nobody")] * WORKERS * 8, self.door))

    def _tell_redis(self, words: str) -> None:
        with socket.create_connection(("127.0.0.1", self._redis_port), _SOCKET_S) as redis:
            redis.sendall(words.encode() + b"\r\n")
            redis.recv(64)


def configuration(scenario: Scenario, provider_url: str, redis_port: int) -> dict[str, Any]:  # JSON, which is YAML too
    """Write its configuration: reservations in Redis, closed when that fails, and a budget for each provider."""
    provider = {"budget_limit": scenario.caps.provider / _USD, "time_period": "1d"}
    return {
        "model_list": [_deployment(model, *prices, provider_url) for model, prices in PRICES.items()],
        "general_settings": {
            "master_key": "sk-master",
            "custom_auth": "litellm_auth.grant",
            "custom_auth_run_common_checks": True,
            "fail_closed_budget_enforcement": True,
            "coordination_redis": {"host": "127.0.0.1", "port": redis_port},
        },
        "litellm_settings": {"callbacks": ["litellm_auth.spend"]},
        "router_settings": {
            "redis_host": "127.0.0.1",
            "redis_port": redis_port,
            "num_retries": scenario.retries,
            "timeout": 60,  # so that it gives none of the calls up because it is slow itself
            "provider_budget_config": {"anthropic": provider, "openai": provider},
            "fallbacks": [{"claude-opus-5-5": ["claude-haiku-4-5", "gpt-5.4"]}],
        },
    }


def _deployment(model: str, maker: str, input_usd: float, output_usd: float, url: str) -> dict[str, Any]:  # JSON
    return {
        "model_name": model,
        "litellm_params": {
            "model": f"{maker}/{model}",
            "api_base": url if maker == "anthropic" else f"{url}/v1",
            "api_key": "provider-key",
            "input_cost_per_token": input_usd / _MTOK,
            "output_cost_per_token": output_usd / _MTOK,
        },
    }
